"""Events of which each leads to one email, and what became of them, message by message."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.sandbox.traffic import TrafficRecord, generate_atoms

ATOMS, RECIPIENTS = 200, 40


def load(events: int, seed: int = 7, atoms: int = ATOMS) -> list[TrafficRecord]:
    """Events of which each leads to exactly one email."""
    return list(generate_atoms(events, atoms, seed, int(time.time() * 1000)))


def decoded(records: Sequence[TrafficRecord]) -> dict[str, AlarmEvent]:
    events = [msgspec.json.decode(record.value, type=AlarmEvent) for record in records]
    return {event.id: event for event in events}


def by_event(mails: Sequence[dict[str, Any]]) -> Counter[str]:
    return Counter(mail["variables"]["event_id"] for mail in mails)


def assert_in_order(mails: Sequence[dict[str, Any]], events: Mapping[str, AlarmEvent]) -> None:
    """Emails of one atom were accepted in the order of its events."""
    accepted = defaultdict(list)
    for mail in sorted(mails, key=lambda m: m["sequence"]):
        event = events[mail["variables"]["event_id"]]
        accepted[event.atom].append(event.timestamp)
    for atom, times in accepted.items():
        assert times == sorted(times), f"out of order: {atom}"
