"""The dead-letter topic as a person looks at it: which letters there are, and why.

Read from end to end, outside of any group, changing nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.ledger import EventRow
from consumer.domain.record import DeadLetter, Record
from consumer.ports import Ledger
from consumer.wire import decode_dead_letter, redriven_at

#: Partition and offset in the dead-letter topic.
Place = tuple[int, int]
#: The events in a record, as the consumer reads it; none when it cannot be read.
Decode = Callable[[Record], Sequence[AlarmEvent]]

_ALWAYS: Final = float("inf")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter, and where it lies."""

    place: Place
    #: When it was written there, epoch milliseconds.
    at: int
    dead: DeadLetter

    @property
    def name(self) -> str:
        """As the command line writes it."""
        partition, offset = self.place
        return f"{partition}/{offset}"

    @property
    def redriven_at(self) -> int | None:
        """Its record had been redriven before, at this time (milliseconds), and failed again."""
        return redriven_at(self.dead.record.headers)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters: all that is given has to fit. Times are epoch milliseconds."""

    reasons: frozenset[str] = frozenset()
    since: float = -_ALWAYS
    #: Letters of this moment are in.
    until: float = _ALWAYS
    places: frozenset[Place] = frozenset()

    @property
    def everything(self) -> bool:
        return self == Wanted()

    def fits(self, letter: Letter) -> bool:
        return (
            (not self.reasons or letter.dead.reason in self.reasons)
            and self.since <= letter.at <= self.until
            and (not self.places or letter.place in self.places)
        )


class DeadLetters:
    """The letters that are wanted. What else is there is counted on the way."""

    def __init__(self, records: Iterable[Record], wanted: Wanted) -> None:
        self._records = records
        self._wanted = wanted
        #: Of all letters, wanted or not.
        self.reasons: Counter[str] = Counter()
        #: Letters that were wanted.
        self.found = 0
        #: Records that are no dead letters of ours.
        self.foreign = 0

    def __iter__(self) -> Iterator[Letter]:
        """Partition by partition, oldest first. Raises BrokerUnavailable."""
        for record in self._records:
            try:
                dead = decode_dead_letter(record)
            except InvalidMessage:
                self.foreign += 1
                continue
            self.reasons[dead.reason] += 1
            letter = Letter(place=(record.partition, record.offset), at=record.timestamp, dead=dead)
            if self._wanted.fits(letter):
                self.found += 1
                yield letter


def ends(
    letters: Iterable[Letter], decode: Decode, ledger: Ledger
) -> Mapping[Place, Mapping[str, EventRow | None]]:
    """By letter: its events, each with its end in the ledger; None: it has not ended (any more).

    Raises LedgerUnavailable.
    """
    ids = {letter.place: [event.id for event in decode(letter.dead.record)] for letter in letters}
    known = ledger.find_events({id_ for each in ids.values() for id_ in each})
    return {place: {id_: known.get(id_) for id_ in each} for place, each in ids.items()}
