"""Message by message: what had to be sent, what the provider accepted, what tracking says. Pure.

An email is one event to one address. What was accepted is known from the provider alone, and what
had to be accepted from the traffic alone; nothing here asks the product for either.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import TrackingEvent

#: (event id, address)
Email = tuple[str, str]
#: (partition, offset)
Place = tuple[int, int]

#: Ends of an email that excuse that it was not accepted.
_EXCUSES: Final = frozenset({Kind.SUPERSEDED, Kind.EXPIRED, Kind.FAILED})
#: More is to be told of the event, or of the email.
_ON_THE_WAY: Final = frozenset({Kind.DEFERRED, Kind.FALLBACK, Kind.IN_DOUBT})
#: Seconds after which a lookup had every chance to see what the provider shows.
_SEEN_BY_NOW: Final = 2.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An email that has to be sent."""

    email: Email
    atom: str
    #: When the event happened: emails of one atom arrive in this order.
    timestamp: int
    #: When its event was on the topic, epoch seconds.
    appended: float


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the provider accepted."""

    email: Email
    message_id: str
    #: Epoch seconds.
    at: float


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What became of everything. Lists name the emails or records, for a look at the logs."""

    expected: int
    accepted: int
    lost: Sequence[str]
    #: Accepted, though there was a reason for none.
    unexpected: Sequence[str]
    doubled_unmarked: Sequence[str]
    doubled_marked: Sequence[str]
    #: Those of the marked that a lookup could have seen before the second was sent.
    doubled_visible: Sequence[str]
    out_of_order: Sequence[str]
    #: Not accepted, and told so: by kind.
    excused: Mapping[str, int]
    #: Left in doubt for a person.
    held: Sequence[str]
    #: Emails of which tracking says that they may be doubled.
    possible_duplicates: int
    #: Records without a final word, emails without one, accepted messages without `accepted`.
    untold: Sequence[str]
    #: Records that ended otherwise than they must.
    told_otherwise: Sequence[str]
    #: Seconds between the event on the topic and its email accepted.
    worst_delay: float
    median_delay: float

    @property
    def broken(self) -> Sequence[str]:
        """The parts of the promise that do not hold."""
        parts = {
            "lost": self.lost,
            "unexpected": self.unexpected,
            "doubled, not marked": self.doubled_unmarked,
            "doubled, though visible to a lookup": self.doubled_visible,
            "out of order": self.out_of_order,
            "held in doubt": self.held,
            "tracking missing": self.untold,
            "told otherwise": self.told_otherwise,
        }
        return [name for name, found in parts.items() if found]


def check(
    wanted: Sequence[Wanted],
    arrived: Sequence[Arrived],
    *,
    ends: Mapping[Place, Kind | None],
    told: Sequence[TrackingEvent] | None,
    visibility: float = 0.0,
) -> Findings:
    """Compare.

    `arrived` in the order of acceptance. `ends`: how each record has to end; None where
    emails are expected. `told`: all tracking records; None where nobody keeps any. `visibility`:
    seconds until the provider shows what it accepted.
    """
    by_email: dict[Email, list[Arrived]] = defaultdict(list)
    for message in arrived:
        by_email[message.email].append(message)
    tracking = Tracking(told or ())
    missing = [each for each in wanted if each.email not in by_email]
    doubled = {email: copies for email, copies in by_email.items() if len(copies) > 1}
    marked = {email for email in doubled if email in tracking.possible_duplicates}
    known = {each.email: each for each in wanted}
    delays = [
        by_email[each.email][0].at - each.appended for each in wanted if each.email in by_email
    ]
    return Findings(
        expected=len(wanted),
        accepted=len(wanted) - len(missing),
        lost=_names(each.email for each in missing if not tracking.excuses(each.email)),
        unexpected=_names(by_email.keys() - known.keys()),
        doubled_unmarked=_names(doubled.keys() - marked),
        doubled_marked=_names(marked),
        doubled_visible=_names(e for e in marked if _was_visible(doubled[e], visibility)),
        out_of_order=_out_of_order(arrived, known),
        excused=tracking.count_excuses(each.email for each in missing),
        held=_names(each.email for each in missing if each.email in tracking.held),
        possible_duplicates=len(tracking.possible_duplicates),
        untold=[] if told is None else tracking.untold(wanted, arrived, ends),
        told_otherwise=[] if told is None else tracking.told_otherwise(ends),
        worst_delay=max(delays, default=0.0),
        median_delay=median(delays) if delays else 0.0,
    )


