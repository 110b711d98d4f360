"""The traffic: repeatable, sensible per alarm, and awkward in every way that it says."""

import itertools
import json
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.catalog import open_catalog
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import decode
from consumer.pipeline.lookup import Missing, lookup
from consumer.pipeline.plan import plan
from consumer.sandbox.catalog import sample_alarms, write_load_catalog, write_sample_catalog
from consumer.sandbox.traffic import Label, TrafficRecord, generate, generate_atoms
from tests.support.clock import ManualClock

START = 1_700_000_000_000
#: What moves its alarm on.
MOVING = {Label.OWN, Label.RACKSPACE, Label.MUTED}


@pytest.fixture(scope="module")
def records() -> list[TrafficRecord]:
    return list(generate(2000, 7, START))


def events(records: list[TrafficRecord], *labels: Label) -> list[AlarmEvent]:
    return [decode(record.value)[0] for record in records if record.label in labels]


def raw(records: list[TrafficRecord], *labels: Label) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in records if record.label in labels]


def test_same_arguments_give_the_same_records(records: list[TrafficRecord]) -> None:
    assert list(generate(2000, 7, START)) == records
    assert list(generate(50, 7, START)) == records[:50]
    assert list(generate(50, 8, START)) != records[:50]


def test_two_hundred_records_hold_every_label(records: list[TrafficRecord]) -> None:
    assert {record.label for record in records[:200]} == set(Label)


def test_readable_records_are_keyed_by_their_atom(records: list[TrafficRecord]) -> None:
    for record in records:
        if record.label is not Label.BROKEN:
            (event,) = decode(record.value)
            assert record.key == event.atom.encode()


def test_broken_records_are_broken_in_every_way(records: list[TrafficRecord]) -> None:
    reasons = set()
    for record in records:
        if record.label is Label.BROKEN:
            with pytest.raises(InvalidMessage) as caught:
                decode(record.value)
            reasons.add(caught.value.reason)
    assert reasons == {
        Reason.NOT_JSON,
        Reason.UNKNOWN_VERSION,
        Reason.SCHEMA_MISMATCH,
        Reason.TOO_LARGE,
        Reason.EMPTY,
    }


def test_each_alarm_goes_on_in_time_and_from_its_last_state(records: list[TrafficRecord]) -> None:
    last: dict[str, AlarmEvent] = {}
    for event in events(records, *MOVING):
        before = last.get(event.atom)
        if before is not None:
            assert event.timestamp > before.timestamp
            assert event.state is not before.state
            assert event.previous_state in (None, before.state)
        last[event.atom] = event
    assert set(last) == {sample.atom for sample in sample_alarms()}


def test_only_repeats_share_an_id(records: list[TrafficRecord]) -> None:
    ids = [event.id for event in events(records, *(set(Label) - {Label.REPEAT, Label.BROKEN}))]
    assert len(set(ids)) == len(ids)
    earlier: set[bytes] = set()
    for record in records:
        if record.label is not Label.BROKEN:
            assert (record.value in earlier) is (record.label is Label.REPEAT)
            earlier.add(record.value)


def test_late_events_are_older_than_what_their_alarm_told(records: list[TrafficRecord]) -> None:
    newest: dict[bytes, int] = {}
    for record in records:
        if record.label is Label.STALE:
            assert decode(record.value)[0].timestamp < newest[record.key]
        elif record.label in MOVING:
            newest[record.key] = decode(record.value)[0].timestamp


def test_log_entries_carry_the_time_of_their_observation(records: list[TrafficRecord]) -> None:
    for event in events(records, *MOVING):
        stamp = uuid.UUID(event.id)
        assert stamp.version == 1
        assert (stamp.time - 0x01B21DD213814000) // 10_000 == event.timestamp


def test_observations_begin_at_the_start_and_stay_near(records: list[TrafficRecord]) -> None:
    times = [event.timestamp for event in events(records, *MOVING)]
    assert times[0] == START
    assert max(times) - START < 2000 * 40 * 2 + 60_000


def test_two_alarms_of_one_check_change_in_one_millisecond(records: list[TrafficRecord]) -> None:
    alarms: dict[tuple[str, int], set[str]] = defaultdict(set)
    for event in events(records, *MOVING):
        alarms[event.check_id, event.timestamp].add(event.alarm_id)
    assert any(len(found) > 1 for found in alarms.values())


