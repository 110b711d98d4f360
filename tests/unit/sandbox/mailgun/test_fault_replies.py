"""Every kind of fault over real HTTP, before and after acceptance."""

import socket
import threading
from typing import Any

import pytest
import requests

from consumer.sandbox.mailgun import FakeMailgun
from tests.unit.sandbox.mailgun.support import DOMAIN, TIMEOUT, Client


def fault(client: Client, **line: Any) -> None:
    client.fake.script(line)


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_a_status_before_or_after_acceptance(client: Client, when: str, accepted: int) -> None:
    fault(client, kind="status", status=503, when=when)

    answer = client.send()

    assert (answer.status_code, answer.json()) == (503, {"message": "Service Unavailable"})
    assert len(client.fake.messages()) == accepted
    assert client.send().status_code == 200


def test_a_status_with_a_body_and_headers_of_its_own(client: Client) -> None:
    fault(client, kind="status", status=402, body={"Reason": "pay"}, headers={"x-a": "b"})
    fault(client, kind="status", status=499, body="just text")
    fault(client, kind="status", status=599)

    first, second, third = client.send(), client.send(), client.send()

    assert (first.status_code, first.json(), first.headers["x-a"]) == (402, {"Reason": "pay"}, "b")
    assert (second.status_code, second.text) == (499, "just text")
    assert (third.status_code, third.json()) == (599, {"message": "Unknown"})


def test_throttling_with_420_and_429_in_both_forms(client: Client) -> None:
    fault(client, kind="throttle", status=420, seconds=120, retry="seconds")
    fault(client, kind="throttle", why="request", headers={"retry-after": "60"})

    first, second = client.send(), client.send()

    text = f"Domain {DOMAIN} is not allowed to send:"
    assert first.status_code == 420
    assert first.json() == {
        "message": f"{text} recipient limit exceeded, try again after 120 seconds"
    }
    assert (second.status_code, second.headers["retry-after"]) == (429, "60")
    assert second.json()["message"].startswith(f"{text} request limit exceeded, try again after ")
    assert second.json()["message"].endswith(" UTC")
    assert client.fake.messages() == []


@pytest.mark.parametrize(
    ("kind", "status", "media_type", "text"),
    [
        ("magnificent", 200, "text/plain", "Mailgun Magnificent API"),
        ("html502", 502, "text/html", "<h1>502 Bad Gateway</h1>"),
    ],
)
def test_answers_that_are_no_json(
    client: Client, kind: str, status: int, media_type: str, text: str
) -> None:
    fault(client, kind=kind)

    answer = client.send()

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(media_type)
    assert text in answer.text


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_holds_the_answer_back_and_then_goes_on(client: Client, when: str) -> None:
    fault(client, kind="delay", seconds=0.2, when=when)

    answer = client.send()

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.2
    assert len(client.fake.messages()) == 1


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_a_reset_is_a_reset_on_the_wire(client: Client, when: str, accepted: int) -> None:
    fault(client, kind="reset", when=when)

    with pytest.raises(requests.ConnectionError) as caught:
        client.send()

    assert "ConnectionResetError" in repr(caught.value)
    assert len(client.fake.messages()) == accepted


def test_a_truncated_answer_breaks_off_in_its_body(client: Client) -> None:
    fault(client, kind="truncate", when="after")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.send()

    assert len(client.fake.messages()) == 1


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_a_hanging_call_ends_when_the_client_gives_up(
    client: Client, when: str, accepted: int
) -> None:
    fault(client, kind="hang", when=when)

    with pytest.raises(requests.ReadTimeout):
        client.session.post(
            f"{client.fake.url}/v3/{DOMAIN}/messages",
            data={"from": "a@example.org", "to": "b@example.org", "text": "x"},
            timeout=(TIMEOUT, 0.2),
        )

    assert len(client.fake.messages()) == accepted
    assert client.send().status_code == 200


def test_faults_for_one_recipient_leave_the_others_alone(client: Client) -> None:
    fault(client, kind="status", status=500, count=None, match={"recipient": "bad@example.org"})

    assert client.send().status_code == 200
    assert client.send(to=["ops@example.org", "bad@example.org"]).status_code == 500


def test_a_fault_comes_before_the_key_is_looked_at(client: Client) -> None:
    client.session.auth = None
    fault(client, kind="html502")

    assert client.send().status_code == 502


def test_an_after_fault_waits_for_a_call_that_is_accepted(client: Client) -> None:
    fault(client, kind="html502", when="after")

    assert client.send(to="nobody").status_code == 400
    assert client.send().status_code == 502


def test_lookups_can_fail_too(client: Client) -> None:
    fault(client, kind="status", status=403, call="lookup")

    assert client.send().status_code == 200
    assert client.get(f"/v3/{DOMAIN}/events").status_code == 403
    assert len(client.events()) == 2


def test_lookups_of_one_domain_can_fail_whichever_api_is_asked(client: Client) -> None:
    fault(client, kind="status", call="lookup", count=2, domain=DOMAIN)
    values = [{"label": DOMAIN, "value": DOMAIN}]
    rule = {"attribute": "domain", "comparator": "=", "values": values}
    search = {"filter": {"AND": [rule]}}

    assert client.post("/v1/analytics/logs", json={}).status_code == 200, "of no domain"
    assert client.post("/v1/analytics/logs", json=search).status_code == 500
    assert client.send().status_code == 200
    assert client.get(f"/v3/{DOMAIN}/events").status_code == 500
    assert client.post("/v1/analytics/logs", json=search).status_code == 200


@pytest.mark.parametrize("line", [{"kind": "hang"}, {"kind": "delay", "seconds": 3600}])
@pytest.mark.parametrize("when", ["before", "after"])
def test_stop_releases_calls_that_are_held_back(line: dict[str, Any], when: str) -> None:
    with FakeMailgun() as fake:
        client = Client(fake)
        fake.script(line | {"when": when})
        failures: list[BaseException] = []

        def send() -> None:
            try:
                client.send()
            except requests.ConnectionError as error:
                failures.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        _until_faults_served(fake)
    thread.join(TIMEOUT)
    client.session.close()

    assert not thread.is_alive()
    assert len(failures) == 1


def _until_faults_served(fake: FakeMailgun) -> None:
    deadline = threading.Event()
    for _ in range(TIMEOUT * 100):
        if fake.stats()["faults_served"]:
            return
        deadline.wait(0.01)
    raise AssertionError("the call did not arrive")


def test_a_reset_of_one_connection_leaves_the_others_open(client: Client) -> None:
    fault(client, kind="reset")
    other = socket.create_connection(("127.0.0.1", int(client.fake.url.rpartition(":")[2])))
    with other:
        other.settimeout(TIMEOUT)
        with pytest.raises(requests.ConnectionError):
            client.send()
        other.sendall(b"GET /_fake/stats HTTP/1.1\r\nhost: localhost\r\n\r\n")

        assert other.recv(15) == b"HTTP/1.1 200 OK"
