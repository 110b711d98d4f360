"""Traffic for the sample catalogs: events as real and as awkward as production's, and repeatable.

The mix follows what was seen of one: mostly HTTP and network checks, more CRITICAL than OK, two
alarms of one check in the same millisecond, a CRITICAL that is over after 17 seconds, duplicates,
late events, and now and then a record that nobody can read.
"""

import itertools
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from consumer.domain.alarm import EVENT_SCHEMA, State
from consumer.sandbox.catalog import (
    LOAD_ACCOUNT,
    LOAD_TENANT,
    SampleAlarm,
    load_ids,
    sample_alarms,
)
from consumer.sandbox.changes import (
    BUCKET_MS,
    Change,
    button_payload,
    make_change,
    own_event,
    timed_out,
    uuid1,
    webhook_payload,
)

#: How long a flapping alarm stayed CRITICAL in production.
_FLAP_MS: Final = 17_000
#: How late a late event is.
_LATE_MS: Final = 5_000
#: Characters that take an event above its 64 KiB, where nothing may be cut off.
_TOO_LARGE: Final = 70_000

_NEXT: Final[Mapping[State | None, tuple[Sequence[State], Sequence[float]]]] = {
    None: ((State.OK, State.WARNING, State.CRITICAL), (0.2, 0.2, 0.6)),
    State.OK: ((State.WARNING, State.CRITICAL), (0.3, 0.7)),
    State.WARNING: ((State.OK, State.CRITICAL), (0.6, 0.4)),
    State.CRITICAL: ((State.OK, State.WARNING), (0.6, 0.4)),
}

_Item = TypeVar("_Item")


class Label(StrEnum):
    """What a record is, for reports that count."""

    OWN = "own"
    RACKSPACE = "rackspace"
    #: A copy of an earlier record.
    REPEAT = "repeat"
    #: Older than an event of its atom that came before it.
    STALE = "stale"
    TEST = "test"
    #: The producer asks for no actions.
    MUTED = "muted"
    BROKEN = "broken"


class TrafficRecord(NamedTuple):
    key: bytes
    value: bytes
    label: Label


def generate(count: int, seed: int, start_ms: int, step_ms: int = 40) -> Iterator[TrafficRecord]:
    """`count` records about the sample catalog's alarms, the same for the same arguments.

    The first is observed at `start_ms`, epoch milliseconds, each next one about `step_ms` later.
    Some 200 records hold every oddity at least once.
    """
    return itertools.islice(_Traffic(seed, start_ms, step_ms).records(), count)


