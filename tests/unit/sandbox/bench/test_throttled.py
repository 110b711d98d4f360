"""How much of a limit was used: counted by windows, of which the last need not be full."""

from pathlib import Path

import pytest

from consumer.sandbox.bench.acceptances import Acceptance
from consumer.sandbox.bench.throttled import WAYS, Throttled, ThrottledPlan, used, windows

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")

PLAN = ThrottledPlan(events=25, windows=2, window_seconds=10.0)


def accepted(*times: float) -> list[Acceptance]:
    return [Acceptance(at, f"e{n}", f"m{n}") for n, at in enumerate(times)]


def test_a_window_begins_with_the_first_email_after_the_last_window() -> None:
    assert windows(accepted(5.0, 6.0, 14.9, 16.0, 17.0, 26.0), 10.0) == [5.0, 16.0, 26.0]


@pytest.mark.parametrize(
    ("times", "share"),
    [
        ([0.0, 1.0, 10.0], 1.0),
        ([0.0, 1.0, 20.0], 0.5),
        ([0.0, 10.0, 11.0, 20.0], 0.75),
        ([0.0, 1.0], None),
        ([], None),
    ],
)
def test_the_share_is_of_what_the_windows_before_the_last_one_allow(
    times: list[float], share: float | None
) -> None:
    assert used(accepted(*times), 2, 10.0) == (share and pytest.approx(share))


def test_lost_and_doubled_emails_are_counted_together() -> None:
    emails = accepted(*map(float, range(23)))
    run = Throttled(plan=PLAN, way=WAYS[0], accepted=[*emails, emails[0]], refused=3)
    assert run.astray == 3
    share, refused, astray = run.ratios()
    assert [share.target, refused.target, astray.target] == [0.9, 0.1, 0]
    assert refused.value == 3 / 24
    assert (refused.reached, astray.reached) == (False, False)


def test_nothing_at_all_is_no_error() -> None:
    run = Throttled(plan=PLAN, way=WAYS[0], accepted=[], refused=0)
    assert [ratio.value for ratio in run.ratios()] == [None, None, 25]
    assert len(run.figures()) == 4
