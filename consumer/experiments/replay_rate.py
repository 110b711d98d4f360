"""So many emails a second and no more, by making a transport say when it may be called again."""

from collections.abc import Hashable, Mapping, Sequence
from math import ceil

from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.ports import BatchTransport, Clock, Transport

#: Emails a second for which one sender is enough, whatever the provider's pace.
_PER_SENDER = 5


class Pace:
    """When the next email may go; shared by all transports of a replay. Thread-safe enough: a
    moment that two threads write at once differs by one email."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._seconds = 1 / per_second
        self._clock = clock
        self._next = clock.monotonic()

    def went(self, emails: int) -> None:
        self._next = max(self._next, self._clock.monotonic()) + emails * self._seconds

    def opens_in(self) -> float:
        return max(0.0, self._next - self._clock.monotonic())


class Paced:
    """A transport that is called no more often than its pace allows."""

    def __init__(self, inner: Transport, pace: Pace) -> None:
        self.name = inner.name
        self._inner = inner
        self._pace = pace

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self._pace.went(1)
        return self._inner.send(email, options)

    def opens_in(self) -> float:
        return max(self._inner.opens_in(), self._pace.opens_in())

    def close(self) -> None:
        self._inner.close()


class PacedBatches(Paced):
    """The same for one that takes many emails at once; a call carries a second's worth at most."""

    def __init__(self, inner: BatchTransport, pace: Pace, per_second: int) -> None:
        super().__init__(inner, pace)
        self._batching = inner
        self._most = max(1, per_second)

    @property
    def batch_limit(self) -> int:
        return min(self._batching.batch_limit, self._most)

    @property
    def batch_bytes(self) -> int:
        return self._batching.batch_bytes

    def together(self, email: Email, options: SendOptions) -> Hashable | None:
        return self._batching.together(email, options)

    def send_batch(self, emails: Sequence[Email], options: SendOptions) -> Sequence[SendResult]:
        self._pace.went(len(emails))
        return self._batching.send_batch(emails, options)


def paced(
    transports: Mapping[str, Transport], per_second: int, clock: Clock
) -> dict[str, Transport]:
    """All of them, together at this pace."""
    pace = Pace(per_second, clock)
    return {
        name: PacedBatches(transport, pace, per_second)
        if isinstance(transport, BatchTransport)
        else Paced(transport, pace)
        for name, transport in transports.items()
    }


def senders_for(per_second: int, at_most: int) -> int:
    """Those that find the way open at the same moment all go: so there are few at a slow pace."""
    return max(1, min(at_most, ceil(per_second / _PER_SENDER)))
