"""Sends over real HTTP: answers, keys, paths."""

import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from requests.auth import HTTPBasicAuth

from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.unit.sandbox.mailgun.support import DOMAIN, Client, make_form

PATH = f"/v3/{DOMAIN}/messages"


def test_a_send_is_queued_and_lies_in_the_mailbox(client: Client) -> None:
    answer = client.send(h_Message_Id="<a-17.1@alerts.example.com>", o_tag=["x", "y"], v_id="7")

    assert (answer.status_code, answer.json()) == (
        200,
        {"id": "<a-17.1@alerts.example.com>", "message": "Queued. Thank you."},
    )
    (mail,) = client.fake.messages()
    assert mail["message_id"] == "a-17.1@alerts.example.com"
    assert (mail["tags"], mail["variables"]) == (("x", "y"), {"id": "7"})


def test_urlencoded_multipart_and_gzip_mean_the_same(client: Client) -> None:
    fields = make_form(o_tag=["x", "y"]).fields
    client.post(PATH, data=fields)
    client.post(PATH, data=fields, files={"attachment": ("a.txt", b"hello")})
    body = urlencode(fields, doseq=True)
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "content-encoding": "gzip",
    }
    client.post(PATH, data=gzip.compress(body.encode()), headers=headers)

    first, second, third = client.fake.messages()
    same = ("subject", "text", "recipient", "tags", "from")
    for name in same:
        assert first[name] == second[name] == third[name]
    assert [one["filename"] for one in second["attachments"]] == ["a.txt"]


def test_an_attachment_without_a_file_name_is_dropped(client: Client) -> None:
    client.post(PATH, files=[("attachment", (None, b"x")), *_parts(make_form().fields)])

    assert client.fake.messages()[0]["attachments"] == []


def _parts(fields: dict[str, list[str]]) -> list[tuple[str, Any]]:
    return [(name, (None, value)) for name, values in fields.items() for value in values]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"from_": None}, "from parameter is missing"),
        ({"to": "x"}, "to parameter is not a valid address. please check documentation"),
    ],
)
def test_a_refused_send_leaves_nothing_behind(
    client: Client, changes: dict[str, Any], text: str
) -> None:
    answer = client.send(**changes)

    assert (answer.status_code, answer.json()) == (400, {"message": text})
    assert client.fake.messages() == []
    assert client.fake.stats()["rejected_calls"] == 1
    assert client.events() == []


def test_json_is_not_a_send(client: Client) -> None:
    answer = client.post(PATH, json={"from": "a@example.org"})

    assert (answer.status_code, answer.json()["message"]) == (400, "from parameter is missing")


def test_more_than_the_limit_is_413(client: Client) -> None:
    body = b"text=" + b"x" * (53 * 1024 * 1024)

    answer = client.post(
        PATH, data=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )

    assert answer.status_code == 413
    assert answer.json() == {"message": "request size exceeds 52.4MiB limit"}


def test_a_batch_call_reaches_each_recipient_with_an_id_and_events_of_its_own(
    client: Client,
) -> None:
    to = [f"r{number}@example.org" for number in range(1000)]
    variables = {address: {"mid": f"{address[:-12]}.1@{DOMAIN}"} for address in to}

    answer = client.send(
        to=to, recipient_variables=json.dumps(variables), h_Message_Id="<%recipient.mid%>"
    )

    assert answer.status_code == 200
    mails = client.fake.messages(limit=2000)
    assert [mail["recipient"] for mail in mails] == to
    assert [event["recipient"] for event in client.events(**{"message-id": f"r7.1@{DOMAIN}"})] == [
        "r7@example.org",
        "r7@example.org",
    ]


def test_a_mime_message_is_taken(client: Client) -> None:
    content = b"From: a@alerts.example.com\r\nSubject: From MIME\r\n\r\nHello\r\n"

    answer = client.post(
        f"/v3/{DOMAIN}/messages.mime",
        data={"to": "ops@example.org"},
        files={"message": ("m.eml", content)},
    )

    assert answer.json()["message"] == "Queued. Thank you."
    assert client.fake.messages()[0]["subject"] == "From MIME"


@pytest.mark.parametrize(
    ("user", "key"), [("api", "wrong"), ("user", "full-key"), ("api", ""), ("", "")]
)
def test_a_wrong_key_is_forbidden_in_plain_text(client: Client, user: str, key: str) -> None:
    client.session.auth = HTTPBasicAuth(user, key)

    answer = client.send()

    assert (answer.status_code, answer.text) == (401, "Forbidden")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("header", [None, "Bearer full-key", "Basic ???", "Basic w6TDpA=="])
def test_a_broken_authorization_is_forbidden(client: Client, header: str | None) -> None:
    client.session.auth = None

    answer = client.post(PATH, headers={"authorization": header})

    assert (answer.status_code, answer.text) == (401, "Forbidden")


def test_a_sending_key_may_send_and_nothing_else(client: Client) -> None:
    client.session.auth = HTTPBasicAuth("api", "sending-key")

    assert client.send().status_code == 200
    for path in (f"/v3/{DOMAIN}/events", f"/v4/domains/{DOMAIN}"):
        assert client.get(path).status_code == 403


def test_an_unknown_domain_is_not_found(client: Client) -> None:
    answer = client.post("/v3/other.example.com/messages", data=make_form().fields)

    assert answer.status_code == 404
    assert answer.json() == {"message": "Domain not found: other.example.com"}


def test_without_a_list_every_domain_is_known() -> None:
    with FakeMailgun() as fake:
        client = Client(fake)
        with client.session:
            answer = client.post("/v3/any.example.com/messages", data=make_form().fields)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["/v3/alerts.example.com%2Fx/messages", "/v3/messages", "/messages", "/v3", "/"]
)
def test_a_path_that_mailgun_does_not_route_is_magnificent(client: Client, path: str) -> None:
    answer = client.post(path) if path != "/" else client.get(path)

    assert (answer.status_code, answer.text) == (200, "Mailgun Magnificent API")


def test_the_latency_holds_back_every_answer_to_a_send() -> None:
    with FakeMailgun(Options(latency_seconds=0.2)) as fake:
        client = Client(fake)
        with client.session:
            assert client.send().elapsed.total_seconds() >= 0.2
            assert client.send(to="x").elapsed.total_seconds() >= 0.2
            assert client.get("/_fake/stats").elapsed.total_seconds() < 0.2
