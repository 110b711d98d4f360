"""Stage `lock`: in come events and what the ledger said of them; out comes a decision for each.

Here an event can end as duplicate, stale, unchanged, initial OK or ignored, or be held back
because another consumer works on its atom. The rules are pure: same input, same decision.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent, Emits, State
from consumer.domain.follow_up import stands_alone
from consumer.domain.lasting import counts_at, ids_of
from consumer.domain.ledger import AtomState, Claims
from consumer.domain.notification import Ending
from consumer.domain.reasons import Kind, Reason
from consumer.domain.recovery import problem_of
from consumer.pipeline.standing import Meaning, meaning

#: How far ahead of ours a producer's clock may be before its time is not believed.
_CLOCK_TOLERANCE_MS = 300_000


class LockRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator can choose."""

    #: Sources that repeat a state while it lasts; all others tell only changes.
    repeating_sources: frozenset[str] = frozenset()
    #: Notify a first event that says OK.
    notify_initial_ok: bool = False
    #: UNKNOWN counts as this state; None: it is recorded and not sent.
    unknown_as: State | None = None
    #: Ids of events that were to be sent before, and are asked for again: nothing but a newer event
    #: of their alarm speaks against them.
    asked_again: Collection[str] = frozenset()

    def emits(self, source: str) -> Emits:
        """`monasca/eu` repeats when `monasca/eu` or `monasca` is listed."""
        listed = source in self.repeating_sources or source.split("/", 1)[0] in (
            self.repeating_sources
        )
        return Emits.REPEATS if listed else Emits.CHANGES

    def may_say_again(self, event: AlarmEvent) -> bool:
        """Whether its state may be told once more, though its id and its time are old."""
        return (
            self.emits(event.source) is Emits.REPEATS
            and not stands_alone(event)
            and not self.ignores(event.state)
            and event.id not in self.asked_again
        )

    def counts_at(self, event: AlarmEvent) -> int:
        """Until when the event says how its alarm stands, epoch milliseconds."""
        is_repeated = self.emits(event.source) is Emits.REPEATS
        return counts_at(event) if is_repeated else event.timestamp

    def ignores(self, state: State | None) -> bool:
        """Whether nobody is told of this state, so that it does not count as a change either."""
        return state is State.UNKNOWN and self.unknown_as is None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an atom has come: its newest event that is closed or on its way."""

    fence: int
    last_event_id: str | None = None
    last_state: State | None = None
    last_timestamp_ms: int | None = None
    thread_event_id: str | None = None

    @classmethod
    def of(cls, atom: AtomState) -> "Progress":
        return cls(
            fence=atom.fence,
            last_event_id=atom.last_event_id,
            last_state=atom.last_state,
            last_timestamp_ms=atom.last_timestamp_ms,
            thread_event_id=atom.thread_event_id,
        )


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose atom is ours. `ending` is set when it ends here."""

    #: As it counts: what is told once more has another id than it came with.
    event: AlarmEvent
    #: The atom's progress once this event is on its way.
    progress: Progress
    #: The state before this event, as the producer or our own memory has it.
    previous_state: State | None
    thread_event_id: str
    ending: Ending | None = None
    #: Whether closing the event moves the atom's last state on.
    advances: bool = True
    #: An event between the atom's last state and this one never arrived.
    gap: bool = False

    @property
    def fence(self) -> int:
        return self.progress.fence

    @property
    def timestamp_ms(self) -> int:
        """When the event counts as having happened."""
        moved = self.progress.last_timestamp_ms
        return moved if self.advances and moved is not None else self.event.timestamp


