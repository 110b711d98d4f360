"""What an event counts as that is said again with the id and the time it had: row by row."""

import msgspec
import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.lasting import again_id, ids_of, lasting, said_at, told_again, written
from consumer.domain.ledger import AtomState
from consumer.domain.reasons import Kind
from consumer.pipeline.lock import Locked, LockRules, lock
from consumer.pipeline.standing import Meaning, meaning
from tests.unit.pipeline.locking import (
    ATOM,
    LAST,
    NEW,
    NOW_MS,
    RULES,
    WAS_CRITICAL,
    WAS_OK,
    claims,
    event,
)

OK, CRITICAL = State.OK, State.CRITICAL
#: The first firing began, and was told, long before the alarm was last heard of.
BEGAN = -60_000


def said(state: State, later: int, began: int = BEGAN, **changes: object) -> AlarmEvent:
    """An event of a source that repeats, said so much later than the alarm's last one."""
    values = {"source": "alertmanager", "attributes": lasting(), "produced_at": LAST + later}
    return event(state, began, **(values | changes))


def again(of: AlarmEvent) -> str:
    id_ = again_id(of)
    assert id_ is not None
    return id_


FIRING = said(CRITICAL, 5)
REFIRED = msgspec.structs.replace(WAS_CRITICAL, last_event_id=again(FIRING))
OVER = msgspec.structs.replace(WAS_OK, last_timestamp_ms=LAST + 100)

#: How the alarm stands, the event, what is known, what is begun; and then: whether it is told once
#: more, whether it was seen before, whether it confirms.
TABLE = [
    ("it fires again", WAS_OK, FIRING, {"new"}, (), (True, False, False)),
    ("again, its first firing pruned", WAS_OK, FIRING, (), (), (True, False, False)),
    ("it is over again", WAS_CRITICAL, said(OK, 5), {"new"}, (), (True, False, False)),
    ("an old record", WAS_OK, said(CRITICAL, -5), {"new"}, (), (False, True, False)),
    ("an old record, pruned", WAS_OK, said(CRITICAL, -5), (), (), (False, False, False)),
    ("one of the same moment", WAS_OK, said(CRITICAL, 0), {"new"}, (), (False, True, False)),
    ("the other one of one moment", WAS_OK, said(CRITICAL, 0), (), (), (True, False, False)),
    ("while it lasts", WAS_CRITICAL, FIRING, {"new"}, (), (False, True, True)),
    ("while it lasts, pruned", WAS_CRITICAL, FIRING, (), (), (False, True, True)),
    ("its record again, ended", OVER, FIRING, {"new", again(FIRING)}, (), (True, True, False)),
    ("its record again, not ended", WAS_OK, FIRING, {"new"}, {again(FIRING)}, (True, False, False)),
    ("its record again, overtaken", OVER, FIRING, {"new"}, {again(FIRING)}, (True, False, False)),
    ("its record again, it being last", REFIRED, FIRING, {again(FIRING)}, (), (True, True, False)),
    ("its record again, opened", REFIRED, FIRING, {"new"}, (), (True, False, False)),
    ("the last one, opened", WAS_CRITICAL, said(CRITICAL, 5, id="last"), (), (), (False,) * 3),
    ("a first event", NEW, FIRING, (), (), (False, False, False)),
    ("new by id and time", WAS_OK, said(CRITICAL, 5, 3), (), (), (False, False, False)),
]


@pytest.mark.parametrize(
    ("now", "given_event", "known", "begun", "expected"),
    [pytest.param(*row, id=name) for name, *row in TABLE],
)
def test_meanings(
    now: AtomState,
    given_event: AlarmEvent,
    known: set[str],
    begun: set[str],
    expected: tuple[bool, bool, bool],
) -> None:
    found = meaning(given_event, now, known, begun)
    is_told_again = found.event != given_event
    assert (is_told_again, found.is_known, found.confirms) == expected
    assert found.event == (told_again(given_event) if is_told_again else given_event)


def test_nobody_knows_when_it_was_said_so_it_is_what_its_id_says() -> None:
    silent = said(CRITICAL, 5, produced_at=None)
    assert meaning(silent, WAS_OK, {"new"}, ()) == Meaning(silent, True, silent.timestamp)


