"""Connections that know two things urllib3's own do not tell: that nothing was sent, and age.

What the standard classes raise was tried on local sockets (urllib3 2.8, requests 2.34). Refused,
DNS and connect timeout have types of their own. But a TLS handshake that hangs raises the same
`ReadTimeout` as an answer that never comes, a handshake cut off the same `ConnectionError` as an
answer cut off, and an `SSLError` may come from the handshake or from reading the answer. Types
alone cannot tell what is safe to repeat; the step that failed can, so `connect` marks it.
"""

import re
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from consumer.adapters.mailgun.head import QuickResponse

#: A connection unused for longer is replaced. urllib3 notices a connection that the server has
#: closed before, but not one that it closes in the same moment as we write; that send would be
#: in doubt. Servers close idle connections after 5 s (uvicorn, Node) to some minutes.
MAX_IDLE_SECONDS: Final = 4.0
#: A header that needs no further check. The checks of http.client and urllib3 took as long as all
#: the rest of writing a request.
_PLAIN_HEADER: Final = re.compile(r"[A-Za-z-]+: [!-~][ -~]*")


@lru_cache(maxsize=1024)
def _plain_line(header: str | bytes, *values: str | bytes) -> bytes | None:
    """The line of a header, or None. Remembered: all but the length are the same in each call."""
    if len(values) != 1 or not isinstance(header, str) or not isinstance(values[0], str):
        return None
    line = f"{header}: {values[0]}"
    return line.encode("ascii") if _PLAIN_HEADER.fullmatch(line) else None


class NotConnected(NewConnectionError):
    """There was no connection: not one byte of the request was written."""

    def __init__(self, connection: HTTPConnection, cause: Exception) -> None:
        super().__init__(connection, str(cause))
        self.cause = cause


class _Connection(HTTPConnection):
    response_class = QuickResponse
    #: http.client's own: adds a line to the request. Its stubs leave it out.
    _output: Callable[[bytes], None]

    def __init__(
        self,
        *args: Any,
        monotonic: Callable[[], float],
        write_timeout: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._monotonic = monotonic
        self._write_timeout = write_timeout
        self._last_used = monotonic()

    def connect(self) -> None:
        try:
            super().connect()
        except (HTTPError, OSError) as error:
            raise NotConnected(self, error) from error

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Connect first, then write: urllib3 gives writing only the connect timeout, in all."""
        if self.sock is None:
            self.connect()
        self.timeout = self._write_timeout
        super().request(*args, **kwargs)

    def putheader(self, header: str | bytes, *values: Any) -> None:
        """One that is plain text is written as it is; any other is checked, and maybe refused."""
        line = _plain_line(header, *values)
        if line is None:
            super().putheader(header, *values)  # type: ignore[arg-type]  # urllib3 does take bytes
        else:
            self._output(line)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._last_used = self._monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        """The pool asks this before it hands the connection out again."""
        idle_seconds = self._monotonic() - self._last_used
        return idle_seconds <= MAX_IDLE_SECONDS and super().is_connected


class _TLSConnection(_Connection, HTTPSConnection):
    """The same over TLS: `connect` includes the handshake and the check of the certificate."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def connection_pool(
    scheme: str,
    host: str,
    port: int | None,
    *,
    size: int,
    monotonic: Callable[[], float],
    write_timeout: float,
    tls: ssl.SSLContext | None = None,
) -> HTTPConnectionPool:
    """At most `size` connections; a call waits while all are in use.

    `tls` is shared by all connections: reading the certificates anew takes longer than a call.
    """
    kwargs: dict[str, Any] = {
        "maxsize": size,
        "block": True,
        "monotonic": monotonic,
        "write_timeout": write_timeout,
    }
    if scheme == "https":
        return _TLSPool(host, port, ssl_context=tls or ssl.create_default_context(), **kwargs)
    return _Pool(host, port, **kwargs)
