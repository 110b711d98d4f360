"""A share of the alarms that is the same everywhere and each time."""

import pytest

from consumer.experiments.sampling import Sample, parse_sample

ATOMS = [f"t{n % 7}:e{n}:a:c" for n in range(10_000)]


def test_about_the_share_is_taken() -> None:
    assert 400 < sum(map(Sample(5.0).takes, ATOMS)) < 600


def test_a_larger_share_keeps_what_a_smaller_one_took() -> None:
    small, large = Sample(2.0), Sample(7.5)
    assert all(large.takes(atom) for atom in ATOMS if small.takes(atom))


def test_the_choice_is_the_same_in_every_version() -> None:
    assert [n for n, atom in enumerate(ATOMS[:60]) if Sample(5.0).takes(atom)] == [20, 39, 41, 43]


@pytest.mark.parametrize(("text", "percent"), [("5%", 5.0), ("0.1", 0.1), ("100 %", 100.0)])
def test_shares_as_people_write_them(text: str, percent: float) -> None:
    assert parse_sample(text) == Sample(percent)


@pytest.mark.parametrize("text", ["", "0%", "101", "-1", "half", "1e1", "5%%", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no share: write"):
        parse_sample(text)