class HeldBack(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose atom another consumer works on."""

    event: AlarmEvent
    owner: str


def lock(
    events: Sequence[AlarmEvent],
    claims: Claims,
    progress: Mapping[str, Progress],
    on_their_way: Mapping[str, frozenset[str]],
    rules: LockRules,
    now_ms: int,
    left: Collection[str] = (),
) -> list[Locked | HeldBack]:
    """Decide each event, in order; a later event of an atom sees the earlier ones decided.

    `progress` and `on_their_way` (event ids by atom) are what this process itself is working
    on: they are newer than the ledger's answer and win over it. Progress under another fence
    does not: the atom was somebody else's in between. `left` are ids of redriven events
    that somebody was not told of.
    """
    moved = {
        atom: own
        for atom, own in progress.items()
        if atom in claims.won and own.fence == claims.won[atom].fence
    }
    seen = {atom: set(ids) for atom, ids in on_their_way.items()}
    begun = {row.event_id for row in claims.deliveries.values()}.union(left)
    decided: list[Locked | HeldBack] = []
    for event in events:
        atom = event.atom
        held = claims.held.get(atom)
        if held is not None:
            decided.append(HeldBack(event=event, owner=held.owner))
            continue
        now = moved.get(atom) or Progress.of(claims.won[atom])
        ours = seen.setdefault(atom, set())
        known = {id_ for id_ in ids_of(event) if id_ in ours or _has_ended(id_, atom, claims)}
        meant = (
            meaning(event, now, known, begun)
            if rules.may_say_again(event)
            else Meaning(event, event.id in known, rules.counts_at(event))
        )
        locked = _decide(meant, now, rules, now_ms)
        ours.add(locked.event.id)
        moved[atom] = locked.progress
        decided.append(locked)
    return decided


def _has_ended(event_id: str, atom: str, claims: Claims) -> bool:
    # An id of another atom is another source's: ids are unique within an alarm at least.
    ended = claims.events.get(event_id)
    return ended is not None and ended.atom == atom


def _decide(meant: Meaning, now: Progress, rules: LockRules, now_ms: int) -> Locked:
    event = meant.event
    apart = stands_alone(event)
    ending = _reason_to_end(meant, now, rules, apart=apart)
    keeps_state = apart or (
        ending is not None and ending.kind in (Kind.DUPLICATE, Kind.STALE, Kind.IGNORED)
    )
    advances = meant.confirms or not keeps_state
    alone = apart or _is_last(event, now)
    gap = ending is None and not alone and _has_gap(event, now, rules)
    return Locked(
        event=event,
        progress=_moved_on(meant, now, now_ms, sends=ending is None) if advances else now,
        previous_state=event.previous_state or (None if alone or gap else now.last_state),
        thread_event_id=event.id if event.test else (now.thread_event_id or event.id),
        ending=ending,
        advances=advances,
        gap=gap,
    )


def _moved_on(meant: Meaning, now: Progress, now_ms: int, *, sends: bool) -> Progress:
    # A producer whose clock is far ahead must not make all later events of its alarm stale.
    at = now_ms if meant.at > now_ms + _CLOCK_TOLERANCE_MS else meant.at
    return Progress(
        fence=now.fence,
        last_event_id=now.last_event_id if meant.confirms else meant.event.id,
        last_state=meant.event.state,
        last_timestamp_ms=max(at, now.last_timestamp_ms or at),
        thread_event_id=now.thread_event_id or (meant.event.id if sends else None),
    )


def _reason_to_end(
    meant: Meaning, now: Progress, rules: LockRules, *, apart: bool
) -> Ending | None:
    event = meant.event
    if meant.is_known:
        return _end(Kind.DUPLICATE, Reason.SEEN_BEFORE, "This event was seen before")
    if apart:
        return None
    if rules.ignores(event.state):
        return _end(Kind.IGNORED, Reason.UNKNOWN_STATE, "The state UNKNOWN is not notified")
    if _is_last(event, now):
        # It ended and was opened again, redriven: what it left behind does not speak against it.
        return None
    is_asked_again = event.id in rules.asked_again
    if now.last_timestamp_ms is None:
        return None if is_asked_again else _first(event, rules)
    if meant.at < now.last_timestamp_ms:
        late = now.last_timestamp_ms - meant.at
        return _end(
            Kind.STALE, Reason.OLDER_THAN_LAST, f"{late} ms older than the alarm's last event"
        )
    if is_asked_again:
        return None
    if event.state is now.last_state and (
        event.timestamp == now.last_timestamp_ms
        or rules.emits(event.source) is Emits.REPEATS
        or rules.ignores(event.previous_state)
    ):
        return _end(Kind.UNCHANGED, Reason.SAME_STATE, f"The alarm is {event.state} already")
    return None


def _is_last(event: AlarmEvent, now: Progress) -> bool:
    """The atom stands where it does because of this very event."""
    return event.id == now.last_event_id


def _first(event: AlarmEvent, rules: LockRules) -> Ending | None:
    """The first event of an atom: an OK that follows nothing is no news."""
    follows_nothing = _came_from(event, rules) in (None, State.OK) and problem_of(event) is None
    silent = event.state is State.OK and follows_nothing
    if silent and not rules.notify_initial_ok:
        return _end(Kind.INITIAL_OK, Reason.FIRST_STATE_OK, "The alarm's first state is OK")
    return None


def _has_gap(event: AlarmEvent, now: Progress, rules: LockRules) -> bool:
    """The last state we know is not the one this event changed from."""
    if now.last_state is None:
        return False
    return event.state is now.last_state or _came_from(event, rules) not in (None, now.last_state)


def _came_from(event: AlarmEvent, rules: LockRules) -> State | None:
    """The state before, as the producer has it; None: it did not say, or one that is ignored."""
    return None if rules.ignores(event.previous_state) else event.previous_state


def _end(kind: Kind, reason: Reason, message: str) -> Ending:
    return Ending(kind=kind, reason=reason, message=message)
