"""Dead letters sent to their topic again, under their identities.

Each event is opened in the ledger first, then its record is produced and acknowledged, then a
note is written beside the letter. A crash before the note leaves a letter that is still open:
running the command again finishes it. What the ledger has as accepted is not sent again, however
often a letter is redriven.
"""

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from consumer.dead_letters import DeadLetters, Decode, Letter, Standing, State, standings
from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import MessengerError
from consumer.domain.follow_up import stands_alone
from consumer.domain.lasting import counts_at, ids_of
from consumer.domain.ledger import AtomState
from consumer.ports import Clock, Ledger, LedgerOfAtoms, RecordSink
from consumer.wire import redriven_headers, redriven_note
from consumer.worker.producing import Outgoing, Round

#: Letters opened and produced in one go.
_BATCH: Final = 200
#: Bytes of keys and values that are held to be put in order.
_MOST_BYTES: Final = 256 * 1024 * 1024
#: Seconds for the acknowledgements of one batch.
_ACKNOWLEDGED_WITHIN: Final = 60.0


class Why(StrEnum):
    """Why a letter is not redriven."""

    ELSEWHERE = "of a topic that these settings do not consume"
    EMPTY = "without the record, which was empty or too large to be kept"
    ALREADY_REDRIVEN = "already redriven"
    ALREADY_SENT = "already sent since"
    ENDED = "ended otherwise since"
    REPLACED = "replaced by a later letter of the same record"


