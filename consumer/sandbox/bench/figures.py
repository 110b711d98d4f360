"""What a benchmark hands out: figures with their units, and ratios with their targets. Pure."""

import math
from collections.abc import Sequence

import msgspec

Number = float | int


class Figure(msgspec.Struct, frozen=True):
    """One measured value; None: too little happened to measure it."""

    name: str
    value: Number | str | None
    unit: str = ""


class Section(msgspec.Struct, frozen=True):
    """Figures of one measurement."""

    title: str
    figures: Sequence[Figure]


class Ratio(msgspec.Struct, frozen=True):
    """A figure against its limit, both of the same run."""

    name: str
    value: float | None
    #: What it should reach, or with `at_most` not exceed.
    target: float | None = None
    at_most: bool = False
    unit: str = "×"

    @property
    def reached(self) -> bool | None:
        """None: nothing was measured, or nothing is asked for."""
        if self.value is None or self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one benchmark."""

    benchmark: str
    broker: str
    machine: Sequence[Figure]
    sections: Sequence[Section]
    ratios: Sequence[Ratio]
    #: What a reader has to know to read the figures right.
    notes: Sequence[str] = ()


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest of the values that `share` (0 to 1) of them do not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def divided(value: Number | None, limit: Number | None) -> float | None:
    """None where either was not measured."""
    if value is None or not limit:
        return None
    return value / limit


def less(value: Number | None, limit: Number | None) -> float | None:
    """The difference; None where either was not measured."""
    return None if value is None or limit is None else value - limit
