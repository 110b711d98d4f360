"""A server on a loopback socket that misbehaves as told, one behaviour per connection."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

Behaviour = Callable[["Peer"], None]

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
QUEUED = b'{"id": "<id@alerts.example.com>", "message": "Queued. Thank you."}'


def http_answer(body: bytes = QUEUED, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


class Peer:
    """One accepted connection."""

    def __init__(self, connection: socket.socket, server: "MisbehavingServer") -> None:
        self.connection = connection
        self.server = server
        server.open.append(connection)

    def read_request(self) -> bytes:
        """One whole request; empty when the client hangs up."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.connection.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        _, has_body, rest = head.lower().partition(b"content-length:")
        length = int(rest.split(b"\r\n")[0]) if has_body else 0
        while len(body) < length:
            body += self.connection.recv(65536)
        request = head + b"\r\n\r\n" + body
        self.server.requests.append(request)
        return request

    def write(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        """Do nothing until the server stops."""
        self.server.stopping.wait(30)


def queued(peer: Peer) -> None:
    """As Mailgun does: accept, keep the connection open."""
    while peer.read_request():
        peer.write(http_answer())


def answering(data: bytes) -> Behaviour:
    """Read a request, write these bytes, close."""

    def behave(peer: Peer) -> None:
        if peer.read_request():
            peer.write(data)

    return behave


class MisbehavingServer:
    """The n-th connection gets the n-th behaviour, later ones the last."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours: Sequence[Behaviour] = behaviours or (queued,)
        self.requests: list[bytes] = []
        self.connections = 0
        self.open: list[socket.socket] = []
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.open:
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # also under TLS, unasked
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            behaviour = self.behaviours[min(self.connections, len(self.behaviours) - 1)]
            self.connections += 1
            self._start(lambda c=connection, b=behaviour: self._serve(c, b))  # type: ignore[misc] # bound now

    def _serve(self, connection: socket.socket, behaviour: Behaviour) -> None:
        with connection, contextlib.suppress(OSError):  # the client hung up, or the test is over
            behaviour(Peer(connection, self))
