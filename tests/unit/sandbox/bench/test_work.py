"""What bounded a run, from the shares of processor time."""

import pytest

from consumer.sandbox.bench.work import bound_of


@pytest.mark.parametrize(
    ("shares", "bound"),
    [
        ({"worker": 97.0, "fake": 40.0, "others": 10.0}, "bound by worker, which has all"),
        ({"worker": 60.0, "fake": 50.0, "others": 85.0}, "bound by the machine"),
        ({"worker": 20.0, "fake": 10.0, "others": 5.0}, "bound by waiting"),
        ({}, "too short"),
    ],
)
def test_the_bound_is_named(shares: dict[str, float], bound: str) -> None:
    assert bound_of(shares, cores=2).startswith(bound)