def test_what_is_told_once_more_happened_when_it_was_said() -> None:
    new = told_again(FIRING)
    assert (new.timestamp, new.event_id, new.state) == (LAST + 5, "new", CRITICAL)
    assert new.id == again(FIRING) != again(said(CRITICAL, 6))
    assert said_at(new) is None, "it is an event like others from here on"
    assert told_again(new) == new
    assert ids_of(new) == (new.id,)


def test_a_record_lends_its_time_only_where_that_is_needed() -> None:
    silent = said(CRITICAL, 5, produced_at=None)
    assert said_at(written(silent, 7)) == 7
    assert said_at(written(silent, 0)) is None, "the record has none"
    assert written(FIRING, 7) == FIRING
    other = event(CRITICAL)
    assert written(other, 7) == other


def decide(given: AlarmEvent, now: AtomState, rules: LockRules = RULES) -> Locked:
    (locked,) = lock([given], claims(now, ended=["new"]), {}, {}, rules, NOW_MS)
    assert isinstance(locked, Locked)
    return locked


class TestInTheLock:
    def test_a_refire_is_told_and_the_alarm_stands_by_it(self) -> None:
        locked = decide(FIRING, WAS_OK)
        assert (locked.ending, locked.gap, locked.previous_state) == (None, False, OK)
        assert locked.progress.last_event_id == locked.event.id == again(FIRING)
        assert locked.progress.last_timestamp_ms == locked.timestamp_ms == LAST + 5

    def test_a_repeat_says_only_how_long_the_alarm_stands(self) -> None:
        """Else an older record of another partition, read afterwards, would be believed."""
        locked = decide(FIRING, WAS_CRITICAL)
        assert locked.ending is not None
        assert locked.ending.kind is Kind.DUPLICATE
        assert locked.advances
        assert locked.progress == msgspec.structs.replace(
            decide(said(CRITICAL, -1), WAS_CRITICAL).progress, last_timestamp_ms=LAST + 5
        )

    @pytest.mark.parametrize(
        ("given", "rules"),
        [
            pytest.param(FIRING, LockRules(), id="its source tells changes only"),
            pytest.param(said(CRITICAL, 5, attributes={}), RULES, id="its id says what is new"),
            pytest.param(said(CRITICAL, 5, test=True), RULES, id="a test"),
            pytest.param(said(State.UNKNOWN, 5), RULES, id="nobody is told of its state"),
        ],
    )
    def test_all_other_events_are_what_their_ids_say(
        self, given: AlarmEvent, rules: LockRules
    ) -> None:
        locked = decide(given, WAS_OK, rules)
        assert locked.ending is not None
        assert (locked.event, locked.ending.kind) == (given, Kind.DUPLICATE)
        assert not locked.advances

    def test_what_a_person_asks_for_again_is_what_it_was(self) -> None:
        """It began before the alarm was last heard of, and still it is that which is last."""
        rules = msgspec.structs.replace(RULES, asked_again={"asked"})
        locked = decide(said(CRITICAL, 0, id="asked"), WAS_CRITICAL, rules)
        assert (locked.event.id, locked.ending) == ("asked", None)

    def test_of_a_copy_with_a_time_of_its_own_nobody_is_told(self) -> None:
        """Two topics with the same messages, the second written some milliseconds later."""
        batch = [
            FIRING,
            said(CRITICAL, 8),
            said(OK, 20, 15, id="over"),
            said(OK, 23, 15, id="over"),
        ]
        decided = lock(batch, claims(WAS_OK, ended=["new"]), {}, {}, RULES, NOW_MS)
        ends = [d.ending for d in decided if isinstance(d, Locked)]
        assert [end is None for end in ends] == [True, False, True, False]

    def test_an_opened_event_does_not_take_back_how_long_the_alarm_stands(self) -> None:
        opened = said(CRITICAL, -5, id="last")
        (locked,) = lock([opened], claims(WAS_CRITICAL), {}, {}, RULES, NOW_MS)
        assert isinstance(locked, Locked)
        assert (locked.ending, locked.progress.last_timestamp_ms) == (None, LAST)

    def test_ids_are_those_of_this_alarm(self) -> None:
        """Another alarm's event of the same id says nothing."""
        young = said(CRITICAL, 5, 3)
        (locked,) = lock(
            [young], claims(WAS_OK, ended={"new": "other"}), {}, {ATOM: frozenset()}, RULES, NOW_MS
        )
        assert isinstance(locked, Locked)
        assert (locked.ending, locked.event) == (None, young)
