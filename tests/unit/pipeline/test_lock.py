"""What the lock decides of each event: told, ended with a reason, or held back."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, Emits, State
from consumer.domain.ledger import AtomState, Held
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.lock import HeldBack, Locked, LockRules, Progress, lock
from tests.unit.pipeline.locking import (
    ATOM,
    LAST,
    NEW,
    NOW_MS,
    RULES,
    WAS_CRITICAL,
    WAS_OK,
    WAS_WARNING,
    claims,
    event,
)

OK, WARNING, CRITICAL, UNKNOWN = State


def decide(
    events: Sequence[AlarmEvent],
    now: AtomState,
    rules: LockRules = RULES,
    *,
    ended: Sequence[str] = (),
    progress: Mapping[str, Progress] | None = None,
    on_their_way: Mapping[str, frozenset[str]] | None = None,
) -> list[Locked]:
    decided = lock(
        events, claims(now, ended=ended), progress or {}, on_their_way or {}, rules, NOW_MS
    )
    return [decision for decision in decided if isinstance(decision, Locked)]


REPEATING = "alertmanager/eu"
MAPPED = LockRules(unknown_as=CRITICAL)


def row(
    name: str,
    now: AtomState,
    given_event: AlarmEvent,
    ends: Kind | None = None,
    *,
    gap: bool = False,
    rules: LockRules = RULES,
) -> Any:
    """A rule: the atom so far, an event, how it ends (None: it goes on), whether a gap is seen."""
    return pytest.param(now, given_event, ends, gap, rules, id=name)


TABLE = [
    row("changed", WAS_OK, event(CRITICAL, previous_state=OK)),
    row("changed, silent on the state before", WAS_OK, event(CRITICAL)),
    row("changed, repeating source", WAS_OK, event(CRITICAL, source=REPEATING)),
    row("older", WAS_OK, event(CRITICAL, -1), Kind.STALE),
    row("older and of the same state", WAS_OK, event(OK, -1), Kind.STALE),
    row("same instant, other state", WAS_OK, event(CRITICAL, 0)),
    row("same instant, same state", WAS_OK, event(OK, 0), Kind.UNCHANGED),
    row("same state, changing source", WAS_CRITICAL, event(CRITICAL), gap=True),
    row("same state, one missed", WAS_CRITICAL, event(CRITICAL, previous_state=OK), gap=True),
    row(
        "same state, repeating source",
        WAS_CRITICAL,
        event(CRITICAL, source=REPEATING),
        Kind.UNCHANGED,
    ),
    row("one missed", WAS_OK, event(CRITICAL, previous_state=WARNING), gap=True),
    row("from the state we know", WAS_WARNING, event(OK, previous_state=WARNING)),
    row("first, not OK", NEW, event(CRITICAL)),
    row("first, not OK, with a state before", NEW, event(WARNING, previous_state=OK)),
    row("first OK", NEW, event(OK), Kind.INITIAL_OK),
    row("first OK from OK", NEW, event(OK, previous_state=OK), Kind.INITIAL_OK),
    row("first OK from UNKNOWN", NEW, event(OK, previous_state=UNKNOWN), Kind.INITIAL_OK),
    row("first OK from CRITICAL", NEW, event(OK, previous_state=CRITICAL)),
    row("first OK, wanted", NEW, event(OK), rules=LockRules(notify_initial_ok=True)),
    row("UNKNOWN", WAS_OK, event(UNKNOWN, previous_state=OK), Kind.IGNORED),
    row("UNKNOWN, first", NEW, event(UNKNOWN), Kind.IGNORED),
    row(
        "old state after ignored UNKNOWN",
        WAS_CRITICAL,
        event(CRITICAL, previous_state=UNKNOWN),
        Kind.UNCHANGED,
    ),
    row("no gap after ignored UNKNOWN", WAS_CRITICAL, event(OK, previous_state=UNKNOWN)),
    row("UNKNOWN mapped", WAS_OK, event(UNKNOWN, previous_state=OK), rules=MAPPED),
    row("UNKNOWN mapped, first", NEW, event(UNKNOWN), rules=MAPPED),
    row("first OK from mapped UNKNOWN", NEW, event(OK, previous_state=UNKNOWN), rules=MAPPED),
    row(
        "mapped UNKNOWN missed",
        WAS_OK,
        event(CRITICAL, previous_state=UNKNOWN),
        gap=True,
        rules=MAPPED,
    ),
    row("test event, older", WAS_OK, event(CRITICAL, -1, test=True)),
    row("test event, unchanged", WAS_OK, event(OK, 0, test=True, source=REPEATING)),
    row("test event, first OK", NEW, event(OK, test=True)),
    row("test event, UNKNOWN", WAS_OK, event(UNKNOWN, test=True)),
]

REASONS = {
    Kind.DUPLICATE: Reason.SEEN_BEFORE,
    Kind.STALE: Reason.OLDER_THAN_LAST,
    Kind.UNCHANGED: Reason.SAME_STATE,
    Kind.INITIAL_OK: Reason.FIRST_STATE_OK,
    Kind.IGNORED: Reason.UNKNOWN_STATE,
}
#: Ends that tell nothing about how the alarm is now.
KEEP_STATE = {Kind.DUPLICATE, Kind.STALE, Kind.IGNORED}


@pytest.mark.parametrize(("now", "given_event", "ends", "gap", "rules"), TABLE)
def test_rules(
    now: AtomState, given_event: AlarmEvent, ends: Kind | None, gap: bool, rules: LockRules
) -> None:
    """One row, one rule; whatever tells how the alarm is now moves its last state on."""
    (locked,) = decide([given_event], now, rules)
    kind = locked.ending.kind if locked.ending else None
    assert (kind, locked.gap) == (ends, gap)
    if locked.ending is not None:
        assert locked.ending.reason is REASONS[locked.ending.kind]
        assert locked.ending.target_id is None
    assert locked.advances is (kind not in KEEP_STATE and not given_event.test)
    moved = (given_event.id, given_event.state, given_event.timestamp)
    stayed = (now.last_event_id, now.last_state, now.last_timestamp_ms)
    progress = locked.progress
    found = (progress.last_event_id, progress.last_state, progress.last_timestamp_ms)
    assert found == (moved if locked.advances else stayed)
    assert locked.fence == 7


class TestDuplicates:
    def test_an_event_that_has_ended_is_a_duplicate(self) -> None:
        (locked,) = decide([event(CRITICAL)], WAS_OK, ended=["new"])
        assert locked.ending is not None
        assert locked.ending.kind is Kind.DUPLICATE
        assert not locked.advances

    def test_an_event_on_its_way_is_a_duplicate(self) -> None:
        (locked,) = decide([event(CRITICAL)], WAS_OK, on_their_way={ATOM: frozenset({"new"})})
        assert locked.ending is not None
        assert locked.ending.kind is Kind.DUPLICATE

    def test_the_same_event_twice_in_a_batch_is_told_once(self) -> None:
        first, second = decide([event(CRITICAL), event(CRITICAL)], WAS_OK)
        assert first.ending is None
        assert second.ending is not None
        assert second.ending.kind is Kind.DUPLICATE

    def test_what_is_known_is_a_duplicate_before_it_is_anything_else(self) -> None:
        old = event(UNKNOWN, -5)
        (locked,) = decide([old], WAS_OK, ended=["new"])
        assert locked.ending is not None
        assert locked.ending.kind is Kind.DUPLICATE

    def test_a_test_event_seen_again_is_a_duplicate(self) -> None:
        (locked,) = decide([event(CRITICAL, test=True)], WAS_OK, ended=["new"])
        assert locked.ending is not None
        assert locked.ending.kind is Kind.DUPLICATE

    def test_an_id_on_its_way_for_another_atom_is_no_duplicate(self) -> None:
        (locked,) = decide([event(CRITICAL)], WAS_OK, on_their_way={"other": frozenset({"new"})})
        assert locked.ending is None


class TestBatches:
    """A later event of an atom sees the earlier ones decided."""

    def test_states_follow_one_another(self) -> None:
        batch = [event(CRITICAL, 1, id="a"), event(OK, 2, id="b"), event(CRITICAL, 3, id="c")]
        decided = decide(batch, WAS_OK)
        assert [d.ending for d in decided] == [None, None, None]
        assert [d.previous_state for d in decided] == [OK, CRITICAL, OK]
        assert not any(d.gap for d in decided)

    def test_one_that_comes_late_in_the_batch_is_stale(self) -> None:
        decided = decide([event(CRITICAL, 2, id="a"), event(WARNING, 1, id="b")], WAS_OK)
        assert decided[1].ending is not None
        assert decided[1].ending.kind is Kind.STALE
        assert "1 ms older" in decided[1].ending.message

    def test_an_end_that_keeps_the_state_hides_nothing_from_the_next(self) -> None:
        batch = [event(UNKNOWN, 5, id="a"), event(CRITICAL, -1, id="b"), event(CRITICAL, 1, id="c")]
        kinds = [d.ending.kind if d.ending else None for d in decide(batch, WAS_OK)]
        assert kinds == [Kind.IGNORED, Kind.STALE, None]

    def test_a_silent_first_ok_counts_as_the_state_before(self) -> None:
        first, second = decide([event(OK, 1, id="a"), event(CRITICAL, 2, id="b")], NEW)
        assert first.ending is not None
        assert second.ending is None
        assert second.previous_state is OK

    def test_a_test_event_touches_no_state(self) -> None:
        batch = [event(CRITICAL, 9, id="a", test=True), event(CRITICAL, 1, id="b")]
        test, real = decide(batch, WAS_OK)
        assert test.progress == Progress.of(WAS_OK)
        assert test.previous_state is None
        assert real.ending is None
        assert real.previous_state is OK

    def test_atoms_do_not_see_each_other(self) -> None:
        other = event(CRITICAL, 1, id="a", alarm_id="alOther")
        there = AtomState(atom=other.atom, fence=3)
        batch = [other, event(CRITICAL, 0, id="b")]
        decided = lock(batch, claims(WAS_OK, there), {}, {}, RULES, NOW_MS)
        assert [d.fence for d in decided if isinstance(d, Locked)] == [3, 7]
        assert [d.ending for d in decided if isinstance(d, Locked)] == [None, None]

    def test_no_events_no_decisions(self) -> None:
        assert lock([], claims(), {}, {}, RULES, NOW_MS) == []


class TestPreviousState:
    def test_the_producers_word_wins_over_our_memory(self) -> None:
        (locked,) = decide([event(CRITICAL, previous_state=WARNING)], WAS_OK)
        assert locked.previous_state is WARNING

    def test_after_a_gap_our_memory_is_not_the_state_before(self) -> None:
        """CRITICAL, something that never came, CRITICAL: nobody knows what was between."""
        (locked,) = decide([event(CRITICAL)], WAS_CRITICAL)
        assert locked.gap
        assert locked.previous_state is None


class TestHeld:
    def test_an_event_of_a_held_atom_is_held_back(self) -> None:
        held = Held(atom=ATOM, owner="other", lease_until=1.0)
        (decision,) = lock([event(CRITICAL)], claims(held=[held]), {}, {}, RULES, NOW_MS)
        assert isinstance(decision, HeldBack)
        assert decision.owner == "other"

    def test_our_own_memory_of_a_held_atom_does_not_count(self) -> None:
        held = Held(atom=ATOM, owner="other", lease_until=1.0)
        memory = {ATOM: Progress.of(WAS_OK)}
        (decision,) = lock([event(CRITICAL)], claims(held=[held]), memory, {}, RULES, NOW_MS)
        assert isinstance(decision, HeldBack)


class TestOwnProgress:
    def test_it_is_newer_than_the_ledger(self) -> None:
        memory = Progress(fence=7, last_state=CRITICAL, last_timestamp_ms=LAST + 10)
        (locked,) = decide([event(WARNING, 5)], WAS_OK, progress={ATOM: memory})
        assert locked.ending is not None
        assert locked.ending.kind is Kind.STALE

    def test_it_is_void_when_the_atom_was_somebody_elses_in_between(self) -> None:
        """Else a repeated CRITICAL would be unchanged, though another consumer told an OK."""
        memory = Progress(fence=5, last_state=CRITICAL, last_timestamp_ms=LAST - 10)
        (locked,) = decide([event(CRITICAL, source=REPEATING)], WAS_OK, progress={ATOM: memory})
        assert locked.ending is None
        assert locked.fence == 7
        assert locked.previous_state is OK


class TestThread:
    def test_the_first_event_that_is_told_is_the_root(self) -> None:
        batch = [event(OK, 1, id="a"), event(CRITICAL, 2, id="b"), event(OK, 3, id="c")]
        silent, first, second = decide(batch, NEW)
        assert silent.progress.thread_event_id is None
        assert first.thread_event_id == second.thread_event_id == "b"

    def test_a_known_root_stays(self) -> None:
        (locked,) = decide([event(CRITICAL)], WAS_OK)
        assert locked.thread_event_id == locked.progress.thread_event_id == "root"

    def test_a_test_event_is_a_thread_of_its_own(self) -> None:
        (locked,) = decide([event(CRITICAL, test=True)], NEW)
        assert locked.thread_event_id == "new"
        assert locked.progress.thread_event_id is None


@pytest.mark.parametrize(
    ("source", "emits"),
    [
        ("alertmanager", Emits.REPEATS),
        ("alertmanager/eu", Emits.REPEATS),
        ("grafana/eu", Emits.REPEATS),
        ("grafana/us", Emits.CHANGES),
        ("grafana", Emits.CHANGES),
        ("alertmanager2", Emits.CHANGES),
        ("ele", Emits.CHANGES),
    ],
)
def test_a_source_repeats_when_it_or_its_system_is_listed(source: str, emits: Emits) -> None:
    rules = LockRules(repeating_sources=frozenset({"alertmanager", "grafana/eu"}))
    assert rules.emits(source) is emits