def test_an_alarm_is_over_after_17_seconds_within_one_minute(records: list[TrafficRecord]) -> None:
    by_atom: dict[str, list[AlarmEvent]] = defaultdict(list)
    for event in events(records, *MOVING):
        by_atom[event.atom].append(event)
    flaps = [
        (first, second)
        for changes in by_atom.values()
        for first, second in itertools.pairwise(changes)
        if second.timestamp - first.timestamp == 17_000
    ]
    assert flaps
    for first, second in flaps:
        assert (first.state, second.state) == (State.CRITICAL, State.OK)
        assert first.timestamp // 60_000 == second.timestamp // 60_000


def test_awkward_contents_are_there(records: list[TrafficRecord]) -> None:
    texts = " ".join(event.status or "" for event in events(records, *MOVING))
    for awkward in ("%", ",", '"', "'", "ü", "<script>", "&"):
        assert awkward in texts
    found = events(records, *MOVING)
    assert any(event.status and event.status.startswith("timeout") for event in found)
    assert any(event.metrics is None for event in found)
    assert any(event.entity is None for event in found)
    assert any(len({seen.state for seen in event.observations}) > 1 for event in found)
    assert any(
        all(seen.monitoring_zone_id is None for seen in event.observations) for event in found
    )
    assert any(event.previous_state is None and event.state is State.OK for event in found)


def test_formats_and_switches_are_as_labelled(records: list[TrafficRecord]) -> None:
    assert all("schema" in event for event in raw(records, Label.OWN, Label.MUTED, Label.STALE))
    assert all("log_entry_id" in event for event in raw(records, Label.RACKSPACE))
    assert not any(event.actions_enabled for event in events(records, Label.MUTED))
    assert all(event.test for event in events(records, Label.TEST))
    assert {"schema" in event for event in raw(records, Label.TEST)} == {True, False}


def test_everything_in_it_ends_in_many_ways(records: list[TrafficRecord], tmp_path: Path) -> None:
    """Against the sample catalog, the stages find mails, and every reason for none."""
    write_sample_catalog(tmp_path)
    catalog = open_catalog(f"file:{tmp_path}", clock=ManualClock())
    found = events(records, *MOVING)
    reasons: set[Reason] = set()
    mails = 0
    for event, context in zip(found, lookup(found, catalog, START), strict=True):
        assert not isinstance(context, Missing)
        planned = plan(event, context)
        reasons |= {ending.reason for ending in planned.endings}
        mails += len(planned.notifications)
    assert mails > len(found) / 2
    assert reasons >= {
        Reason.ACTIONS_DISABLED,
        Reason.ALARM_DISABLED,
        Reason.CHECK_DISABLED,
        Reason.DELETED,
        Reason.MAINTENANCE,
        Reason.EMPTY_LIST,
        Reason.UNSUPPORTED_TYPE,
        Reason.UNKNOWN_NOTIFICATION,
        Reason.SAME_ADDRESS,
    }


def test_load_events_lead_to_one_mail_each(tmp_path: Path) -> None:
    write_load_catalog(tmp_path, atoms=20, recipients=3)
    catalog = open_catalog(f"file:{tmp_path}", clock=ManualClock())
    found = [decode(record.value)[0] for record in generate_atoms(90, 20, 1, START)]
    assert len({event.id for event in found}) == 90
    for event, context in zip(found, lookup(found, catalog, START), strict=True):
        assert not isinstance(context, Missing)
        planned = plan(event, context)
        assert (len(planned.notifications), len(planned.endings)) == (1, 0)


def test_load_events_alternate_in_time_from_critical() -> None:
    by_atom: dict[bytes, list[AlarmEvent]] = defaultdict(list)
    for record in generate_atoms(100, 20, 1, START):
        by_atom[record.key].append(decode(record.value)[0])
    assert len(by_atom) == 20
    for changes in by_atom.values():
        assert [event.state for event in changes] == [
            "CRITICAL",
            "OK",
            "CRITICAL",
            "OK",
            "CRITICAL",
        ]
        assert [event.previous_state for event in changes][:2] == [None, "CRITICAL"]
        times = [event.timestamp for event in changes]
        assert times == sorted(set(times))
