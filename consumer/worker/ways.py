"""Which transport carries a send now: the route's own, or the fallback while that one cannot.

Each way out has a breaker, and a gate that the provider closes for one process (inside the
transport) and for all of them (told here through the ledger).
"""

from collections.abc import Callable, Mapping

import msgspec

from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Reason
from consumer.pipeline.deliver import deliver
from consumer.ports import Clock, Transport
from consumer.worker.breaker import Breaker


class Admission(msgspec.Struct, frozen=True):
    """May a send go out, and how. With `wait` above zero nothing is to be sent for so long."""

    options: SendOptions
    wait: float
    #: Why it goes through the fallback; None: it goes its own way.
    instead: str | None = None
    #: It finds out whether a broken transport works again.
    probe: bool = False


class Ways:
    """All transports of one process. Thread-safe."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        *,
        clock: Clock,
        failures: int,
        probe_seconds: float,
        fallback: str | None = None,
        fallback_after_seconds: float = 30.0,
        on_state: Callable[[str, bool, str], None] = lambda _name, _ok, _why: None,
        on_throttled: Callable[[str, float], None] = lambda _name, _until: None,
    ) -> None:
        self._transports = transports
        self._clock = clock
        self._fallback = fallback
        self._fallback_after = fallback_after_seconds
        self._on_state = on_state
        #: Told the seconds of each wait that a provider asked for.
        self._on_throttled = on_throttled
        #: Called when a transport works again: what waits for it need wait no longer.
        self.on_reopened: Callable[[], None] = lambda: None
        self._breakers = {name: Breaker(clock, failures, probe_seconds) for name in transports}
        #: Monotonic seconds until which other processes heard that a provider wants to wait.
        self._held: dict[str, float] = {}

    def admit(self, options: SendOptions, *, may_fall_back: bool = True) -> Admission:
        """Whether a send may be begun. With no wait it has to be told by `send` or `unused`."""
        name = options.transport
        wait, probe = self._admitted(name)
        if not wait or not (may_fall_back and self._falls_back(options, wait)):
            return Admission(options, wait, probe=probe)
        assert self._fallback is not None
        other, probe = self._admitted(self._fallback)
        if other:
            return Admission(options, min(wait, other))
        instead = "fails again and again" if self._breakers[name].is_open else "asked to wait"
        through = msgspec.structs.replace(options, transport=self._fallback)
        return Admission(through, 0.0, instead, probe)

    def opens_in(self, options: SendOptions, *, may_fall_back: bool = True) -> float:
        """Seconds until some way is open; 0: there is one."""
        wait = self._opens_in(options.transport)
        if wait and may_fall_back and self._falls_back(options, wait):
            assert self._fallback is not None
            return min(wait, self._opens_in(self._fallback))
        return wait

    def send(self, email: Email, admission: Admission) -> SendResult:
        """One attempt, after it was admitted."""
        name = admission.options.transport
        try:
            result = deliver(email, admission.options, self._transports)
        except BaseException:
            self.unused(admission)
            raise
        works = self._breakers[name].record(result, probe=admission.probe)
        if works is not None:
            self._on_state(name, works, result.message)
        if works:
            self.on_reopened()
        if result.reason is Reason.THROTTLED and result.retry_at is not None:
            self._on_throttled(name, result.retry_at - self._clock.now())
        return result

    def unused(self, admission: Admission) -> None:
        """An admitted send was not made after all."""
        self._breakers[admission.options.transport].unused(probe=admission.probe)

    def hold(self, name: str, seconds: float) -> None:
        """Another process was asked to wait, for all of us, so long from now."""
        self._held[name] = self._clock.monotonic() + seconds

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()

    def _falls_back(self, options: SendOptions, wait: float) -> bool:
        """A test email has no other way: only its own transport knows not to deliver it."""
        name = options.transport
        if self._fallback is None or name == self._fallback or options.test_mode:
            return False
        return self._breakers[name].is_open or wait > self._fallback_after

    def _admitted(self, name: str) -> tuple[float, bool]:
        closed = self._gate(name)
        return (closed, False) if closed else self._breakers[name].admit()

    def _opens_in(self, name: str) -> float:
        return self._gate(name) or self._breakers[name].opens_in()

    def _gate(self, name: str) -> float:
        shared = self._held.get(name, 0.0) - self._clock.monotonic()
        return max(0.0, shared, self._transports[name].opens_in())
