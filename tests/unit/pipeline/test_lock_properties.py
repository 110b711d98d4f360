"""What holds for the lock's decisions whatever comes."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.ledger import AtomState, Held
from consumer.domain.reasons import Kind
from consumer.pipeline.lock import HeldBack, Locked, LockRules, Progress, lock
from tests.unit.pipeline.locking import (
    NEW,
    NOW_MS,
    WAS_CRITICAL,
    WAS_OK,
    WAS_WARNING,
    claims,
    event,
)

ALARMS = ("alOne", "alTwo")
ATOMS = [event(State.OK, alarm_id=alarm).atom for alarm in ALARMS]

#: Few ids, times and states, so that they meet.
batches = st.lists(
    st.builds(
        event,
        state=st.sampled_from(State),
        later=st.integers(-3, 3),
        id=st.integers(0, 30).map(str),
        alarm_id=st.sampled_from(ALARMS),
        previous_state=st.none() | st.sampled_from(State),
        source=st.sampled_from(["ele", "alertmanager/eu"]),
        test=st.integers(0, 9).map(lambda n: n == 0),
    ),
    max_size=25,
)
all_rules = st.builds(
    LockRules,
    repeating_sources=st.sampled_from([frozenset(), frozenset({"alertmanager"})]),
    notify_initial_ok=st.booleans(),
    unknown_as=st.none() | st.sampled_from([State.WARNING, State.CRITICAL]),
)
pasts = st.sampled_from([NEW, WAS_OK, WAS_WARNING, WAS_CRITICAL])
Ledger = dict[str, AtomState]
ledgers = st.tuples(pasts, pasts).map(
    lambda chosen: {
        atom: msgspec.structs.replace(past, atom=atom)
        for atom, past in zip(ATOMS, chosen, strict=True)
    }
)


def decide(
    events: Sequence[AlarmEvent],
    ledger: Ledger,
    rules: LockRules,
    ended: dict[str, str] | None = None,
) -> list[Locked]:
    decided = lock(events, claims(*ledger.values(), ended=ended or {}), {}, {}, rules, NOW_MS)
    return [decision for decision in decided if isinstance(decision, Locked)]


def by_atom(decided: Sequence[Locked]) -> list[list[Locked]]:
    return [[d for d in decided if d.event.atom == atom] for atom in ATOMS]


def told(decided: Sequence[Locked]) -> list[Locked]:
    """Those that go on and are about the alarm's state."""
    return [d for d in decided if d.ending is None and not d.event.test]


@given(batches, ledgers, all_rules)
def test_every_event_gets_one_decision_in_its_place(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    assert [d.event for d in decide(events, ledger, rules)] == events


@given(batches, ledgers, all_rules)
def test_what_is_told_of_an_atom_never_goes_back_in_time(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    for decided in by_atom(decide(events, ledger, rules)):
        times = [d.event.timestamp for d in told(decided)]
        assert times == sorted(times)
        assert all(
            t >= (ledger[d.event.atom].last_timestamp_ms or 0) for d in decided for t in times
        )


@given(batches, ledgers, all_rules)
def test_progress_never_moves_back(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    for atom, decided in zip(ATOMS, by_atom(decide(events, ledger, rules)), strict=True):
        times = [ledger[atom].last_timestamp_ms, *(d.progress.last_timestamp_ms for d in decided)]
        known = [0 if time is None else time for time in times]
        assert known == sorted(known)
        assert all(d.fence == ledger[atom].fence for d in decided)


@given(batches, ledgers, all_rules)
def test_a_threads_root_is_stable(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    for atom, decided in zip(ATOMS, by_atom(decide(events, ledger, rules)), strict=True):
        roots = [ledger[atom].thread_event_id, *(d.progress.thread_event_id for d in decided)]
        known = [root for root in roots if root is not None]
        assert len(set(known)) <= 1
        assert roots[len(roots) - len(known) :] == known, "a root, once there, stays"
        assert all(d.thread_event_id == known[0] for d in told(decided))


@given(batches, ledgers, all_rules)
def test_a_replay_is_all_duplicates_and_changes_nothing(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    ended = {e.id: e.atom for e in events}
    replayed = [e for e in events if ended[e.id] == e.atom]
    again = decide(replayed, ledger, rules, ended)
    assert all(d.ending is not None and d.ending.kind is Kind.DUPLICATE for d in again)
    assert all(d.progress == Progress.of(ledger[d.event.atom]) for d in again)


@given(batches, ledgers, all_rules)
def test_where_a_batch_is_cut_makes_no_difference(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    """What the worker hands on between batches is all that the next decision needs."""
    progress: dict[str, Progress] = {}
    on_their_way: dict[str, frozenset[str]] = {}
    one_by_one: list[Locked] = []
    for each in events:
        (decision,) = lock([each], claims(*ledger.values()), progress, on_their_way, rules, NOW_MS)
        assert isinstance(decision, Locked)
        progress[each.atom] = decision.progress
        on_their_way[each.atom] = on_their_way.get(each.atom, frozenset()) | {each.id}
        one_by_one.append(decision)
    assert decide(events, ledger, rules) == one_by_one


@given(batches, ledgers)
def test_a_repeated_state_is_never_told_twice(events: list[AlarmEvent], ledger: Ledger) -> None:
    rules = LockRules(repeating_sources=frozenset({"alertmanager", "ele"}))
    for atom, decided in zip(ATOMS, by_atom(decide(events, ledger, rules)), strict=True):
        states = [ledger[atom].last_state, *(d.event.state for d in told(decided))]
        assert all(before is not after for before, after in pairwise(states))


@given(batches, ledgers, all_rules)
def test_a_held_atom_changes_nothing_for_the_others(
    events: list[AlarmEvent], ledger: Ledger, rules: LockRules
) -> None:
    held, free = ATOMS
    other = Held(atom=held, owner="other", lease_until=1.0)
    decided = lock(events, claims(ledger[free], held=[other]), {}, {}, rules, NOW_MS)
    everything = decide(events, ledger, rules)
    back = [d.event for d in decided if isinstance(d, HeldBack)]
    assert back == [e for e in events if e.atom == held]
    locked = [d for d in decided if isinstance(d, Locked)]
    assert locked == [d for d in everything if d.event.atom == free]
