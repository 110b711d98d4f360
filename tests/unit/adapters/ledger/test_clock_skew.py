"""When a process is told that its clock and the database's disagree."""

import pytest

from consumer.adapters.ledger.clock_skew import ClockSkew, seconds_ahead


@pytest.mark.parametrize(
    ("before", "after", "shared", "ahead"),
    [
        (100.0, 100.1, 100.05, 0.0),
        (100.0, 104.0, 103.0, 0.0),  # the database was busy, and the clocks agree
        (100.0, 104.0, 99.0, 1.0),
        (100.0, 104.0, 106.0, -2.0),
    ],
)
def test_only_what_waiting_cannot_explain_is_a_disagreement(
    before: float, after: float, shared: float, ahead: float
) -> None:
    assert seconds_ahead(before, after, shared) == ahead


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ([0.0, 0.9, -0.9], []),
        ([5.0, 5.5, 4.5, 5.0], [5.0]),
        ([5.0, 7.0], [5.0, 7.0]),
        ([5.0, 0.5, 0.0], [5.0, 0.0]),
        ([-5.0, 5.0], [-5.0, 5.0]),
        ([1.5, 0.9, 1.5], [1.5, 0.0, 1.5]),
    ],
)
def test_each_change_is_told_once(measured: list[float], told: list[float]) -> None:
    heard: list[float] = []
    skew = ClockSkew(heard.append)
    for ahead in measured:
        skew.measured(ahead)
    assert heard == told
