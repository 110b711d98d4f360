"""Connections: few, shared, used again, and never trusted after something odd."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from consumer.domain.reasons import Kind, Reason
from tests.support.smtp import FakeSmtp
from tests.unit.adapters.smtp.rig import Rig


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as fake:
        yield fake


@pytest.fixture
def rig(server: FakeSmtp) -> Rig:
    return Rig(server)


def test_one_connection_carries_many_emails(rig: Rig) -> None:
    for _ in range(5):
        assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.connections == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize("answer", ["450 4.2.0 later", "550 5.1.1 no"])
def test_a_refusal_does_not_cost_the_connection(rig: Rig, step: str, answer: str) -> None:
    rig.server.answer_at(step, answer, times=1)
    assert rig.send().kind is not Kind.ACCEPTED
    assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.connections == 1


@pytest.mark.parametrize(
    ("step", "answer"),
    [("RCPT", "421 4.3.2 bye"), ("DATA", "250 ok"), ("END", "354 go on"), ("END", "what?")],
)
def test_after_something_odd_a_connection_is_not_used_again(
    rig: Rig, step: str, answer: str
) -> None:
    rig.server.answer_at(step, answer, times=1)
    rig.send()
    assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.connections == 2


def test_an_answer_too_many_is_never_taken_for_the_last_one(rig: Rig) -> None:
    """Answers out of step by one: what belongs to DATA would read as the email's success."""
    rig.server.answer_at("END", "250 2.0.0 queued\r\n250 and once more", times=1)
    assert rig.send().kind is Kind.ACCEPTED
    rig.server.answer_at("END", "550 5.7.1 refused")
    result = rig.send()
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.UNREADABLE_ANSWER)
    assert len(rig.server.messages) == 1


def test_an_idle_connection_that_the_server_ended_is_replaced(rig: Rig) -> None:
    rig.send()
    rig.server.drop_connections()
    assert rig.send().kind is Kind.ACCEPTED
    assert (rig.server.connections, len(rig.server.messages)) == (2, 2)


def test_an_idle_connection_that_the_server_ends_with_421_is_replaced(rig: Rig) -> None:
    rig.send()
    rig.server.answer_at("MAIL", "421 4.4.2 idle for too long", times=1)
    assert rig.send().kind is Kind.ACCEPTED
    assert (rig.server.connections, len(rig.server.messages)) == (2, 2)


def test_it_is_replaced_once(rig: Rig) -> None:
    rig.send()
    rig.server.cut_at("MAIL")
    assert rig.send().reason is Reason.UNREACHABLE
    assert rig.server.connections == 2


def test_a_connection_lost_after_the_final_dot_is_never_replaced(rig: Rig) -> None:
    rig.send()
    rig.server.cut_at("END")
    assert rig.send().kind is Kind.IN_DOUBT
    assert (rig.server.connections, len(rig.server.messages)) == (1, 2)


def test_an_idle_connection_is_not_trusted_for_long(rig: Rig) -> None:
    rig.send()
    rig.clock.advance(60.0)
    rig.send()
    assert rig.server.connections == 2
    assert "QUIT" in rig.server.commands, "the old one is ended with a goodbye"


def test_many_threads_share_a_few_connections(server: FakeSmtp) -> None:
    rig = Rig(server, pool_size=3)
    start = threading.Barrier(8)

    def send(number: int) -> Kind:
        start.wait(5)
        return rig.send(uid=f"u{number}", message_id=f"<m{number}@example.com>").kind

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(send, range(8))) == {Kind.ACCEPTED}
    assert {each.message_id for each in server.messages} == {
        f"<m{number}@example.com>" for number in range(8)
    }
    assert len(server.messages) == 8
    assert server.connections <= 3


def test_what_is_in_use_when_the_transport_closes_is_closed_after_it(server: FakeSmtp) -> None:
    rig = Rig(server, read_timeout=5.0)
    server.hold_at("END")
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(rig.send)
        server.until_held()
        rig.transport.close()
        server.let_go()
        assert sent.result(5).kind is Kind.ACCEPTED
    server.until_closed()
    assert rig.send().reason is Reason.UNREACHABLE
    assert server.connections == 1


def test_a_name_that_is_not_resolved_in_time_defers(server: FakeSmtp) -> None:
    """getaddrinfo itself knows no limit."""
    release = threading.Event()

    def stuck(*_: Any, **__: Any) -> list[Any]:
        release.wait(10)
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", stuck)
        result = Rig(server, connect_timeout=0.1).send()
        release.set()
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.UNREACHABLE)
    assert "resolved" in result.message


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
def test_a_name_that_is_none_defers(rig: Rig, host: str) -> None:
    assert Rig(rig.server, host=host).send().reason is Reason.UNREACHABLE


def test_a_name_that_nobody_knows_defers(server: FakeSmtp) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        result = Rig(server).send()
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.UNREACHABLE)
    assert result.message == f"connect: 127.0.0.1:{server.port}: Name or service not known"


def test_each_address_of_a_name_is_tried(rig: Rig) -> None:
    with FakeSmtp() as gone:
        pass
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        for port in (gone.port, rig.server.port)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        assert rig.send().kind is Kind.ACCEPTED


def test_our_name_is_looked_up_nowhere(rig: Rig) -> None:
    """A reverse lookup of one's own name may take as long as the resolver likes."""

    def looked_up(*_: Any) -> str:
        raise AssertionError("looked up")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("getfqdn", "gethostbyname", "gethostbyaddr"):
            patch.setattr(socket, name, looked_up)
        patch.setattr(socket, "gethostname", lambda: "box")
        assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.commands[0] == "ehlo [127.0.0.1]"
