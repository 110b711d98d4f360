"""Events at a steady pace."""

import pytest

from consumer.sandbox.bench.appending import Record, event_id, paced
from consumer.sandbox.traffic import generate_atoms
from tests.support.clock import ManualClock


@pytest.mark.parametrize("takes", [0.0, 0.02])
def test_the_pace_does_not_depend_on_how_long_an_append_takes(takes: float) -> None:
    clock = ManualClock()

    def append(_: Record) -> float:
        at = clock.now()
        clock.advance(takes)
        return at

    times = paced(append, [(b"k", b"v")] * 5, 10.0, clock)
    assert [round(at - times[0], 6) for at in times] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_the_event_of_a_record_is_known_by_its_id() -> None:
    records = list(generate_atoms(3, 3, 1, 0))
    assert len({event_id(record) for record in records}) == 3
