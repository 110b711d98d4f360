"""On real sockets: when a connection is used again, and what a session never does."""

import threading

import pytest

from consumer.adapters.mailgun.session import MAX_ANSWER_BYTES, AnswerLost
from tests.support.clock import ManualClock
from tests.unit.adapters.mailgun.server import (
    CHUNKED,
    MisbehavingServer,
    Peer,
    answering,
    http_answer,
    queued,
)
from tests.unit.adapters.mailgun.sessions import make_session

# Connections


def test_a_connection_is_used_again() -> None:
    with MisbehavingServer() as server:
        client = make_session(server.url)
        for _ in range(3):
            assert client.post(b"a=1").status == 200
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(b"", "204 No Content"),
        http_answer(b"", "429 Slow down"),
        http_answer(b'"Forbidden"', "401 Unauthorized"),
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_each_complete_answer_leaves_the_connection_usable(answer: bytes) -> None:
    def behave(peer: Peer) -> None:
        while peer.read_request():
            peer.write(answer)

    with MisbehavingServer(behave) as server:
        client = make_session(server.url)
        assert client.post(b"a=1") == client.post(b"a=1")
        assert server.connections == 1


def test_an_idle_connection_is_replaced_before_the_server_may_close_it() -> None:
    clock = ManualClock()
    with MisbehavingServer() as server:
        client = make_session(server.url, monotonic=clock.monotonic)
        client.post(b"a=1")
        clock.advance(4.5)
        client.post(b"a=1")
        assert server.connections == 2


def test_a_connection_that_the_server_closed_is_replaced_without_doubt() -> None:
    closed = threading.Event()

    def answer_and_close(peer: Peer) -> None:
        answering(http_answer())(peer)
        peer.connection.close()
        closed.set()

    with MisbehavingServer(answer_and_close, queued) as server:
        client = make_session(server.url)
        client.post(b"a=1")
        assert closed.wait(5)
        assert client.post(b"a=1").status == 200


def test_senders_share_the_connections_of_the_pool() -> None:
    with MisbehavingServer() as server:
        client = make_session(server.url, pool_size=2, read_timeout=5.0)
        threads = [threading.Thread(target=client.post, args=(b"a=1",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert len(server.requests) == 8
        assert server.connections <= 2


def test_an_endless_answer_is_read_up_to_a_limit() -> None:
    with MisbehavingServer(answering(http_answer(b"x" * 300_000, "502 Bad Gateway"))) as server:
        answer = make_session(server.url).post(b"a=1")
        assert answer.status == 502
        assert MAX_ANSWER_BYTES <= len(answer.body) < 2 * MAX_ANSWER_BYTES


# What a session never does


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with MisbehavingServer() as elsewhere:
        redirect = http_answer(b"", "307 Moved", f"Location: {elsewhere.url}/\r\n")
        with MisbehavingServer(answering(redirect)) as server:
            assert make_session(server.url).post(b"a=1").status == 307
        assert elsewhere.connections == 0


def test_a_broken_location_is_only_an_answer() -> None:
    broken = http_answer(b"", "302 Found", "Location: http://[\xff\xfe\r\n")
    with MisbehavingServer(answering(broken)) as server:
        assert make_session(server.url).post(b"a=1").status == 302


def test_the_environment_does_not_choose_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with MisbehavingServer() as proxy, MisbehavingServer() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        assert make_session(server.url).post(b"a=1").status == 200
        assert (proxy.connections, server.connections) == (0, 1)


def test_the_request_is_the_form_with_the_key_and_without_cookies() -> None:
    cookie = http_answer(headers="Set-Cookie: a=b; Path=/\r\n")

    def behave(peer: Peer) -> None:
        while peer.read_request():
            peer.write(cookie)

    with MisbehavingServer(behave) as server:
        client = make_session(server.url)
        client.post(b"a=1")
        client.post(b"to=h%C3%B6he")
        head, _, body = server.requests[1].partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /v3/alerts.example.com/messages HTTP/1.1"
        assert f"Host: {server.url.removeprefix('http://')}" in lines
        assert f"Content-Length: {len(body)}" in lines
        assert "Content-Type: application/x-www-form-urlencoded" in lines
        assert (
            "Authorization: Basic YXBpOmtleS0zYXg2eG5qcDI5amQ2ZmRzNGdjMzczc2d2anh0ZW9sMA==" in lines
        )
        assert not [line for line in lines if line.lower().startswith("cookie")]
        assert body == b"to=h%C3%B6he"


# What may be repeated


def _dead_when_used_again(peer: Peer) -> None:
    """A server that gives a kept connection up in the moment in which it is used again."""
    peer.read_request()
    peer.write(http_answer())
    peer.connection.recv(1)
    peer.reset()


def test_a_question_that_meets_a_dead_connection_is_asked_again() -> None:
    with MisbehavingServer(_dead_when_used_again, queued) as server:
        client = make_session(server.url)
        for _ in range(2):
            assert client.request("GET", "/v3/d/events?limit=1", only_reads=True).status == 200
        head, _, body = server.requests[-1].partition(b"\r\n\r\n")
        assert head.startswith(b"GET /v3/d/events?limit=1 HTTP/1.1\r\n")
        assert b"content-" not in head.lower()
        assert body == b""


def test_a_question_is_asked_twice_at_the_most() -> None:
    def reset(peer: Peer) -> None:
        peer.read_request()
        peer.reset()

    with MisbehavingServer(reset) as server:
        with pytest.raises(AnswerLost):
            make_session(server.url).request("GET", "/", only_reads=True)
        assert server.connections == 2


def test_a_question_that_is_not_answered_in_time_is_not_asked_again() -> None:
    with MisbehavingServer(Peer.hang) as server:
        with pytest.raises(AnswerLost, match="no answer within"):
            make_session(server.url).request("GET", "/", only_reads=True)
        assert server.connections == 1


def test_what_may_do_something_is_never_repeated() -> None:
    with MisbehavingServer(_dead_when_used_again, queued) as server:
        client = make_session(server.url)
        client.post(b"a=1")
        with pytest.raises(AnswerLost):
            client.post(b"a=2")
        assert server.connections == 1