_SETTLED: Final = {
    State.REDRIVEN: Why.ALREADY_REDRIVEN,
    State.ACCEPTED: Why.ALREADY_SENT,
    State.ENDED: Why.ENDED,
    State.REPLACED: Why.REPLACED,
}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that can be redriven, the events in it, and how they stand."""

    letter: Letter
    events: Sequence[AlarmEvent]
    standing: Standing
    #: Its alarm has moved on: all of its events will end as stale, and no email will be sent.
    is_stale: bool = False

    @property
    def order(self) -> tuple[int, int, int]:
        """By when the alarm was, so that no event makes an earlier one stale."""
        source = self.letter.dead.record
        when = min(map(counts_at, self.events), default=source.timestamp)
        return (when, source.partition, source.offset)


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A letter that is not redriven."""

    letter: Letter
    standing: Standing
    why: Why


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be redriven, in its order, and what is not."""

    chosen: Sequence[Candidate]
    left_out: Sequence[LeftOut]


def gathered(letters: DeadLetters) -> list[Letter]:
    """All letters that are wanted; raises MessengerError when they are too many to be held."""
    held, size = [], 0
    for letter in letters:
        held.append(letter)
        size += letter.dead.record.size
        if size > _MOST_BYTES:
            raise _too_many()
    return held


def select(
    letters: DeadLetters,
    topics: Collection[str],
    decode: Decode,
    ledger: LedgerOfAtoms,
    *,
    again: bool = False,
) -> Selection:
    """Which of the letters can be redriven with a purpose; `again`: also what is settled.

    Raises LedgerUnavailable and BrokerUnavailable, and MessengerError when they are too many to
    be put in order.
    """
    held = gathered(letters)
    stands = standings(held, letters, decode, ledger)
    chosen: list[Candidate] = []
    left_out: list[LeftOut] = []
    for letter in held:
        standing = stands[letter.place]
        why = _why_not(letter, standing, topics, again=again)
        if why is None:
            events = decode(letter.dead.record)
            chosen.append(Candidate(letter=letter, events=events, standing=standing))
        else:
            left_out.append(LeftOut(letter=letter, standing=standing, why=why))
    chosen = _foreseen(sorted(chosen, key=lambda each: each.order), ledger)
    return Selection(chosen=chosen, left_out=left_out)


def _foreseen(chosen: Sequence[Candidate], ledger: LedgerOfAtoms) -> list[Candidate]:
    """What the ledger knows already of how they will end. They themselves come in order."""
    atoms = ledger.find_atoms({event.atom for each in chosen for event in each.events})
    return [
        msgspec.structs.replace(
            each,
            is_stale=bool(each.events)
            and all(_is_overtaken(event, atoms.get(event.atom)) for event in each.events),
        )
        for each in chosen
    ]


def _is_overtaken(event: AlarmEvent, atom: AtomState | None) -> bool:
    """As the consumer will find it: a newer event of its alarm has ended, and it is no test."""
    if atom is None or atom.last_timestamp_ms is None or stands_alone(event):
        return False
    is_last = atom.last_event_id in ids_of(event)
    return not is_last and counts_at(event) < atom.last_timestamp_ms


def _why_not(
    letter: Letter, standing: Standing, topics: Collection[str], *, again: bool
) -> Why | None:
    record = letter.dead.record
    if record.topic not in topics:
        return Why.ELSEWHERE
    if not record.value:
        return Why.EMPTY
    if again and standing.state is not State.REPLACED:
        return None
    return _SETTLED.get(standing.state)


class Redriving:
    """Opens, produces and notes, batch by batch."""

    def __init__(
        self,
        ledger: Ledger,
        sink: RecordSink,
        clock: Clock,
        dead_letter_topic: str,
        per_second: float | None = None,
    ) -> None:
        """`per_second`: at most so many records; None: as fast as Kafka takes them."""
        self._ledger = ledger
        self._sink = sink
        self._clock = clock
        self._dead_letter_topic = dead_letter_topic
        self._per_second = per_second

    def redrive(
        self,
        candidates: Sequence[Candidate],
        on_done: Callable[[Candidate, bool], None] = lambda _each, _sent: None,
    ) -> None:
        """Send all of them, in order.

        `on_done` is told of each when it is acknowledged; False: it was not sent, as another
        command had opened its events in between. Raises LedgerUnavailable and BrokerUnavailable;
        what was acknowledged stays.
        """
        began, done = self._clock.monotonic(), 0
        size = _BATCH if self._per_second is None else min(_BATCH, max(1, int(self._per_second)))
        while batch := candidates[done : done + size]:
            if self._per_second is not None:
                due = began + done / self._per_second
                self._clock.wait(max(0.0, due - self._clock.monotonic()))
            ours = {each.letter.place for each in self._send(batch)}
            done += len(batch)
            for each in batch:
                on_done(each, each.letter.place in ours)

    def _send(self, batch: Sequence[Candidate]) -> Sequence[Candidate]:
        """Those that are ours to send, which are acknowledged by then."""
        now = self._clock.now()
        to_open = {id_ for each in batch for id_ in each.standing.ended}
        opened = self._ledger.reopen(to_open, now) if to_open else ()
        ours = [each for each in batch if _is_ours(each, opened)]
        at = int(now * 1000)
        self._produce([_again(each.letter, at) for each in ours])
        self._produce([self._note(each.letter, at) for each in ours])
        return ours

    def _produce(self, records: Sequence[Outgoing]) -> None:
        Round(records, self._sink).produce(_ACKNOWLEDGED_WITHIN)

    def _note(self, letter: Letter, at: int) -> Outgoing:
        return Outgoing(self._dead_letter_topic, None, b"", redriven_note(*letter.place, at))


def _is_ours(candidate: Candidate, opened: Collection[str]) -> bool:
    """Whoever opens an event sends it. Where nothing was to be opened, nobody else does."""
    ended = candidate.standing.ended
    return not ended or any(id_ in opened for id_ in ended)


def _again(letter: Letter, at: int) -> Outgoing:
    record = letter.dead.record
    headers = redriven_headers(record, at, letter.dead.undelivered)
    return Outgoing(record.topic, record.key, record.value, headers)


def _too_many() -> MessengerError:
    most = _MOST_BYTES // 1024 // 1024
    return MessengerError(
        f"these are more than {most} MiB of dead letters: take fewer at once, with --since and "
        "--until, or --reason"
    )
