"""Rules that hold for events of every format."""

from typing import Any

import pytest

from consumer.domain.alarm import Metric, Observation
from consumer.domain.errors import InvalidMessage
from consumer.formats.checks import (
    EARLIEST_MS,
    LATEST_MS,
    MAX_DEPTH,
    check_depth,
    checked,
)
from tests.support.factories import make_event


def nested(levels: int) -> Any:
    """An object inside an object, `levels` of them."""
    value: Any = 1
    for _ in range(levels):
        value = {"in": value}
    return value


def test_a_sound_event_is_given_back_as_it_is() -> None:
    event = make_event()
    assert checked(event) is event


def test_a_long_status_is_cut() -> None:
    assert checked(make_event(status="x" * 1025)).status == "x" * 1024


@pytest.mark.parametrize("time", [0, EARLIEST_MS - 1, LATEST_MS + 1, 10**30])
def test_an_implausible_time_is_cleared_where_it_only_informs(time: int) -> None:
    seen = [Observation(timestamp=time, state="OK"), Observation(timestamp=EARLIEST_MS)]
    event = checked(make_event(produced_at=time, observations=seen))
    assert event.produced_at is None
    assert event.observations == [Observation(state="OK"), Observation(timestamp=EARLIEST_MS)]
    with pytest.raises(InvalidMessage, match="timestamp"):
        checked(make_event(timestamp=time))


def test_ids_may_hold_colons() -> None:
    """Host with port has one, names of cloud resources have many; the atom stays clear."""
    one = checked(make_event(tenant_id="a:b", entity_id="c"))
    other = checked(make_event(tenant_id="a", entity_id="b:c"))
    assert one.atom != other.atom


def test_an_atom_that_no_index_takes_is_refused() -> None:
    """Four ids may each be long, but not all of them in three-byte characters."""
    checked(
        make_event(**dict.fromkeys(("tenant_id", "entity_id", "alarm_id", "check_id"), "a" * 255))
    )
    with pytest.raises(InvalidMessage, match="too long together"):
        checked(make_event(**dict.fromkeys(("tenant_id", "entity_id", "alarm_id"), "語" * 255)))


@pytest.mark.parametrize("field", ["entity", "check", "alarm"])
def test_snapshots_nest_so_deep_and_no_deeper(field: str) -> None:
    check_depth(make_event(**{field: nested(MAX_DEPTH - 1)}))
    with pytest.raises(InvalidMessage, match="nested"):
        check_depth(make_event(**{field: nested(MAX_DEPTH + 1)}))


def test_metrics_nest_no_deeper_either() -> None:
    with pytest.raises(InvalidMessage, match="nested"):
        check_depth(make_event(metrics={"code": Metric(data=[nested(MAX_DEPTH)])}))
