"""The dead-letter topic as a person looks at it: which letters there are, and why.

Read from end to end, outside of any group, changing nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.lasting import ids_of
from consumer.domain.ledger import DeliveryRow, DeliveryState, EventRow
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import DeadLetter, Position, Record
from consumer.letter_events import meant_by
from consumer.ports import Ledger
from consumer.wire import decode_dead_letter, decode_note, origin, redriven_at

#: Partition and offset in the dead-letter topic.
Place = tuple[int, int]
#: The events in a record, as the consumer reads it; none when it cannot be read.
Decode = Callable[[Record], Sequence[AlarmEvent]]

_ALWAYS: Final = float("inf")
#: Milliseconds by which the clocks of Kafka and of the process that ended an event may differ.
_CLOCKS_MS: Final = 1000
_UNREADABLE: Final = (
    Reason.NOT_JSON,
    Reason.UNKNOWN_FORMAT,
    Reason.UNKNOWN_VERSION,
    Reason.SCHEMA_MISMATCH,
    Reason.TOO_LARGE,
    Reason.EMPTY,
)
#: Why letters are written: what could not be read, whom the catalog does not know, what was given
#: up. A topic may hold others, of a version before or after this one.
REASONS: Final = (
    *_UNREADABLE,
    Reason.NOT_IN_CATALOG,
    Reason.UNKNOWN_NOTIFICATION,
    Reason.INVALID_ADDRESS,
    Reason.PROVIDER_REJECTED,
    Reason.TOO_OLD,
    Reason.HELD,
)
#: Deliveries of one event that the ledger is asked for.
_MOST: Final = 10_000


def named(place: Place) -> str:
    """As the command line writes it."""
    partition, offset = place
    return f"{partition}/{offset}"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter, and where it lies."""

    place: Place
    #: When it was written there, epoch milliseconds.
    at: int
    dead: DeadLetter

    @property
    def name(self) -> str:
        return named(self.place)

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
    """The letters that are wanted. What else is there is noted on the way."""

    def __init__(self, records: Iterable[Record], wanted: Wanted) -> None:
        self._records = records
        self._wanted = wanted
        #: Of all letters, wanted or not.
        self.reasons: Counter[str] = Counter()
        #: Letters that were wanted.
        self.found = 0
        #: Records that are no dead letters of ours.
        self.foreign = 0
        #: When letters were redriven the last time, epoch milliseconds.
        self._redriven: dict[Place, int] = {}
        #: The last letter of each record, by where the record was read for the first time.
        self._last: dict[Position, tuple[int, int, Place]] = {}

    def __iter__(self) -> Iterator[Letter]:
        """Partition by partition, oldest first. Raises BrokerUnavailable."""
        for record in self._records:
            try:
                dead = decode_dead_letter(record)
            except InvalidMessage:
                self._pass_over(record)
                continue
            self.reasons[dead.reason] += 1
            letter = Letter(place=(record.partition, record.offset), at=record.timestamp, dead=dead)
            this = (letter.redriven_at or 0, letter.at, letter.place)
            first_read = origin(dead.record)
            self._last[first_read] = max(this, self._last.get(first_read, this))
            if self._wanted.fits(letter):
                self.found += 1
                yield letter

    def _pass_over(self, record: Record) -> None:
        note = decode_note(record)
        if note is None:
            self.foreign += 1
        else:
            place, at = note
            self._redriven[place] = max(at, self._redriven.get(place, at))

    def redriven_at(self, letter: Letter) -> int | None:
        """When the letter was sent to its topic again; known when all records have been read."""
        return self._redriven.get(letter.place)

    def replaced_by(self, letter: Letter) -> Place | None:
        """A later letter of the same record, which failed again or was written down twice."""
        place = self._last[origin(letter.dead.record)][2]
        return None if place == letter.place else place


