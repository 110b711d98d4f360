"""The control interface: reset, totals, mails, faults."""

from tests.unit.sandbox.mailgun.support import DOMAIN, Client, make_form


def test_the_totals_tell_what_happened(client: Client) -> None:
    client.send(h_Message_Id="<one@example.com>")
    client.send(h_Message_Id="<one@example.com>")
    client.send(to="b@example.org")
    client.send(to="nobody")
    client.fake.script({"kind": "status", "status": 503})
    client.send()
    client.events()

    assert client.get("/_fake/stats").json() == {
        "calls": 5,
        "lookups": 1,
        "accepted_calls": 3,
        "rejected_calls": 1,
        "accepted_messages": 3,
        "duplicate_messages": 1,
        "faults_served": 1,
        "distinct_recipients": 2,
        "kept_messages": 3,
        "kept_events": 6,
        "last_sequence": 3,
    }


def test_the_control_interface_needs_no_key(client: Client) -> None:
    client.session.auth = None

    assert client.get("/_fake/stats").status_code == 200
    assert client.post("/_fake/reset").status_code == 200


def test_mails_come_in_the_order_of_acceptance_with_all_they_have(client: Client) -> None:
    client.send(subject="1", html="<p>", h_X_A="b", v_c="d", o_testmode="yes")
    client.send(subject="2")

    first, second = client.get("/_fake/messages").json()["items"]

    assert (first["subject"], first["sequence"], second["sequence"]) == ("1", 1, 2)
    assert first["accepted_at"] <= second["accepted_at"]
    assert ["X-A", "b"] in first["headers"]
    assert (first["html"], first["variables"], first["test_mode"]) == ("<p>", {"c": "d"}, True)


def test_mails_are_found_by_id_recipient_sequence_and_number(client: Client) -> None:
    for number in "123":
        client.send(subject=number, to=f"r{number}@example.org", h_Message_Id=f"<{number}@x.com>")

    def found(**parameters: str) -> list[str]:
        items = client.get("/_fake/messages", params=parameters).json()["items"]
        return [item["subject"] for item in items]

    assert found(message_id="2@x.com") == found(message_id="<2@x.com>") == ["2"]
    assert found(recipient="R3@example.org") == ["3"]
    assert found(limit="2") == ["2", "3"]
    assert found(after="1", limit="1") == ["3"]
    assert client.get("/_fake/messages?limit=many").status_code == 400


def test_more_than_two_thousand_mails_come_in_one_call(client: Client) -> None:
    to = [f"r{number}@example.org" for number in range(1000)]
    for _ in range(3):
        client.post(f"/v3/{DOMAIN}/messages", data=make_form(to=to).fields)

    assert len(client.get("/_fake/messages").json()["items"]) == 3000


def test_reset_leaves_an_empty_mailbox_and_no_faults(client: Client) -> None:
    client.send()
    client.fake.script({"kind": "reset"})

    client.post("/_fake/reset")

    assert set(client.get("/_fake/stats").json().values()) == {0}
    assert client.get("/_fake/faults").json() == {"items": []}
    assert client.events() == []


def test_faults_are_added_listed_and_forgotten(client: Client) -> None:
    one = client.post("/_fake/faults", json={"kind": "reset", "match": {"domain": DOMAIN}})
    client.post("/_fake/faults", json=[{"kind": "hang", "count": None}])

    assert one.status_code == 200
    items = client.get("/_fake/faults").json()["items"]
    assert [(item["kind"], item["count"]) for item in items] == [("reset", 1), ("hang", None)]
    assert client.delete("/_fake/faults").json() == {"items": []}


def test_a_wrong_script_is_refused_whole(client: Client) -> None:
    answer = client.post("/_fake/faults", json=[{"kind": "reset"}, {"kind": "explode"}])

    assert answer.status_code == 400
    assert "kind must be one of" in answer.json()["message"]
    assert client.post("/_fake/faults", data=b"{").status_code == 400
    assert client.get("/_fake/faults").json() == {"items": []}
