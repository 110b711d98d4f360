"""The atom's own last event, opened again: redriven, so that it is a new attempt."""

from collections.abc import Mapping, Sequence

import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.ledger import AtomState
from consumer.domain.reasons import Kind
from consumer.pipeline.lock import Locked, Progress, lock
from tests.unit.pipeline.locking import (
    ATOM,
    NOW_MS,
    RULES,
    WAS_CRITICAL,
    WAS_OK,
    claims,
    event,
)

WARNING, CRITICAL = State.WARNING, State.CRITICAL
REPEATING = "alertmanager/eu"


def decide(
    events: Sequence[AlarmEvent],
    now: AtomState,
    *,
    ended: Sequence[str] = (),
    on_their_way: Mapping[str, frozenset[str]] | None = None,
) -> list[Locked]:
    decided = lock(events, claims(now, ended=ended), {}, on_their_way or {}, RULES, NOW_MS)
    return [decision for decision in decided if isinstance(decision, Locked)]


@pytest.mark.parametrize("source", ["ele", REPEATING])
def test_it_goes_on_as_if_it_had_never_been(source: str) -> None:
    (locked,) = decide([event(CRITICAL, 0, id="last", source=source)], WAS_CRITICAL)
    assert locked.ending is None
    assert (locked.gap, locked.previous_state, locked.advances) == (False, None, True)
    assert locked.progress == Progress.of(WAS_CRITICAL)
    assert locked.thread_event_id == "root"


def test_the_producers_word_on_the_state_before_still_counts() -> None:
    again = event(CRITICAL, 0, id="last", previous_state=WARNING)
    (locked,) = decide([again], WAS_CRITICAL)
    assert (locked.gap, locked.previous_state) == (False, WARNING)


def test_an_end_that_stands_or_a_twin_on_its_way_makes_it_a_duplicate() -> None:
    again = event(CRITICAL, 0, id="last")
    for decided in (
        decide([again], WAS_CRITICAL, ended=["last"]),
        decide([again], WAS_CRITICAL, on_their_way={ATOM: frozenset({"last"})}),
        decide([again, again], WAS_CRITICAL)[1:],
    ):
        assert decided[0].ending is not None
        assert decided[0].ending.kind is Kind.DUPLICATE


def test_once_the_alarm_has_moved_on_it_is_stale_like_any_other() -> None:
    (locked,) = decide([event(CRITICAL, -1, id="earlier")], WAS_OK)
    assert locked.ending is not None
    assert locked.ending.kind is Kind.STALE
