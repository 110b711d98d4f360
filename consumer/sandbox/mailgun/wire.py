"""What a server does below HTTP: wait, keep silent, cut the connection."""

import asyncio
import socket
import struct
from collections.abc import Collection
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_LINGER_NOT = struct.pack("ii", 1, 0)  # close with a reset, and drop what is not yet sent


class Wire:
    """The connections of one running server, and the sign that it is about to stop."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.connections: Collection[Any] = ()
        """The server's protocol objects; each has `client` and `transport`."""

    async def wait(self, seconds: float) -> bool:
        """False if the server stops before the time is over."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def cut(self, scope: Scope) -> None:
        """Reset the connection that this request came in on."""
        if transport := self._transport(scope):
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            transport.abort()

    def close(self, scope: Scope) -> None:
        """End the connection after what was sent so far."""
        if transport := self._transport(scope):
            transport.close()

    def _transport(self, scope: Scope) -> Any:
        return next(
            (one.transport for one in self.connections if one.client == scope["client"]), None
        )


class Reset(Response):
    """Instead of an answer: a TCP reset."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        self._wire.cut(scope)
        await _disconnected(receive)


class Truncated(Response):
    """Half of the body that the headers promise, then the end of the connection."""

    def __init__(self, wire: Wire, content: bytes) -> None:
        super().__init__(content, media_type="application/json")
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._wire.close(scope)
        await _disconnected(receive)


class Silence(Response):
    """No answer until the client gives up or the server stops."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        stopping = asyncio.ensure_future(self._wire.stopping.wait())
        await asyncio.wait((gone, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        self._wire.cut(scope)
        await gone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
