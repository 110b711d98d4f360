"""Gates: what one process was told by a provider, all processes know."""

from collections.abc import Callable

from consumer.adapters.ledger import SqlLedger
from tests.contract.ledger.values import LATER, NOW


def test_a_closed_gate_is_seen_by_all_and_opens_by_itself(
    open_another: Callable[[], SqlLedger],
) -> None:
    one, other = open_another(), open_another()
    one.close_gate("mailgun:alerts.example.com", NOW + 5)
    assert other.gates(NOW) == {"mailgun:alerts.example.com": NOW + 5}
    assert other.gates(NOW + 5) == {}


def test_of_two_ends_the_later_one_stands(open_another: Callable[[], SqlLedger]) -> None:
    ledger = open_another()
    for end in (NOW + 9, NOW + 5):
        ledger.close_gate("mailgun:alerts.example.com", end)
    assert ledger.gates(NOW) == {"mailgun:alerts.example.com": NOW + 9}


def test_a_gate_long_open_is_pruned(open_another: Callable[[], SqlLedger]) -> None:
    ledger = open_another()
    ledger.close_gate("mailgun:alerts.example.com", NOW)
    assert ledger.prune(LATER, 10) == 1