class Tracking:
    """The tracking records, by what is asked of them."""

    def __init__(self, told: Iterable[TrackingEvent]) -> None:
        self.possible_duplicates: set[Email] = set()
        self.held: set[Email] = set()
        self._ends: dict[Email, set[Kind]] = defaultdict(set)
        self._places: dict[Place, set[Kind]] = defaultdict(set)
        self._accepted: set[str] = set()
        for record in told:
            self._read(record)

    def _read(self, record: TrackingEvent) -> None:
        held = record.outcome.reason is Reason.HELD
        final = held or record.kind not in _ON_THE_WAY
        if record.source is not None and final:
            _, partition, offset = record.source
            self._places[partition, offset].add(record.kind)
        note = record.notification
        if note is None or note.destination is None or record.event.id is None:
            return
        email = (record.event.id, note.destination)
        if record.possible_duplicate:
            self.possible_duplicates.add(email)
        if held:
            self.held.add(email)
        if final:
            self._ends[email].add(record.kind)
        if record.kind is Kind.ACCEPTED and note.uid is not None:
            self._accepted.add(note.uid)

    def excuses(self, email: Email) -> bool:
        return bool(self._ends[email] & _EXCUSES) or email in self.held

    def count_excuses(self, emails: Iterable[Email]) -> dict[str, int]:
        counted: dict[str, int] = defaultdict(int)
        for email in emails:
            for kind in self._ends[email] & _EXCUSES:
                counted[kind.value] += 1
        return dict(counted)

    def untold(
        self, wanted: Iterable[Wanted], arrived: Iterable[Arrived], places: Iterable[Place]
    ) -> list[str]:
        records = [f"record {place}" for place in places if not self._places[place]]
        emails = _names(each.email for each in wanted if not self._ends[each.email])
        messages = {each.message_id for each in arrived}
        # The Message-Id's local part is the notification's uid.
        untold = sorted(m for m in messages if m.partition("@")[0] not in self._accepted)
        return records + emails + [f"message {message}" for message in untold]

    def told_otherwise(self, ends: Mapping[Place, Kind | None]) -> list[str]:
        """Read again after a crash, a record may be a duplicate of itself."""
        return [
            f"record {place}: {', '.join(sorted(self._places[place]))}, not {end}"
            for place, end in ends.items()
            if end is not None and self._places[place] - {end, Kind.DUPLICATE, Kind.DEAD_LETTERED}
        ]


def _was_visible(copies: Sequence[Arrived], visibility: float) -> bool:
    """The provider showed the first copy for long enough before the second came."""
    first, second, *_ = (copy.at for copy in copies)
    return second - first > visibility + _SEEN_BY_NOW


def _out_of_order(arrived: Sequence[Arrived], known: Mapping[Email, Wanted]) -> list[str]:
    """Messages that were accepted after one of a newer event of the same atom, to any address
    that both were meant for."""
    newest: dict[tuple[str, str], int] = {}
    late = []
    for message in arrived:
        wanted = known.get(message.email)
        if wanted is None:
            continue
        place = (wanted.atom, message.email[1])
        if wanted.timestamp < newest.get(place, 0):
            late.append(_name(message.email))
        newest[place] = max(wanted.timestamp, newest.get(place, 0))
    return late


def _names(emails: Iterable[Email]) -> list[str]:
    return sorted(map(_name, emails))


def _name(email: Email) -> str:
    event, address = email
    return f"{event} to {address}"
