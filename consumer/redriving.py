"""Dead letters sent to their topic again, under their identities.

Each event is opened in the ledger first, and then its record is produced and acknowledged. A
crash between the two leaves an event that is open and whose letter is still there: running the
command again finishes it. What the ledger has as accepted is not sent again, however often a
letter is redriven.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

import msgspec

from consumer.dead_letters import Decode, Letter
from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import BrokerUnavailable, MessengerError
from consumer.domain.reasons import Reason
from consumer.ports import Clock, Ledger, RecordSink
from consumer.wire import redriven_headers

#: Letters opened and produced in one go.
_BATCH: Final = 200
#: Bytes of keys and values that are held to be put in order.
_MOST_BYTES: Final = 256 * 1024 * 1024
#: Seconds for the acknowledgements of one batch.
_ACKNOWLEDGED_WITHIN: Final = 60.0

_ELSEWHERE: Final = "of a topic that these settings do not consume"
_EMPTY: Final = "without the record, which was empty or too large to be kept"
_TWICE: Final = "of the same record as another letter"
_ENDED: Final = "of events that ended in the meantime"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that can be redriven, and the events in it."""

    letter: Letter
    events: Sequence[AlarmEvent]

    @property
    def order(self) -> tuple[int, int, int]:
        """By when the alarm was, so that no event makes an earlier one stale."""
        source = self.letter.dead.record
        when = min((event.timestamp for event in self.events), default=source.timestamp)
        return (when, source.partition, source.offset)

    @property
    def closed(self) -> Sequence[str]:
        """Ids of events that had ended when the letter was written.

        An event that the catalog did not know had not: if it has ended, then since, and rightly.
        """
        if self.letter.dead.reason == Reason.NOT_IN_CATALOG:
            return ()
        return [event.id for event in self.events]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be redriven, in its order, and how many letters are not, by why."""

    chosen: Sequence[Candidate]
    left_out: Counter[str]


def select(
    letters: Iterable[Letter], topics: Collection[str], decode: Decode, ledger: Ledger
) -> Selection:
    """Which of the letters can be redriven with a purpose.

    Raises LedgerUnavailable and BrokerUnavailable, and MessengerError when they are too many to
    be put in order.
    """
    # The last letter of a record knows best why it failed.
    newest: dict[tuple[str, bytes | None, bytes | None], Letter] = {}
    left_out: Counter[str] = Counter()
    size = 0
    for letter in letters:
        record = letter.dead.record
        same = (record.topic, record.key, record.value)
        if record.topic not in topics:
            left_out[_ELSEWHERE] += 1
        elif not record.value:
            left_out[_EMPTY] += 1
        elif same in newest:
            left_out[_TWICE] += 1
            newest[same] = max(newest[same], letter, key=lambda each: each.at)
        else:
            newest[same] = letter
            size += record.size
            if size > _MOST_BYTES:
                raise _too_many()
    candidates = [
        Candidate(letter=each, events=decode(each.dead.record)) for each in newest.values()
    ]
    chosen = _still_open(candidates, ledger)
    left_out[_ENDED] += len(candidates) - len(chosen)
    return Selection(chosen=sorted(chosen, key=lambda each: each.order), left_out=+left_out)


def _still_open(candidates: Sequence[Candidate], ledger: Ledger) -> list[Candidate]:
    """Without those whose events all ended after their letter was written."""
    asked = {event.id for each in candidates if not each.closed for event in each.events}
    ended = ledger.find_events(asked) if asked else {}
    return [
        each
        for each in candidates
        if each.closed or not each.events or any(event.id not in ended for event in each.events)
    ]


class Redriving:
    """Opens and produces, batch by batch."""

    def __init__(
        self, ledger: Ledger, sink: RecordSink, clock: Clock, per_second: float | None = None
    ) -> None:
        """`per_second`: at most so many records; None: as fast as Kafka takes them."""
        self._ledger = ledger
        self._sink = sink
        self._clock = clock
        self._per_second = per_second

    def redrive(
        self, candidates: Sequence[Candidate], on_done: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send all of them, in order; `on_done` is told how many are acknowledged so far.

        Raises LedgerUnavailable and BrokerUnavailable; what was acknowledged stays.
        """
        began, done = self._clock.monotonic(), 0
        size = _BATCH if self._per_second is None else min(_BATCH, max(1, int(self._per_second)))
        while batch := candidates[done : done + size]:
            if self._per_second is not None:
                due = began + done / self._per_second
                self._clock.wait(max(0.0, due - self._clock.monotonic()))
            now = self._clock.now()
            self._ledger.reopen({id_ for each in batch for id_ in each.closed}, now)
            self._produce(batch, int(now * 1000))
            done += len(batch)
            on_done(done)

    def _produce(self, batch: Sequence[Candidate], at: int) -> None:
        """Have all of them acknowledged, or raise BrokerUnavailable."""
        answered = threading.Semaphore(0)
        errors: list[Exception] = []

        def acknowledged(error: Exception | None) -> None:
            if error is not None:
                errors.append(error)
            answered.release()

        for each in batch:
            record = each.letter.dead.record
            headers = redriven_headers(record, at)
            self._sink.send(record.topic, record.key, record.value, headers, acknowledged)
        self._sink.flush(_ACKNOWLEDGED_WITHIN)
        in_time = all(answered.acquire(timeout=_ACKNOWLEDGED_WITHIN) for _ in batch)
        if errors or not in_time:
            why = errors[0] if errors else f"no answer within {_ACKNOWLEDGED_WITHIN:.0f} s"
            raise BrokerUnavailable(f"Kafka did not take all records: {why}")


def _too_many() -> MessengerError:
    most = _MOST_BYTES // 1024 // 1024
    return MessengerError(
        f"these are more than {most} MiB of dead letters: take fewer at once, with --since and "
        "--until, or --reason"
    )
