"""The fake as a running server: in a thread for tests, or blocking for the command line."""

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import uvicorn

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.api import build_app
from consumer.sandbox.mailgun.control import (
    DEFAULT_LIMIT,
    event_as_json,
    happened,
    let_happen,
    received,
    set_limits,
)
from consumer.sandbox.mailgun.deliveries import Delivery
from consumer.sandbox.mailgun.faults import parse_script
from consumer.sandbox.mailgun.mischief import Mischief
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.rules import parse_rules
from consumer.sandbox.mailgun.state_file import load, save
from consumer.sandbox.mailgun.wire import Wire
from consumer.sandbox.mailgun.world import World

_KEEP_ALIVE_SECONDS = 75  # what nginx, and so Mailgun's front, grants by default
_GRACE_SECONDS = 5  # for answers under way when the server stops
_START_SECONDS = 10
_PUMP_SECONDS = 0.02  # how late a planned event or a webhook may be


class FakeMailgun:
    """A fake Mailgun in a thread of this process.

        with FakeMailgun(Options(domains={"alerts.example.com"})) as fake:
            session.post(f"{fake.url}/v3/alerts.example.com/messages", ...)

    It can be stopped and started again: the port and all that it has received stay.
    """

    def __init__(
        self, options: Options | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.options = options or Options()
        self._host = host
        self._port = port
        self.world = _world(self.options)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port, no path. Known once it has started."""
        return _url(self._host, self._port)

    @property
    def api_key(self) -> str:
        """The first key that may do everything."""
        return next(key for key, role in self.options.api_keys.items() if role == "full")

    def start(self) -> Self:
        """Returns when connections are accepted. Raises OSError if the port is taken."""
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        started = threading.Event()
        self._server = _Server(self.world, started.set)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="fake-mailgun", daemon=True
        )
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise RuntimeError("the fake Mailgun did not start")
        return self

    def stop(self) -> None:
        """Ends all connections, hanging ones too. Harmless if it is not running."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # What `control.py` offers over HTTP, for tests in the same process.

    def messages(
        self,
        *,
        message_id: str = "",
        recipient: str = "",
        after: int = 0,
        limit: int = DEFAULT_LIMIT,
    ) -> list[dict[str, Any]]:
        """The mails that match, in the order of acceptance."""
        found = received(
            self.world.store, message_id=message_id, recipient=recipient, after=after, limit=limit
        )
        return [stored.as_json() for stored in found]

    def stats(self) -> dict[str, int]:
        return self.world.store.stats()

    def script(self, *faults: dict[str, Any]) -> None:
        """Add faults. Raises ValueError (BadScript) for one that means nothing."""
        self.world.script.add(parse_script(list(faults)))

    def deliver(self, *rules: dict[str, Any]) -> None:
        """Add rules of what becomes of mails. Raises ValueError (BadScript)."""
        self.world.deliveries.add(parse_rules(Delivery, list(rules)))

    def events(
        self,
        *,
        message_id: str = "",
        recipient: str = "",
        after: int = 0,
        limit: int = DEFAULT_LIMIT,
    ) -> list[dict[str, Any]]:
        """What truly happened, invisible events too, oldest first."""
        found = happened(
            self.world.store, message_id=message_id, recipient=recipient, after=after, limit=limit
        )
        return [event_as_json(event) for event in found]

    def happen(self, event: str, **wish: Any) -> None:
        """`opened`, `complained` and the like, to the mails of a `message_id` or `recipient`."""
        let_happen(self.world.store, {"event": event, **wish})

    def limit(self, *rate_limits: dict[str, Any], probation_recipients: int | None = None) -> None:
        """From now on these limits of sends. Raises ValueError (BadScript)."""
        wish = {"rate_limits": [*rate_limits], "probation_recipients": probation_recipients}
        set_limits(self.world, wish)

    def switch(self, **positions: Any) -> None:
        """Raises ValueError (BadSwitch)."""
        self.world.switches.set(positions)

    def disturb_webhooks(self, *rules: dict[str, Any]) -> None:
        """Add mischief. Raises ValueError (BadScript)."""
        self.world.mischief.add(parse_rules(Mischief, list(rules)))

    def webhooks(self) -> dict[str, Any]:
        """Every POST of a webhook and what became of it; how many wait or are under way."""
        return self.world.postman.state()

    def faults(self) -> list[dict[str, Any]]:
        """What is still to come, each with how often it was `served`."""
        return self.world.script.remaining()

    def forget_faults(self) -> None:
        """From now on nothing is broken."""
        self.world.script.clear()

    def reset(self) -> None:
        """Forget all that happened and all rules; the switches are as at first."""
        self.world.reset()


def serve(
    options: Options | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Run until SIGINT or SIGTERM; `on_ready` gets the URL once connections are accepted.

    Call it from the main thread: the signals are handled there. SIGINT then raises
    KeyboardInterrupt here after the server has stopped in order. Raises OSError if the port
    is taken, BadState if the state file holds no state.
    """
    options = options or Options()
    listener = _listen(host, port)
    url = _url(host, listener.getsockname()[1])
    _Server(_world(options), lambda: on_ready(url)).run([listener])


def _world(options: Options) -> World:
    world = World(options)
    if options.state_file is not None:
        load(world, options.state_file)
    return world


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # Accepted connections inherit it. Without it head and body of an answer, two writes, wait
    # for each other's acknowledgement: 40 ms for each call on a kept connection.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Uvicorn, quiet, which says when it listens and warns the handlers before it stops."""

    def __init__(self, world: World, on_listening: Callable[[], None]) -> None:
        self._world = world
        self._wire = Wire()
        self._on_listening = on_listening
        super().__init__(
            uvicorn.Config(
                build_app(Account(world, self._wire)),
                http="httptools",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # they would hide which connection a request came in on
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._wire.connections = self.server_state.connections

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.servers:
            address = self.servers[0].sockets[0].getsockname()
            self._world.postman.base_url = _url(address[0], address[1])
        self._pump = asyncio.create_task(self._pumping())
        self._on_listening()

    async def _pumping(self) -> None:
        while await self._wire.wait(_PUMP_SECONDS):
            self._world.pump()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._wire.stopping.set()
        await self._pump
        await super().shutdown(sockets)
        self._world.postman.rest()
        if self._world.options.state_file is not None:
            save(self._world, self._world.options.state_file)