def generate_atoms(events: int, atoms: int, seed: int, start_ms: int) -> Iterator[TrafficRecord]:
    """`events` plain events of the load catalog's first `atoms` alarms; each leads to one email.

    The atoms take turns, in an order of its own for each turn. A turn is one millisecond and one
    state: CRITICAL, OK, and so on.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, and no secret
    order = list(range(atoms))
    for number in range(events):
        turn, place = divmod(number, atoms)
        if place == 0:
            rng.shuffle(order)
        yield _load_record(rng, order[place], turn, start_ms + turn)


def _load_record(rng: random.Random, number: int, turn: int, at: int) -> TrafficRecord:
    entity, alarm, check = load_ids(number)
    state, previous = (State.OK, State.CRITICAL) if turn % 2 else (State.CRITICAL, State.OK)
    event = {
        "schema": EVENT_SCHEMA,
        "id": uuid1(rng, at),
        "source": "ele",
        "tenant_id": LOAD_TENANT,
        "account_id": LOAD_ACCOUNT,
        "entity_id": entity,
        "check_id": check,
        "alarm_id": alarm,
        "state": state,
        "previous_state": previous if turn else None,
        "status": f"CPU is at {3 if state is State.OK else 99}%",
        "timestamp": at,
    }
    key = f"{LOAD_TENANT}:{entity}:{alarm}:{check}".encode()
    return TrafficRecord(key, msgspec.json.encode(event), Label.OWN)


class _Atom:
    """An alarm, and what was told of it last."""

    def __init__(self, alarm: SampleAlarm) -> None:
        self.alarm = alarm
        self.key = alarm.atom.encode()
        self.state: State | None = None
        self.last_ms = 0


class _Traffic:
    """The state behind one stream: a clock of its own, and every atom's last state."""

    def __init__(self, seed: int, start_ms: int, step_ms: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - repeatable, and no secret
        self._step_ms = step_ms
        self._now = start_ms
        self._sent: deque[TrafficRecord] = deque(maxlen=100)
        atoms = [_Atom(alarm) for alarm in sample_alarms()]
        by_check: dict[str, list[_Atom]] = defaultdict(list)
        for atom in atoms:
            by_check[atom.alarm.check["id"]].append(atom)
        self._atoms = self._dealt(atoms)
        self._twins = self._dealt([pair for pair in by_check.values() if len(pair) > 1])
        self._breakages = self._dealt(_BREAKAGES)
        #: How often each kind of thing happens in 180 turns.
        self._happenings = self._dealt(
            [self._change] * 130
            + [self._twin_changes] * 8
            + [self._flap] * 6
            + [self._timeout] * 8
            + [self._repeat] * 12
            + [self._late] * 5
            + [self._muted] * 3
            + [self._test] * 2
            + [self._broken] * 6
        )

    def records(self) -> Iterator[TrafficRecord]:
        for happening in self._happenings:
            for record in happening():
                if record.label is not Label.BROKEN:
                    self._sent.append(record)
                yield record
            self._now += self._rng.randrange(2 * self._step_ms + 1)

    def _change(self) -> Iterator[TrafficRecord]:
        yield self._written(self._moved(next(self._atoms)))

    def _twin_changes(self) -> Iterator[TrafficRecord]:
        """Two alarms of one check see the same observation."""
        twins = next(self._twins)
        at = max(self._now, *(atom.last_ms + 1 for atom in twins))
        for atom in twins:
            yield self._written(self._moved(atom, at=at))

    def _flap(self) -> Iterator[TrafficRecord]:
        """CRITICAL and OK within one minute, so that both event ids name the same bucket."""
        atom = next(self._atoms)
        at = max(self._now, atom.last_ms + 1)
        if at % BUCKET_MS + 1 + _FLAP_MS >= BUCKET_MS:
            at += BUCKET_MS - at % BUCKET_MS
        if atom.state is State.CRITICAL:
            yield self._written(self._moved(atom, State.OK, at))
            at += 1
        yield self._written(self._moved(atom, State.CRITICAL, at))
        yield self._written(self._moved(atom, State.OK, at + _FLAP_MS))

    def _timeout(self) -> Iterator[TrafficRecord]:
        atom = next(self._atoms)
        if atom.state is State.CRITICAL:
            yield self._written(self._moved(atom, State.OK))
        yield self._written(timed_out(self._moved(atom, State.CRITICAL)))

    def _repeat(self) -> Iterator[TrafficRecord]:
        if self._sent:
            yield self._rng.choice(self._sent)._replace(label=Label.REPEAT)

    def _late(self) -> Iterator[TrafficRecord]:
        """An event that was overtaken: a new id, and older than what was told last."""
        atom = next((a for a in itertools.islice(self._atoms, 50) if a.last_ms), None)
        if atom is not None:
            state = self._rng.choice((State.WARNING, State.CRITICAL))
            change = make_change(self._rng, atom.alarm, state, None, atom.last_ms - _LATE_MS)
            yield _record(atom.key, own_event(change), Label.STALE)

    def _muted(self) -> Iterator[TrafficRecord]:
        atom = next(self._atoms)
        event = own_event(self._moved(atom)) | {"actions_enabled": False}
        yield _record(atom.key, event, Label.MUTED)

    def _test(self) -> Iterator[TrafficRecord]:
        """A press of a test button, in both formats; it does not move the alarm."""
        atom = next(self._atoms)
        change = self._unmoved(atom)
        yield _record(atom.key, own_event(change) | {"test": True}, Label.TEST)
        tenant = atom.alarm.tenant_id
        key = f"{tenant}:enTEST:alTEST:chTEST".encode()
        yield _record(key, button_payload(self._unmoved(atom)), Label.TEST)

    def _broken(self) -> Iterator[TrafficRecord]:
        atom = next(self._atoms)
        value = next(self._breakages)(own_event(self._unmoved(atom)))
        yield TrafficRecord(atom.key, value, Label.BROKEN)

    def _moved(self, atom: _Atom, state: State | None = None, at: int | None = None) -> Change:
        """The atom's next change, one that its last state can lead to."""
        if state is None:
            states, weights = _NEXT[atom.state]
            (state,) = self._rng.choices(states, weights)
        at = max(self._now, atom.last_ms + 1) if at is None else at
        change = make_change(self._rng, atom.alarm, state, atom.state, at)
        atom.state, atom.last_ms = state, at
        return change

    def _unmoved(self, atom: _Atom) -> Change:
        return make_change(self._rng, atom.alarm, State.CRITICAL, atom.state, self._now)

    def _written(self, change: Change) -> TrafficRecord:
        """In one format or the other; now and then a snapshot or the previous state is missing."""
        key = change.alarm.atom.encode()
        if self._rng.random() < 0.4:
            payload = webhook_payload(change)
            if self._rng.random() < 0.1:
                payload["details"]["txn_id"] = None
                payload["entity"] = payload["entity"] | {"label": None, "metadata": None}
            return _record(key, payload, Label.RACKSPACE)
        event = own_event(change, snapshots=self._rng.random() < 0.5)
        if self._rng.random() < 0.1:
            event |= {"previous_state": None, "check": None, "txn_id": None}
        return _record(key, event, Label.OWN)

    def _dealt(self, items: Sequence[_Item]) -> Iterator[_Item]:
        """The items in random order, each once before any comes again."""
        while True:
            yield from self._rng.sample(items, len(items))


def _record(key: bytes, event: Mapping[str, Any], label: Label) -> TrafficRecord:
    return TrafficRecord(key, msgspec.json.encode(event), label)


def _without_tenant(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode({k: v for k, v in event.items() if k != "tenant_id"})


def _cut_off(event: dict[str, Any]) -> bytes:
    value = msgspec.json.encode(event)
    return value[: len(value) // 2]


_BREAKAGES: Final[Sequence[Callable[[dict[str, Any]], bytes]]] = (
    lambda event: f"{event['state']}: {event['status']}".encode(),
    lambda event: msgspec.json.encode(event | {"schema": "alarm-state-event/2"}),
    lambda event: msgspec.json.encode(event | {"attributes": {"dump": "x" * _TOO_LARGE}}),
    lambda _: b"",
    _without_tenant,
    _cut_off,
)
