"""An ASGI application as a running server, in a thread: what receives from other systems."""

import os
import socket
import threading
from typing import Any

import uvicorn

#: Requests at the same time; more are told to come again.
_MOST_AT_ONCE = 200
_KEEP_ALIVE_SECONDS = 75
#: For answers under way when the server stops: longer than Kafka may take for one.
_GRACE_SECONDS = 15


class WebServer:
    """Serves an ASGI application. Port 0 takes a free one; `address` tells which."""

    def __init__(self, app: Any, host: str, port: int, *, name: str = "webhooks") -> None:
        """`name`: its thread's. Raises OSError when the port is taken."""
        self._listener = _listen(host, port)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_MOST_AT_ONCE,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name=name, daemon=True
        )

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Connections are accepted from the constructor on, and answered from here on."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing new, and answer what is under way."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_GRACE_SECONDS + 5)
        self._listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno is None or error.errno <= 0:  # the host has no address
            raise
        # Without the address, which `create_server` adds: whoever tells it does so too.
        raise OSError(error.errno, os.strerror(error.errno)) from None
