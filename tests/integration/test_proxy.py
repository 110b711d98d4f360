"""The proxy with which tests cut, slow and silence connections does each of these."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.proxy import TcpProxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A reset is what these tests are about."""


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    with _Server(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with TcpProxy("127.0.0.1", server.server_address[1]) as running:
            yield running
        server.shutdown()


def connect(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def echoed(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(1024)


def test_what_is_said_comes_through(proxy: TcpProxy) -> None:
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"


def test_nobody_listens_until_it_is_told_to_go_on_where_it_was(proxy: TcpProxy) -> None:
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            connection.recv(1024)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.through()
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"


def test_a_cut_resets_what_is_open_and_takes_what_comes(proxy: TcpProxy) -> None:
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(1024)
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"


def test_a_slow_one_keeps_each_answer_back(proxy: TcpProxy) -> None:
    with connect(proxy) as connection:
        proxy.slow(0.2)
        began = time.monotonic()
        assert echoed(connection) == b"hello"
        assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("opened", ["before", "meanwhile"])
def test_a_silent_one_answers_nobody_and_what_it_swallowed_stays_lost(
    proxy: TcpProxy, opened: str
) -> None:
    early = connect(proxy)
    assert echoed(early) == b"hello"
    proxy.half_open()
    with early if opened == "before" else connect(proxy) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            echoed(connection)
        proxy.through()
        with pytest.raises(TimeoutError):
            echoed(connection)
    early.close()
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"


def test_a_silent_one_does_not_mind_that_its_client_leaves(proxy: TcpProxy) -> None:
    proxy.half_open()
    connect(proxy).close()
    proxy.through()
    with connect(proxy) as connection:
        assert echoed(connection) == b"hello"
