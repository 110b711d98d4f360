"""The atom's name, and the words an event may use."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.alarm import AlarmEvent, Observation, State
from tests.support.factories import make_event

IDS = ("tenant_id", "entity_id", "alarm_id", "check_id")
#: Colons and percent signs are what could make two atoms one.
ids = st.tuples(*(st.text(":%3Aa", min_size=1, max_size=6) for _ in IDS))


def atom(*four: str) -> str:
    return make_event(**dict(zip(IDS, four, strict=True))).atom


class TestAtom:
    def test_it_is_tenant_entity_alarm_check(self) -> None:
        assert make_event().atom == "487000:enW3bSrv01:alBodyM4tc:chHttpW3b1"

    def test_nothing_else_of_an_event_is_in_it(self) -> None:
        other = make_event(id="x", state=State.OK, timestamp=1, source="s", account_id=None)
        assert other.atom == make_event().atom

    @pytest.mark.parametrize(
        ("four", "name"),
        [
            (("1", "web-1:9100", "cpu", "c"), "1:web-1%3A9100:cpu:c"),
            (("1", "100%", "cpu", "c"), "1:100%25:cpu:c"),
            (("1", "a%3Ab", "cpu", "c"), "1:a%253Ab:cpu:c"),
            (("é", "ü", "ß", "日"), "é:ü:ß:日"),
        ],
    )
    def test_a_colon_inside_an_id_is_written_otherwise(
        self, four: tuple[str, ...], name: str
    ) -> None:
        assert atom(*four) == name

    @given(ids, ids)
    def test_two_alarms_never_share_a_name(
        self, one: tuple[str, ...], other: tuple[str, ...]
    ) -> None:
        assert (atom(*one) == atom(*other)) is (one == other)

    @given(ids)
    def test_a_name_has_four_parts(self, four: tuple[str, ...]) -> None:
        assert atom(*four).count(":") == 3


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        make_event().state = State.OK  # type: ignore[misc]  # that is the point


def test_an_event_needs_no_more_than_its_identity() -> None:
    """What a producer may leave out is neutral: sent, no test, no replay."""
    event = AlarmEvent(
        id="e1",
        source="ele",
        tenant_id="1",
        entity_id="e",
        check_id="c",
        alarm_id="a",
        state=State.OK,
        timestamp=1,
    )
    assert event.schema == "alarm-state-event/1"
    assert event.previous_state is None
    assert event.actions_enabled
    assert not event.test
    assert not event.replay


def test_the_collectors_state_keeps_the_name_it_has_on_the_wire() -> None:
    observation = msgspec.json.decode(b'{"collectorState": "UP"}', type=Observation)
    assert observation.collector_state == "UP"
