"""What a send does where a switch decides it; stored messages sent again."""

import json
from typing import Any

import pytest

from tests.unit.sandbox.mailgun.support import DOMAIN, Client

OWN = "<own@alerts.example.com>"
PATH = f"/v3/{DOMAIN}/messages"


def test_the_answer_to_an_own_id(client: Client) -> None:
    assert client.send(h_Message_Id=OWN).json()["id"] == OWN
    client.fake.switch(answered_id="generated")
    assert client.send(h_Message_Id=OWN).json()["id"] != OWN
    assert {mail["message_id"] for mail in client.fake.messages()} == {OWN.strip("<>")}


def test_the_answer_to_an_own_id_for_each_recipient(client: Client) -> None:
    batch: dict[str, Any] = {
        "to": ["a@x.org", "b@x.org"],
        "recipient_variables": json.dumps({"a@x.org": {"n": "1"}, "b@x.org": {"n": "2"}}),
        "h_Message_Id": f"<%recipient.n%@{DOMAIN}>",
    }
    assert client.send(**batch).json()["id"] not in (f"<1@{DOMAIN}>", f"<2@{DOMAIN}>")
    client.fake.switch(answered_batch_id="first")
    assert client.send(**batch).json()["id"] == f"<1@{DOMAIN}>"


@pytest.mark.parametrize(("switch", "text"), [("keep", "Hi %recipient.x%"), ("empty", "Hi ")])
def test_a_missing_variable(client: Client, switch: str, text: str) -> None:
    client.fake.switch(missing_variable=switch)
    client.send(recipient_variables="{}", text="Hi %recipient.x%")

    assert client.fake.messages()[0]["text"] == text


@pytest.mark.parametrize("on", [True, False])
def test_placeholders_in_from_and_options(client: Client, on: bool) -> None:
    client.fake.switch(substitutes_from=on, substitutes_options=on)
    variables = json.dumps({"ops@example.org": {"x": "shop"}})
    client.send(recipient_variables=variables, from_="%recipient.x%@x.org", o_tag="t-%recipient.x%")

    (mail,) = client.fake.messages()
    shown = ("shop@x.org", ["t-shop"]) if on else ("%recipient.x%@x.org", ["t-%recipient.x%"])
    assert (mail["from"], list(mail["tags"])) == shown
    assert mail["options"]["tag"] == shown[1]


def test_more_than_ten_tags(client: Client) -> None:
    tags = [f"t{number}" for number in range(11)]
    assert client.send(o_tag=tags).status_code == 200
    assert len(client.fake.messages()[0]["tags"]) == 10
    client.fake.switch(too_many_tags="refuse")
    assert client.send(o_tag=tags).status_code == 400


def test_whether_names_count_for_the_16_kilobytes(client: Client) -> None:
    values = {"v_" + "n" * 100 + str(number): "x" * 70 for number in range(100)}
    assert client.send(**values).status_code == 400
    client.fake.switch(option_limit_counts_names=False)
    assert client.send(**values).status_code == 200


def test_a_mime_text_that_is_no_file(client: Client) -> None:
    def send_mime() -> int:
        parts = {"to": (None, "a@x.org"), "message": (None, "Subject: Hi\r\n\r\nText")}
        return client.post(PATH + ".mime", files=parts).status_code

    assert send_mime() == 400
    client.fake.switch(mime_without_file="take")
    assert send_mime() == 200
    assert client.fake.messages()[0]["subject"] == "Hi"


@pytest.mark.parametrize(
    ("switch", "status", "number"),
    [("nothing", 200, 0), ("stripped", 200, 2), ("ignored", 200, 4), ("refused", 400, None)],
)
def test_a_search_for_an_id_with_brackets(
    client: Client, switch: str, status: int, number: int | None
) -> None:
    client.send(h_Message_Id=OWN)
    client.send()
    client.fake.switch(bracketed_message_id=switch)
    one = {
        "attribute": "message_id",
        "comparator": "=",
        "values": [{"label": OWN, "value": OWN}],
    }

    events = client.get(f"/v3/{DOMAIN}/events", params={"message-id": OWN})
    logs = client.post("/v1/analytics/logs", json={"filter": {"AND": [one]}})

    assert events.status_code == logs.status_code == status
    if number is not None:
        assert len(events.json()["items"]) == len(logs.json()["items"]) == number


@pytest.mark.parametrize(("on", "number"), [(False, 2), (True, 0)])
def test_half_a_range(client: Client, on: bool, number: int) -> None:
    client.fake.switch(half_open_range=on)
    client.send()

    assert len(client.events(begin="4000000000")) == number


def test_a_stored_message_is_sent_again_under_a_new_id(client: Client) -> None:
    client.send(h_Message_Id=OWN, subject="Again", o_tag="x")
    stored = client.events(event="accepted")[0]["storage"]["url"]

    answer = client.post(stored, data={"to": "new@x.org, other@x.org"})

    again = client.fake.messages()[1:]
    assert {f"<{mail['message_id']}>" for mail in again} == {answer.json()["id"]}
    assert answer.json()["id"] != OWN
    assert [mail["recipient"] for mail in again] == ["new@x.org", "other@x.org"]
    assert {mail["subject"] for mail in again} == {"Again"}
    assert client.post(stored, data={"to": "nobody"}).status_code == 400
    assert client.post(f"/v3/domains/{DOMAIN}/messages/none", data={"to": "a@x.org"}).json() == {
        "message": "Message not found"
    }
