"""Which transport carries a send now: the route's own, or the fallback while that one cannot.

Each way out has a breaker, and a gate that the provider closes for one process (inside the
transport) and for all of them (told here through the ledger).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence

import msgspec

from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.deliver import deliver
from consumer.ports import BatchTransport, Clock, Transport
from consumer.worker.breaker import Breaker
from consumer.worker.trust import Trust
from consumer.worker.turns import ALONE, Room
from consumer.worker.work import Sending


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
        #: Called when a transport works again (True), or is left to the fallback (False): what
        #: waits may go now.
        self.on_change: Callable[[bool], None] = lambda _works: None
        self._batching = {
            name: transport
            for name, transport in transports.items()
            if isinstance(transport, BatchTransport)
        }
        self._trust = {name: Trust(clock) for name in self._batching}
        self._breakers = {name: Breaker(clock, failures, probe_seconds) for name in transports}
        #: When a call was last answered, epoch seconds.
        self._answered_at: dict[str, float] = {}
        #: Monotonic seconds until which other processes heard that a provider wants to wait.
        self._held: dict[str, float] = {}

    def admit(
        self, options: SendOptions, *, may_fall_back: bool = True, tried: bool = False
    ) -> Admission:
        """Whether a send may be begun. With no wait it has to be told by `send` or `unused`.

        `tried`: it was sent in vain before. It leaves the probe to others where a way is open. So
        do most others after an answer that was lost: they would be in doubt, and could not.
        """
        names = self._names(options, may_fall_back)
        own, last = self._breakers[names[0]], self._breakers[names[-1]]
        if own is not last and not last.is_open and (tried or own.spare()):
            names = names[::-1]
        waits = []
        for name in names:
            wait, probe = self._admitted(name, tried)
            if not wait:
                return self._through(name, options, probe)
            waits.append(wait)
        return Admission(options, min(waits))

    def opens_in(self, options: SendOptions, *, may_fall_back: bool = True) -> float:
        """Seconds until some way is open; 0: there is one."""
        return min(self._opens_in(name) for name in self._names(options, may_fall_back))

    def again_in(
        self, options: SendOptions, result: SendResult, tries: int, *, may_fall_back: bool = True
    ) -> float:
        """Seconds, at the most, for which it makes sense to wait after an attempt in vain.

        What its own way did not take does not wait for it while the fallback is open.
        """
        soon = self._breakers[result.transport].soon(result, tries)
        if result.transport != options.transport:
            return soon
        others = self._names(options, may_fall_back)[1:]
        return min((soon, *map(self._opens_in, others)))

    def company(self, sending: Sending) -> Hashable | None:
        """Equal for all that may go in one call, as long as their own way is open."""
        transport = self._batching.get(sending.options.transport)
        if transport is None:
            return None
        if sending.shared is None:
            sending.shared = (transport.together(sending.send.email, sending.options),)
        (shared,) = sending.shared
        name = sending.options.transport
        return shared and (name, sending.may_fall_back, sending.part, shared)

    def limit(self, name: str) -> int:
        """How many emails a call of the transport may carry, whatever it risks."""
        transport = self._batching.get(name)
        return 1 if transport is None else transport.batch_limit

    def room(self, sending: Sending) -> Room:
        """How much one call may carry now. A probe is one email, and so is what falls back."""
        name = sending.options.transport
        transport = self._batching.get(name)
        if transport is None or self._breakers[name].is_open or self.gate(name):
            return ALONE
        emails = transport.batch_limit
        if sending.part is None:
            # A part of a refused call risks no more than the call did.
            emails = min(emails, self._trust[name].emails())
        return Room(emails, transport.batch_bytes)

    def send(self, emails: Sequence[Email], admission: Admission) -> Sequence[SendResult]:
        """One call, after it was admitted: a result for each."""
        name = admission.options.transport
        trust = self._trust.get(name)
        call = trust and trust.begin()
        result = None
        try:
            results = deliver(emails, admission.options, self._transports)
            result = results[0]
        except BaseException:
            self.unused(admission)
            raise
        finally:
            if trust is not None:
                trust.end(call, len(emails), result)
        # One call is one opinion on the transport, however many emails it carried.
        if result.kind in (Kind.ACCEPTED, Kind.FAILED):
            self._answered_at[name] = self._clock.now()
        works = self._breakers[name].record(result, probe=admission.probe)
        if works is not None:
            self._on_state(name, works, result.message)
        if works or (works is False and self._fallback not in (None, name)):
            self.on_change(works)
        if result.reason is Reason.THROTTLED and result.retry_at is not None:
            self._on_throttled(name, result.retry_at - self._clock.now())
        return results

    def answered_since(self, name: str, moment: float) -> bool:
        """Whether a call got its answer since then (epoch seconds): the transport works."""
        return self._answered_at.get(name, 0.0) > moment

    def unused(self, admission: Admission) -> None:
        """An admitted send was not made after all."""
        self._breakers[admission.options.transport].unused(probe=admission.probe)

    def hold(self, name: str, seconds: float) -> None:
        """Another process was asked to wait, for all of us, so long from now."""
        self._held[name] = self._clock.monotonic() + seconds

    def gate(self, name: str) -> float:
        """Seconds for which the provider asked to wait; 0: it did not."""
        shared = self._held.get(name, 0.0) - self._clock.monotonic()
        return max(0.0, shared, self._transports[name].opens_in())

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()

    def _names(self, options: SendOptions, may_fall_back: bool) -> Sequence[str]:
        """Its own way first, then the fallback where that takes over."""
        own, other = options.transport, self._fallback
        # A test email has no other way: only its own transport knows not to deliver it.
        if other is None or other == own or options.test_mode or not may_fall_back:
            return (own,)
        breaker = self._breakers[own]
        left = breaker.is_open or breaker.is_doubted or self.gate(own) > self._fallback_after
        return (own, other) if left else (own,)

    def _through(self, name: str, options: SendOptions, probe: bool) -> Admission:
        own = options.transport
        if name == own:
            return Admission(options, 0.0, probe=probe)
        through = msgspec.structs.replace(options, transport=name)
        return Admission(through, 0.0, self._why_not(own), probe)

    def _why_not(self, own: str) -> str:
        if self._breakers[own].is_open:
            return "fails again and again"
        return "lost its last answer" if self._breakers[own].is_doubted else "asked to wait"

    def _admitted(self, name: str, tried: bool) -> tuple[float, bool]:
        closed = self.gate(name)
        return (closed, False) if closed else self._breakers[name].admit(tried=tried)

    def _opens_in(self, name: str) -> float:
        return self.gate(name) or self._breakers[name].opens_in()
