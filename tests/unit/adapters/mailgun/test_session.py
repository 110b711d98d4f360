"""On real sockets: what surely did not leave, and what may have."""

import socket
from collections.abc import Iterator

import pytest

from consumer.adapters.mailgun.session import AnswerLost, NotSent
from consumer.domain.errors import SettingsError
from tests.support.clock import ManualClock
from tests.unit.adapters.mailgun.server import (
    CHUNKED,
    QUEUED,
    Behaviour,
    MisbehavingServer,
    Peer,
    answering,
    http_answer,
    queued,
)
from tests.unit.adapters.mailgun.sessions import TIMEOUT, make_session


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel answers no further connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()


# What surely was not written


def test_a_refused_connection_sent_nothing(unused_port: int) -> None:
    with pytest.raises(NotSent, match=f"^127.0.0.1:{unused_port}: Connection refused$"):
        make_session(f"http://127.0.0.1:{unused_port}").post(b"a=1")


def test_an_unknown_host_was_sent_nothing() -> None:
    with pytest.raises(NotSent, match=r"^mailgun\.invalid:80: "):
        make_session("http://mailgun.invalid").post(b"a=1")


def test_a_connect_timeout_sent_nothing(full_port: int) -> None:
    with pytest.raises(NotSent, match="timed out"):
        make_session(f"http://127.0.0.1:{full_port}").post(b"a=1")


@pytest.mark.parametrize(
    "behaviour",
    [
        Peer.reset,
        Peer.hang,
        lambda _peer: None,
        lambda peer: peer.write(b"HTTP/1.1 400 Bad\r\n\r\n"),
    ],
    ids=["reset", "hang", "close", "plain text"],
)
def test_a_failed_tls_handshake_sent_nothing(behaviour: Behaviour) -> None:
    with MisbehavingServer(behaviour) as server, pytest.raises(NotSent):
        make_session(server.url.replace("http:", "https:")).post(b"a=1")


def test_a_closed_session_sends_nothing() -> None:
    with MisbehavingServer() as server:
        closed = make_session(server.url)
        closed.post(b"a=1")
        closed.close()
        with pytest.raises(NotSent, match="closed"):
            closed.post(b"a=1")
        assert len(server.requests) == 1


# What may have been taken


def _reset_on_first_byte(peer: Peer) -> None:
    """Not before: a reset may be faster than the client's connect."""
    peer.connection.recv(1)
    peer.reset()


def _read_then_reset(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def _read_then_hang(peer: Peer) -> None:
    peer.read_request()
    peer.hang()


def _half_body_then_hang(peer: Peer) -> None:
    peer.read_request()
    peer.write(http_answer()[:-10])
    peer.hang()


LOST: dict[str, Behaviour] = {
    "close at once": lambda _peer: None,
    "reset on the first byte": _reset_on_first_byte,
    "read, then close": lambda peer: (peer.read_request(), None)[1],
    "read, then reset": _read_then_reset,
    "read, then hang": _read_then_hang,
    "half a body, then hang": _half_body_then_hang,
    "half a body": answering(http_answer()[:-10]),
    "half a chunk": answering(CHUNKED + b'50\r\n{"id"'),
    "a chunk of no length": answering(CHUNKED + b'zz\r\n{"id"'),
    "a status line that is none": answering(b"hello there\r\n\r\n"),
    "an endless status line": answering(b"HTTP/1.1 200 " + b"x" * 70_000),
    "a status that is no number": answering(b"HTTP/1.1 OK OK\r\n\r\n"),
    "no gzip": answering(http_answer(headers="Content-Encoding: gzip\r\nConnection: close\r\n")),
}


@pytest.mark.parametrize("behaviour", LOST.values(), ids=LOST.keys())
def test_once_writing_began_a_failure_is_a_lost_answer(behaviour: Behaviour) -> None:
    """And the one connection of the pool is free again for the next call."""
    with MisbehavingServer(behaviour, queued) as server:
        client = make_session(server.url)
        with pytest.raises(AnswerLost):
            client.post(b"a=1")
        assert client.post(b"a=2").body == QUEUED


@pytest.mark.parametrize("behaviour", [Peer.hang, _reset_on_first_byte], ids=["hang", "reset"])
def test_a_request_written_in_part_is_in_doubt(behaviour: Behaviour) -> None:
    with MisbehavingServer(behaviour) as server, pytest.raises(AnswerLost):
        make_session(server.url).post(b"x" * 20_000_000)


def test_an_answer_that_drips_is_given_up() -> None:
    clock = ManualClock()

    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            peer.write(b"x")
            clock.advance(TIMEOUT / 4)
            peer.server.stopping.wait(0.005)

    with MisbehavingServer(drip) as server, pytest.raises(AnswerLost, match="not complete"):
        make_session(server.url, monotonic=clock.monotonic).post(b"a=1")


def test_a_kept_connection_that_dies_under_a_request_is_in_doubt() -> None:
    def second_request_resets(peer: Peer) -> None:
        peer.read_request()
        peer.write(http_answer())
        peer.connection.recv(1)
        peer.reset()

    with MisbehavingServer(second_request_resets) as server:
        client = make_session(server.url)
        client.post(b"a=1")
        with pytest.raises(AnswerLost):
            client.post(b"a=2")


# Settings


def test_a_missing_ca_file_is_told() -> None:
    with pytest.raises(SettingsError, match=r"mailgun\.ca_file"):
        make_session("https://127.0.0.1:1", ca_file="/nowhere/ca.pem")
