"""The transport as a whole: results, access log, and a key that shows nowhere."""

import socket
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import SecretStr

from consumer.adapters.mailgun.client import MailgunTransport
from consumer.domain.notification import SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, Transport
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.unit.adapters.mailgun.server import (
    MisbehavingServer,
    Peer,
    answering,
    http_answer,
    queued,
)

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"


@pytest.fixture
def entries() -> list[AccessEntry]:
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def transport(
    url: str, clock: ManualClock, entries: list[AccessEntry], **changes: Any
) -> MailgunTransport:
    values: dict[str, Any] = {
        "base_url": url,
        "domain": "alerts.example.com",
        "api_key": SecretStr(KEY),
        "clock": clock,
        "access_log": entries.append,
        "pool_size": 2,
        "connect_timeout": 1.0,
        "read_timeout": 1.0,
    }
    return MailgunTransport(**(values | changes))


def send(client: Transport, **changes: Any) -> SendResult:
    return client.send(make_email(**changes), SendOptions())


def test_an_accepted_email(clock: ManualClock, entries: list[AccessEntry]) -> None:
    ours = "<id@alerts.example.com>"
    with MisbehavingServer() as server:
        sent = send(transport(server.url, clock, entries), message_id=ours)
        form = dict(parse_qsl(server.requests[0].partition(b"\r\n\r\n")[2].decode()))
    assert sent == SendResult(
        kind=Kind.ACCEPTED,
        reason=Reason.QUEUED,
        message="Queued. Thank you.",
        transport="mailgun",
        provider_id=ours,
        code=200,
    )
    assert form["h:Message-Id"] == ours
    assert form["to"] == "oncall@example.com"


def test_each_call_is_one_line_of_the_access_log(entries: list[AccessEntry]) -> None:
    clock = ManualClock()

    def slow_then_throttled(peer: Peer) -> None:
        peer.read_request()
        clock.advance(0.25)
        headers = "Retry-After: 2\r\nConnection: close\r\n"
        peer.write(http_answer(b"{}", "429 Too Many Requests", headers))

    with MisbehavingServer(slow_then_throttled, queued) as server:
        client = transport(server.url, clock, entries)
        for _ in range(2):
            sent = send(client, uid="u-1", message_id="<m@example.com>")
            assert sent.calls == 1
            clock.advance(2)
    assert [(e.kind, e.reason, e.status) for e in entries] == [
        (Kind.DEFERRED, Reason.THROTTLED, 429),
        (Kind.ACCEPTED, Reason.QUEUED, 200),
    ]
    assert entries[0].milliseconds == pytest.approx(250, abs=0.01)
    for entry in entries:
        assert (entry.transport, entry.domain) == ("mailgun", "alerts.example.com")
        assert (entry.uid, entry.message_id) == ("u-1", "<m@example.com>")


def test_a_lost_answer_is_in_doubt_and_not_repeated(
    clock: ManualClock, entries: list[AccessEntry]
) -> None:
    with MisbehavingServer(answering(b""), queued) as server:
        sent = send(transport(server.url, clock, entries))
        assert (sent.kind, sent.reason) == (Kind.IN_DOUBT, Reason.ANSWER_LOST)
        assert (sent.calls, sent.code) == (1, None)
        assert server.connections == 1
    assert [entry.reason for entry in entries] == [Reason.ANSWER_LOST]


def test_an_unreachable_provider_defers_the_send(
    clock: ManualClock, entries: list[AccessEntry]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sent = send(transport(url, clock, entries))
    assert (sent.kind, sent.reason, sent.calls) == (Kind.DEFERRED, Reason.UNREACHABLE, 1)
    assert sent.retry_at is None, "the policy decides when"
    assert [entry.reason for entry in entries] == [Reason.UNREACHABLE]


def test_a_long_wait_holds_the_next_send_without_a_call(
    clock: ManualClock, entries: list[AccessEntry]
) -> None:
    throttled = answering(http_answer(b"{}", "420 Slow", "Retry-After: 600\r\n"))
    with MisbehavingServer(throttled) as server:
        client = transport(server.url, clock, entries)
        assert send(client).retry_at == clock.now() + 600
        assert client.opens_in() == 600
        held = send(client)
        assert (held.reason, held.calls) == (Reason.THROTTLED, 0)
        assert held.retry_at == clock.now() + 600
        assert server.connections == 1
    assert len(entries) == 1


def test_a_throttling_answer_without_a_time_closes_the_gate_for_a_while(
    clock: ManualClock, entries: list[AccessEntry]
) -> None:
    throttled = answering(http_answer(b"{}", "429 Too Many Requests"))
    with MisbehavingServer(throttled) as server:
        client = transport(server.url, clock, entries)
        assert send(client).retry_at == clock.now() + 5
        assert client.opens_in() == 5
        clock.advance(5)
        assert client.opens_in() == 0


def test_what_did_not_fit_is_told(clock: ManualClock, entries: list[AccessEntry]) -> None:
    with MisbehavingServer() as server:
        sent = send(transport(server.url, clock, entries), variables=(("big", "x" * 20_000),))
    assert "v:big" in sent.message


def test_after_close_a_send_is_deferred(clock: ManualClock, entries: list[AccessEntry]) -> None:
    with MisbehavingServer() as server:
        client = transport(server.url, clock, entries)
        client.close()
        assert send(client).reason is Reason.UNREACHABLE
        assert server.connections == 0


def test_the_key_shows_nowhere(clock: ManualClock, entries: list[AccessEntry]) -> None:
    """Not even when a server that is not Mailgun sends our headers back in its error."""

    def echo(peer: Peer) -> None:
        head = peer.read_request().partition(b"\r\n\r\n")[0]
        peer.write(http_answer(KEY.encode() + b" " + head, "404 Not Found"))

    with MisbehavingServer(echo) as server:
        client = transport(server.url, clock, entries, api_key=KEY)
        sent = send(client)
    assert "***" in sent.message
    shown = f"{client!r} {client} {sent!r} {entries!r}"
    assert KEY not in shown
    assert "YXBpOmtleS0zYXg2" not in shown
