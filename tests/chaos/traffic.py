"""Events of several tenants, each with the email it must lead to, or the reason why none."""

import random
import shutil
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from consumer.domain.alarm import EVENT_SCHEMA, State
from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import LOAD_TENANT, load_ids, write_load_catalog
from consumer.sandbox.changes import uuid1

#: The first has half of the traffic.
TENANTS: Final = (LOAD_TENANT, "900001", "900002", "900003")
#: Alarms of one tenant, and the people who are told.
ALARMS, PEOPLE = 100, 24
#: An alarm of every fourth person tells the next one too.
_SHARED = 4
#: How late a late event is, milliseconds.
_LATE_MS = 1


class Label(StrEnum):
    """What an event is."""

    CHANGE = "change"
    #: The same event again, byte by byte.
    REPEAT = "repeat"
    #: Older than the last event of its alarm.
    LATE = "late"
    #: A new id for the state and the moment that were told last.
    SAME = "same"
    #: The producer asks for no actions.
    MUTED = "muted"
    #: Not to be read.
    BROKEN = "broken"


#: How the event ends where no email is expected.
ENDS: Final[Mapping[Label, Kind]] = {
    Label.REPEAT: Kind.DUPLICATE,
    Label.LATE: Kind.STALE,
    Label.SAME: Kind.UNCHANGED,
    Label.MUTED: Kind.DISABLED,
    Label.BROKEN: Kind.INVALID,
}
_MIX: Final = (
    (Label.CHANGE,) * 88
    + (Label.REPEAT,) * 4
    + (Label.LATE,) * 3
    + (Label.SAME,) * 2
    + (Label.MUTED,) * 2
    + (Label.BROKEN,)
)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One record to be produced."""

    #: Its place in the traffic, from 0.
    number: int
    #: Seconds after the start of the run.
    due: float
    key: bytes
    value: bytes
    label: Label
    atom: str
    #: None for what cannot be read.
    event_id: str | None
    #: Epoch milliseconds.
    timestamp: int
    #: Whose addresses have to get an email.
    recipients: tuple[str, ...] = ()
    #: None: by its key.
    partition: int | None = None


def write_catalog(folder: Path) -> None:
    """The load catalog once for each tenant, with some alarms that tell two people."""
    write_load_catalog(folder, ALARMS, PEOPLE)
    plans = folder / LOAD_TENANT / "notification_plans.json"
    rows = msgspec.json.decode(plans.read_bytes())
    for person, row in enumerate(rows):
        targets = [f"ntLoad{number:06}" for number in _told(person)]
        row |= dict.fromkeys(("critical_state", "warning_state", "ok_state"), targets)
    plans.write_bytes(msgspec.json.encode(rows))
    for tenant in TENANTS[1:]:
        shutil.copytree(folder / LOAD_TENANT, folder / tenant)
        account = {"id": f"ac{tenant}", "external_id": tenant}
        (folder / tenant / "account.json").write_bytes(msgspec.json.encode(account))


def addresses() -> dict[str, tuple[str, ...]]:
    """Who is told of an alarm, by atom."""
    return {_atom(tenant, n): recipients(n) for tenant in TENANTS for n in range(ALARMS)}


def _atom(tenant: str, number: int) -> str:
    entity, alarm, check = load_ids(number)
    return f"{tenant}:{entity}:{alarm}:{check}"


def recipients(number: int) -> tuple[str, ...]:
    """Who is told of a tenant's alarm."""
    return tuple(f"load-{person}@example.net" for person in _told(number % PEOPLE))


def _told(person: int) -> tuple[int, ...]:
    return (person, (person + 1) % PEOPLE) if person % _SHARED == 0 else (person,)


def traffic(events: int, seconds: float, seed: int, start_ms: int) -> list[Item]:
    """`events` records evenly over `seconds`, the same for the same arguments."""
    rng = random.Random(seed)
    alarms = [_Alarm(tenant, number) for tenant in TENANTS for number in range(ALARMS)]
    weights = [len(TENANTS) - 1 if alarm.tenant == LOAD_TENANT else 1 for alarm in alarms]
    found: list[Item] = []
    while len(found) < events:
        due = seconds * len(found) / events
        (alarm,) = rng.choices(alarms, weights)
        found += alarm.happen(rng, len(found), due, start_ms + int(due * 1000))
    return found[:events]


class _Alarm:
    """One alarm and what was told of it last."""

    def __init__(self, tenant: str, number: int) -> None:
        self.tenant = tenant
        self._number = number
        self._entity, self._alarm, self._check = load_ids(number)
        self._atom = _atom(tenant, number)
        self._state: State | None = None
        self._last_ms = 0
        self._sent: list[Item] = []

    def happen(self, rng: random.Random, number: int, due: float, now_ms: int) -> Iterator[Item]:
        """A storm of this alarm now and then, else one event."""
        for place in range(5 if rng.random() < 0.02 else 1):
            label = rng.choice(_MIX) if self._sent else Label.CHANGE
            item = self._item(rng, label, now_ms)
            item = msgspec.structs.replace(item, number=number + place, due=due)
            self._sent = [*self._sent[-4:], item]
            yield item

    def _item(self, rng: random.Random, label: Label, now_ms: int) -> Item:
        readable = [item for item in self._sent if item.event_id is not None]
        if label is Label.REPEAT:
            # The newest first of all: it may be under way.
            earlier = rng.choice([readable[-1], rng.choice(readable)])
            return msgspec.structs.replace(earlier, label=label, recipients=())
        if label is Label.BROKEN:
            return self._record(b'{"schema": "alarm-state-event/1", ', label, None, now_ms)
        if label in (Label.LATE, Label.SAME):
            at = self._last_ms - (_LATE_MS if label is Label.LATE else 0)
            assert self._state is not None
            return self._event(rng, label, self._state, at)
        self._last_ms = max(now_ms, self._last_ms + 2)
        # An alarm's first event is a bad one: an OK that follows nothing is no news.
        others = [state for state in _STATES if state is not (self._state or State.OK)]
        self._state = rng.choice(others)
        return self._event(rng, label, self._state, self._last_ms)

    def _event(self, rng: random.Random, label: Label, state: State, at: int) -> Item:
        event: dict[str, Any] = {
            "schema": EVENT_SCHEMA,
            "id": uuid1(rng, at),
            "source": "ele",
            "tenant_id": self.tenant,
            "entity_id": self._entity,
            "check_id": self._check,
            "alarm_id": self._alarm,
            "state": state,
            "status": f"CPU is at {rng.randrange(100)}%",
            "timestamp": at,
            "actions_enabled": label is not Label.MUTED,
        }
        return self._record(msgspec.json.encode(event), label, event["id"], at)

    def _record(self, value: bytes, label: Label, event_id: str | None, at: int) -> Item:
        return Item(
            number=0,
            due=0.0,
            key=self._atom.encode(),
            value=value,
            label=label,
            atom=self._atom,
            event_id=event_id,
            timestamp=at,
            recipients=recipients(self._number) if label is Label.CHANGE else (),
        )


_STATES: Final = (State.OK, State.WARNING, State.CRITICAL)
