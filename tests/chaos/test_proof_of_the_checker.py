"""Messenger without one of its safeguards loses or doubles, and the checker says so.

The same scenario with nothing taken out breaks nothing: the safeguard made the difference.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.chaos.checker import Findings
from tests.chaos.scenario import Scenario
from tests.chaos.traffic import Item, traffic
from tests.support.kafka import Kafka, until

_EVENTS, _LAST = 30, 5


def _items() -> list[Item]:
    return traffic(_EVENTS, 0.0, seed=11, start_ms=int(time.time() * 1000))


@pytest.mark.parametrize(
    ("mutation", "doubles"),
    [
        ("none", lambda found: found.broken == [] and not found.doubled_marked),
        ("without-mark", lambda found: len(found.doubled_unmarked) >= 5),
        ("without-resolver", lambda found: len(found.doubled_visible) >= 5),
    ],
)
def test_crash_between_acceptance_and_answer(
    tmp_path: Path, kafka: Kafka, mutation: str, doubles: Callable[[Findings], bool]
) -> None:
    """What was accepted is known only to who marked it before and looks it up afterwards."""
    with Scenario(tmp_path, kafka, _items(), mutation=mutation) as scenario:
        scenario.fake.script({"kind": "hang", "when": "after", "count": None})
        scenario.feed(scenario.items)
        scenario.start("one")
        scenario.until_accepted(5)
        found = _killed_and_replaced(scenario)
        assert doubles(found), found
        assert found.lost == []


@pytest.mark.parametrize("mutation", ["none", "without-contiguous-commit"])
def test_crash_while_one_email_is_slow_and_all_later_ones_are_done(
    tmp_path: Path, kafka: Kafka, mutation: str
) -> None:
    """A commit that passes what is not done loses it."""
    with Scenario(tmp_path, kafka, _items(), mutation=mutation, partitions=1) as scenario:
        slow = scenario.items[0].recipients[0]
        scenario.fake.script({"kind": "hang", "when": "before", "count": None, "recipient": slow})
        scenario.feed(scenario.items[:-_LAST])
        scenario.start("one")
        if mutation == "none":
            scenario.until_accepted(_EVENTS // 2)
        else:
            until(lambda: _committed(scenario) >= _EVENTS - _LAST, "a commit past the slow one")
        found = _killed_and_replaced(scenario, scenario.items[-_LAST:])
        if mutation == "none":
            assert found.broken == []
        else:
            assert any(slow in email for email in found.lost), found
            assert found.untold


def _killed_and_replaced(scenario: Scenario, more: Sequence[Item] = ()) -> Findings:
    """`kill -9` and a sound provider; a new process deals with all that is left, and `more`."""
    scenario.kill("one")
    scenario.fake.forget_faults()
    if more:
        scenario.feed(more)
    scenario.start("two")
    scenario.until_done(_EVENTS)
    assert scenario.terminate("two") == 0
    return scenario.findings()


def _committed(scenario: Scenario) -> int:
    return sum(scenario.kafka.committed(scenario.group, scenario.events).values())
