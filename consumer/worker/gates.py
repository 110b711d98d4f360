"""Gates shared through the ledger: what a provider told one process goes for all of them."""

import queue
import threading
from collections.abc import Callable, Mapping

from consumer.domain.errors import LedgerUnavailable
from consumer.ports import Clock, Ledger
from consumer.worker.ways import Ways

#: Seconds between two looks at what others were told. A process that has not looked yet costs
#: the provider one refused call.
_LOOK = 1.0
#: While we are told ourselves all the time, we look after so many words.
_LOOK_EVERY = 10
#: Every sender that was under way hears of the same wait: ends as close as this are one (seconds).
_SAME = 1.0


class Gates:
    """A thread that writes down our own closed gates and looks for those of others."""

    def __init__(
        self,
        ledger: Ledger,
        ways: Ways,
        clock: Clock,
        accounts: Mapping[str, str],
        on_gate: Callable[[str, str, float], None] = lambda _name, _account, _seconds: None,
    ) -> None:
        """`accounts`: what the provider counts by, for each transport: `mailgun:DOMAIN`.

        `on_gate` is told transport, account and seconds of each wait, and 0 when it is over.
        """
        self._ledger = ledger
        self._ways = ways
        self._clock = clock
        self._accounts = accounts
        self._on_gate = on_gate
        #: Ends of the waits that were told, by transport and our monotonic clock.
        self._closed: dict[str, float] = {}
        #: Accounts, and the end of their wait by our monotonic clock.
        self._told: queue.SimpleQueue[tuple[str, float] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gates", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """A call of a ledger that does not answer is left behind: it changes nothing of ours."""
        self._told.put(None)
        self._thread.join(timeout_seconds)

    def throttled(self, transport: str, seconds: float) -> None:
        """A provider asked us to wait so long. Returns at once."""
        if transport in self._accounts:
            until = self._clock.monotonic() + seconds
            self._told.put((self._accounts[transport], until))

    def _run(self) -> None:
        written: dict[str, float] = {}
        heard = 0
        while True:
            self._tell()
            try:
                told = self._told.get(timeout=_LOOK)
            except queue.Empty:
                self._look()
                continue
            if told is None:
                return
            heard += 1
            if heard % _LOOK_EVERY == 0:
                self._look()
            account, until = told
            if until > written.get(account, 0.0) + _SAME:
                written[account] = until
                self._write(account, until)

    def _write(self, account: str, until: float) -> None:
        try:
            self._ledger.close_gate(account, max(0.0, until - self._clock.monotonic()))
        except LedgerUnavailable:
            return

    def _look(self) -> None:
        try:
            closed = self._ledger.gates()
        except LedgerUnavailable:
            return
        for transport, account in self._accounts.items():
            if account in closed:
                self._ways.hold(transport, closed[account])

    def _tell(self) -> None:
        now = self._clock.monotonic()
        for transport, account in self._accounts.items():
            seconds = self._ways.gate(transport)
            told = self._closed.get(transport)
            if seconds and (told is None or now + seconds > told + _SAME):
                self._closed[transport] = now + seconds
                self._on_gate(transport, account, seconds)
            elif not seconds and told is not None:
                del self._closed[transport]
                self._on_gate(transport, account, 0.0)
