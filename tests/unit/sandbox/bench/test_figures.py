"""Figures and ratios of the benchmarks."""

import pytest

from consumer.sandbox.bench.figures import Ratio, divided, less, quantile


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (0.991, 100.0), (1.0, 100.0)]
)
def test_quantile_is_a_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert quantile([float(n) for n in range(100, 0, -1)], share) == value


def test_quantile_of_nothing_is_nothing() -> None:
    assert quantile([], 0.99) is None


def test_what_was_not_measured_has_neither_ratio_nor_difference() -> None:
    assert (divided(6, 3), divided(None, 3), divided(6, None), divided(6, 0)) == (
        2,
        None,
        None,
        None,
    )
    assert (less(6, 3), less(None, 3), less(6, None)) == (3, None, None)


@pytest.mark.parametrize(
    ("ratio", "reached"),
    [
        (Ratio("", 10.0, 10.0), True),
        (Ratio("", 9.9, 10.0), False),
        (Ratio("", 15.0, 15.0, at_most=True), True),
        (Ratio("", 15.1, 15.0, at_most=True), False),
        (Ratio("", 15.1), None),
        (Ratio("", None, 15.0), None),
    ],
)
def test_a_target_is_reached_missed_or_not_there(ratio: Ratio, reached: bool | None) -> None:
    assert ratio.reached is reached
