"""Gates: what one process was told by a provider, all processes know."""

from collections.abc import Callable

import pytest

from consumer.adapters.ledger import SqlLedger
from tests.support.kafka import until

FAR_AHEAD = 4e9


def test_a_closed_gate_is_seen_by_all_and_opens_by_itself(
    open_another: Callable[[], SqlLedger],
) -> None:
    """By the database's clock: what the machines' clocks say does not matter."""
    one, other = open_another(), open_another()
    one.close_gate("mailgun:alerts.example.com", 0.5)
    (left,) = other.gates().values()
    assert 0 < left <= 0.5
    until(lambda: other.gates() == {}, "it opens", 5.0)


def test_of_two_ends_the_later_one_stands(open_another: Callable[[], SqlLedger]) -> None:
    ledger = open_another()
    for seconds in (900.0, 5.0):
        ledger.close_gate("mailgun:alerts.example.com", seconds)
    assert ledger.gates()["mailgun:alerts.example.com"] == pytest.approx(900.0, abs=60.0)


def test_a_gate_long_open_is_pruned(open_another: Callable[[], SqlLedger]) -> None:
    ledger = open_another()
    ledger.close_gate("mailgun:alerts.example.com", 0.0)
    assert ledger.prune(FAR_AHEAD, 10) == 1