class State(StrEnum):
    """What has become of a letter since it was written."""

    #: Nothing: somebody has to look at it.
    OPEN = "open"
    #: It was sent to its topic again, and has not ended yet.
    REDRIVEN = "redriven"
    #: Its email was accepted since; where it says for whom it was, all of theirs.
    ACCEPTED = "accepted"
    #: Its event ended in another way since, for its destinations at least: stale, superseded,
    #: suppressed.
    ENDED = "ended"
    #: A later letter of the same record stands for it.
    REPLACED = "replaced"
    #: The ledger did not say.
    UNKNOWN = "unknown"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a letter stands."""

    state: State
    #: Its events, each with its end in the ledger; None there: it has not ended (any more).
    #: None for all: the ledger did not say.
    events: Mapping[str, EventRow | None] | None = None
    #: When it was redriven, epoch milliseconds.
    redriven_at: int | None = None
    replaced_by: Place | None = None
    #: Those it was for that were not told, though its event ended since and others were.
    untold: Sequence[str] = ()

    @property
    def is_settled(self) -> bool:
        """Nobody has to look at it any more."""
        return self.state in (State.ACCEPTED, State.ENDED, State.REPLACED)

    @property
    def ended(self) -> Sequence[str]:
        """Ids of the events that have ended."""
        return [id_ for id_, row in (self.events or {}).items() if row is not None]


def standings(
    letters: Sequence[Letter], among: DeadLetters, decode: Decode, ledger: Ledger | None
) -> Mapping[Place, Standing]:
    """How each of the letters stands, after all of `among` were read.

    Raises LedgerUnavailable; without a ledger only the topic speaks.
    """
    held = {letter.place: decode(letter.dead.record) for letter in letters}
    ids = {id_ for events in held.values() for event in events for id_ in ids_of(event)}
    known = {} if ledger is None else ledger.find_events(ids)
    told = {}
    for letter in letters:
        theirs = [] if ledger is None else meant_by(letter.dead, held[letter.place], known, ledger)
        events = {id_: known.get(id_) for id_ in theirs}
        at, later = among.redriven_at(letter), among.replaced_by(letter)
        standing = Standing(
            state=_state(letter, None if ledger is None else events, at, later),
            events=None if ledger is None else events,
            redriven_at=at,
            replaced_by=later,
        )
        if ledger is not None and standing.state is State.ACCEPTED:
            standing = _by_destinations(standing, letter, ledger)
        told[letter.place] = standing
    return told


def _state(
    letter: Letter,
    events: Mapping[str, EventRow | None] | None,
    redriven_at: int | None,
    replaced_by: Place | None,
) -> State:
    if replaced_by is not None:
        return State.REPLACED
    if events is None:
        return State.UNKNOWN
    rows = list(events.values())
    if rows and all(row is not None and _since(row, letter, redriven_at) for row in rows):
        accepted = any(row is not None and row.outcome == Kind.ACCEPTED for row in rows)
        return State.ACCEPTED if accepted else State.ENDED
    return State.OPEN if redriven_at is None else State.REDRIVEN


def _by_destinations(standing: Standing, letter: Letter, ledger: Ledger) -> Standing:
    """The event counts as accepted if anybody was told, before the letter or since. The letter is
    about those who were not: they decide, as far as the ledger still knows of them."""
    if not letter.dead.undelivered:
        return standing
    rows = [
        row for id_ in standing.ended for row in ledger.find_deliveries(event_id=id_, limit=_MOST)
    ]
    untold = _untold(letter, rows, standing.redriven_at or letter.at)
    if not (rows and untold):
        return standing
    return msgspec.structs.replace(standing, state=State.ENDED, untold=untold)


def _untold(letter: Letter, rows: Iterable[DeliveryRow], since: int) -> list[str]:
    """Those of a letter that have no accepted email; `since` is epoch milliseconds.

    A notification without an address when the letter was written may have got one. What it had
    sent to other addresses by then says nothing.
    """
    accepted = [row for row in rows if row.state is DeliveryState.ACCEPTED]
    told = {key for row in accepted for key in (row.uid, row.destination)}
    told.update(row.target_id for row in accepted if row.created_at * 1000 > since)
    return [
        each.name
        for each in letter.dead.undelivered
        if told.isdisjoint({each.uid or each.target_id, each.destination})
    ]


def _since(row: EventRow, letter: Letter, redriven_at: int | None) -> bool:
    """Whether the event ended after its letter was written, and not with it.

    An event that the catalog did not know had not ended then, and one that was redriven had been
    opened again. A tracker ends an event with the time at which it began to write the letter.
    """
    if letter.dead.reason == Reason.NOT_IN_CATALOG or redriven_at is not None:
        return True
    if letter.dead.reason in _UNREADABLE:
        # What can be read of it are its good parts, and the letter is about the others.
        return False
    return row.closed_at * 1000 > letter.at + _CLOCKS_MS
