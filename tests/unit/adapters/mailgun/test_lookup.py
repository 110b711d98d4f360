"""A lookup as a whole: one call, its line of the access log, its gate, and a key nobody sees."""

import json
import socket
from typing import Any

import pytest
from pydantic import SecretStr

from consumer.adapters.mailgun.lookup import MailgunLookup
from consumer.domain.errors import LookupUnavailable, SettingsError
from consumer.domain.notification import Email, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.unit.adapters.mailgun.server import (
    Behaviour,
    MisbehavingServer,
    Peer,
    answering,
    http_answer,
)

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
OURS = "<id@alerts.example.com>"


@pytest.fixture
def entries() -> list[AccessEntry]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def email() -> Email:
    return make_email(uid="u-1", message_id=OURS)


def lookup(
    url: str, clock: ManualClock, entries: list[AccessEntry], **changes: Any
) -> MailgunLookup:
    values: dict[str, Any] = {
        "base_url": url,
        "domain": "alerts.example.com",
        "lookup_key": SecretStr(KEY),
        "clock": clock,
        "access_log": entries.append,
        "connect_timeout": 1.0,
        "read_timeout": 1.0,
    }
    return MailgunLookup(**(values | changes))


def page(*events: str, **more: Any) -> bytes:
    headers = {"message-id": OURS.strip("<>"), "to": "oncall@example.com"}
    items = [{"event": event, "message": {"headers": headers}, **more} for event in events]
    return json.dumps({"items": items, "paging": {}}).encode()


def saying(body: bytes, status: str = "200 OK", headers: str = "") -> Behaviour:
    return answering(http_answer(body, status, f"Connection: close\r\n{headers}"))


def test_what_was_found_comes_as_a_result(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    def slowly(peer: Peer) -> None:
        peer.read_request()
        clock.advance(0.25)
        peer.write(http_answer(page("accepted")))

    with MisbehavingServer(slowly) as server:
        found = lookup(server.url, clock, entries).find(email, clock.now())
    assert found == SendResult(
        kind=Kind.ACCEPTED,
        reason=Reason.FOUND,
        message="Mailgun has it: accepted",
        transport="mailgun",
        provider_id=OURS,
        duration_ms=250,
    )


def test_each_lookup_is_a_line_of_the_access_log(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    reject = {"reason": "Sandbox", "description": ""}
    behaviours = [saying(page("accepted")), saying(page("rejected", reject=reject)), saying(page())]
    with MisbehavingServer(*behaviours, saying(b"", "503 Away")) as server:
        client = lookup(server.url, clock, entries)
        results = [client.find(email, clock.now()) for _ in range(3)]
        with pytest.raises(LookupUnavailable, match="HTTP 503"):
            client.find(email, clock.now())
    assert [result and result.kind for result in results] == [Kind.ACCEPTED, Kind.FAILED, None]
    assert [(e.kind, e.reason, e.status) for e in entries] == [
        (Kind.ACCEPTED, Reason.FOUND, 200),
        (Kind.FAILED, Reason.PROVIDER_REJECTED, 200),
        (Kind.IN_DOUBT, Reason.NOT_FOUND, 200),
        (Kind.DEFERRED, Reason.SERVER_ERROR, 503),
    ]
    for entry in entries:
        assert (entry.transport, entry.call, entry.domain) == (
            "mailgun",
            "lookup",
            "alerts.example.com",
        )
        assert (entry.uid, entry.message_id) == ("u-1", OURS)


def test_a_throttled_lookup_closes_a_gate_until_the_time_told(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    throttled = saying(b"{}", "429 Too Many Requests", "Retry-After: 60\r\n")
    with MisbehavingServer(throttled, saying(page())) as server:
        client = lookup(server.url, clock, entries)
        with pytest.raises(LookupUnavailable, match=r"429.*wait 60 s"):
            client.find(email, clock.now())
        clock.advance(59)
        with pytest.raises(LookupUnavailable, match=r"not asked.*wait 1 s"):
            client.find(email, clock.now())
        assert server.connections == len(entries) == 1
        clock.advance(1)
        assert client.find(email, clock.now()) is None


def test_a_lookup_that_cannot_reach_mailgun_or_hears_nothing_is_unavailable(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(LookupUnavailable, match="refused"):
        lookup(url, clock, entries).find(email, clock.now())
    with (
        MisbehavingServer(Peer.hang) as server,
        pytest.raises(LookupUnavailable, match="no answer within"),
    ):
        lookup(server.url, clock, entries, read_timeout=0.1).find(email, clock.now())
    assert [(e.kind, e.reason, e.status) for e in entries] == [
        (Kind.DEFERRED, Reason.UNREACHABLE, None),
        (Kind.DEFERRED, Reason.ANSWER_LOST, None),
    ]


def test_a_page_of_many_kilobytes_is_read_whole(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    many = page(*["opened"] * 99, **{"user-variables": {"text": "x" * 4096}})
    with MisbehavingServer(saying(many)) as server:
        found = lookup(server.url, clock, entries).find(email, clock.now())
    assert found is not None
    assert found.message == "Mailgun has it: opened"


def test_a_redirect_is_not_followed(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    with MisbehavingServer() as elsewhere:
        redirect = saying(b"", "302 Found", f"Location: {elsewhere.url}/\r\n")
        with MisbehavingServer(redirect) as server:
            client = lookup(server.url, clock, entries)
            with pytest.raises(LookupUnavailable, match=r"check mailgun\.base_url"):
                client.find(email, clock.now())
        assert elsewhere.connections == 0


def test_the_key_shows_nowhere(
    clock: ManualClock, entries: list[AccessEntry], email: Email
) -> None:
    """Not even when a server that is not Mailgun sends our headers back in its error."""

    def echo(peer: Peer) -> None:
        head = peer.read_request().partition(b"\r\n\r\n")[0]
        peer.write(http_answer(KEY.encode() + b" " + head, "404 Not Found"))

    with MisbehavingServer(echo) as server:
        client = lookup(server.url, clock, entries)
        with pytest.raises(LookupUnavailable) as caught:
            client.find(email, clock.now())
        assert b"Basic YXBpOmtleS0zYXg2" in server.requests[0]
    assert "***" in str(caught.value)
    shown = f"{client!r} {client} {caught.value!r} {entries!r}"
    assert KEY not in shown
    assert "YXBpOmtleS0zYXg2" not in shown


def test_settings_that_cannot_work_are_told_by_name(
    clock: ManualClock, entries: list[AccessEntry]
) -> None:
    url = "http://127.0.0.1:1"
    with pytest.raises(SettingsError, match=r"mailgun\.lookup_key"):
        lookup(url, clock, entries, lookup_key="")
    with pytest.raises(SettingsError, match=r"mailgun\.domain"):
        lookup(url, clock, entries, domain="a/b")
    with pytest.raises(SettingsError, match=r"mailgun\.base_url"):
        lookup(f"{url}/v3", clock, entries)
