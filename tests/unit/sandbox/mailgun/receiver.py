"""A receiver of webhooks that answers as a test wishes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_DEADLINE = 10.0  # seconds


@dataclass(frozen=True)
class Told:
    """One POST."""

    path: str
    body: dict[str, Any]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = self.body["event-data"]
        return event

    @property
    def signature(self) -> dict[str, Any]:
        signature: dict[str, Any] = self.body["signature"]
        return signature


class Receiver:
    """`answers` are the statuses of the next answers; then it is 200 for ever."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[int] = []
        self.told: list[Told] = []
        self._changed = threading.Condition()

    def take(self, told: Told) -> int:
        with self._changed:
            self.told.append(told)
            self._changed.notify_all()
            return self.answers.pop(0) if self.answers else 200

    def wait(self, number: int) -> list[Told]:
        """Until so many POSTs have come."""
        return self.wait_for(lambda: len(self.told) >= number)

    def wait_for(self, done: Callable[[], bool]) -> list[Told]:
        with self._changed:
            assert self._changed.wait_for(done, _DEADLINE), self.told
            return list(self.told)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = receiver.take(Told(self.path, body))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
