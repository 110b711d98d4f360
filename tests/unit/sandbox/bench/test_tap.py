"""What the runs without and with a tap come to."""

from pathlib import Path
from typing import Any

import pytest

from consumer.sandbox.bench.acceptances import Acceptance
from consumer.sandbox.bench.tap import Tapped, TapPlan, report
from consumer.sandbox.bench.work import Outcome

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


def _outcome(per_second: float, cpu_ms: float) -> Outcome:
    accepted = [Acceptance(0.0, "e0", "m0"), Acceptance(1 / per_second, "e1", "m1")]
    values: dict[str, Any] = {"events": 2, "accepted": accepted, "calls": 2, "cpu_before": 1.0}
    return Outcome(
        **values,
        cpu_after=cpu_ms / 1000,
        emails_after=1,
        peak_bytes=2**20,
        shares={},
        worker=None,  # type: ignore[arg-type] # nobody looks at it
    )


def _tapped(per_second: float, cpu_ms: float) -> Tapped:
    return Tapped(outcome=_outcome(per_second, cpu_ms), events=2, cpu_seconds=0.001)


def test_the_means_of_both_ways_are_compared() -> None:
    told = report(
        "a broker",
        TapPlan(),
        [_outcome(1_000.0, 1.0), _outcome(3_000.0, 1.0)],
        [_tapped(1_900.0, 1.2), _tapped(1_900.0, 1.0)],
    )
    speed, work = told.ratios
    assert speed.value == pytest.approx(0.95, abs=0.001)
    assert work.value == pytest.approx(1.1)
    assert (work.at_most, work.reached) == (True, False)
    assert [section.title for section in told.sections] == ["without a tap"] * 2 + [
        "with a tap"
    ] * 2
    figures = {figure.name: figure.value for figure in told.sections[-1].figures}
    assert figures["tap's processor time"] == 0.5
