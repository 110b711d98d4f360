"""A TCP proxy on loopback that a test cuts, slows or silences while connections run through it."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

_CHUNK = 64 * 1024
_START_SECONDS = 10.0
#: Seconds between two tries to listen on the port again, and how many.
_REBIND_PAUSE, _REBIND_TRIES = 0.05, 100
#: A close with this sends a reset, and no goodbye.
_NO_LINGER = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """What happens to connections, those that are open and those to come."""

    THROUGH = "through"
    REFUSE = "refuse"
    SLOW = "slow"
    HALF_OPEN = "half_open"


class TcpProxy:
    """Listens on a free port of 127.0.0.1; a context manager. Modes may be changed at any time."""

    def __init__(self, target_host: str, target_port: int) -> None:
        self._target = (target_host, target_port)
        self._listening = _listen(0)
        self.port: int = self._listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._mode = Mode.THROUGH
        self._delay = 0.0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen(self._listening))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- what a test says ----------------------------------------------------------------------

    def through(self) -> None:
        """Pass everything on. What has been swallowed meanwhile stays lost, its connection silent:
        only its owner's time limit gets it out of that."""
        self._run(self._become(Mode.THROUGH))

    def refuse(self) -> None:
        """Nobody listens; connections that are open are reset."""
        self._run(self._become(Mode.REFUSE))

    def cut(self) -> None:
        """Reset what is open, and go on with what comes."""
        self._run(self._cut())

    def slow(self, seconds: float) -> None:
        """Every chunk of an answer comes so much later."""
        self._run(self._become(Mode.SLOW, seconds))

    def half_open(self) -> None:
        """Accept and read, and never answer; connections that are open go silent too."""
        self._run(self._become(Mode.HALF_OPEN))

    # -- below: on the loop's thread -----------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    async def _become(self, mode: Mode, delay: float = 0.0) -> None:
        before, self._mode, self._delay = self._mode, mode, delay
        if mode is Mode.REFUSE:
            await self._close_port()
            await self._cut()
        elif before is Mode.REFUSE:
            await self._listen(await _listen_again(self.port))

    async def _listen(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accepted, sock=listening)

    async def _close_port(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut(self) -> None:
        for writer in list(self._open):
            _reset(writer)

    async def _end(self) -> None:
        await self._close_port()
        await self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open.add(writer)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one end is gone, or the proxy ends
        finally:
            _reset(writer)
            self._open.discard(writer)
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.HALF_OPEN:
            while await reader.read(_CHUNK):
                pass  # until the client gives up
            return
        connection = _Connection()
        there, onward = await asyncio.open_connection(*self._target)
        self._open.add(onward)
        try:
            pumps = [
                self._pump(reader, onward, connection, lambda: 0.0),
                self._pump(there, writer, connection, lambda: self._delay),
            ]
            running = [asyncio.ensure_future(pump) for pump in pumps]
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        finally:
            _reset(onward)
            self._open.discard(onward)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        connection: "_Connection",
        delay: Callable[[], float],
    ) -> None:
        while chunk := await source.read(_CHUNK):
            await asyncio.sleep(delay())
            # Bytes that are missing make everything after them meaningless.
            connection.silent |= self._mode is Mode.HALF_OPEN
            if not connection.silent:
                sink.write(chunk)
                await sink.drain()


class _Connection:
    """Once something of it was swallowed, nothing more comes through."""

    def __init__(self) -> None:
        self.silent = False


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=128)


async def _listen_again(port: int) -> socket.socket:
    """On the port of before: everybody knows it."""
    for _ in range(_REBIND_TRIES):
        try:
            return _listen(port)
        except OSError:
            await asyncio.sleep(_REBIND_PAUSE)
    return _listen(port)


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        writer.transport.abort()
