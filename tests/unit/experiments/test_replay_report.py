"""What a replay counts, and what of it somebody has to look at."""

import pytest

from consumer.domain.reasons import Kind, Reason
from consumer.experiments.replay_report import Report


@pytest.mark.parametrize(
    ("kind", "reason", "failed"),
    [
        (Kind.FAILED, Reason.INVALID_ADDRESS, 1),
        (Kind.IN_DOUBT, Reason.HELD, 1),
        (Kind.FAILED, Reason.UNSUPPORTED_TYPE, 0),
        (Kind.STALE, Reason.OLDER_THAN_LAST, 0),
    ],
)
def test_what_another_program_tells_is_nothing_to_look_at(
    kind: Kind, reason: Reason, failed: int
) -> None:
    """It has no dead letter: who is sent to look for it would find nothing."""
    report = Report()
    report.ended("uid", kind, reason)
    totals = report.totals
    assert totals.not_sent == {f"{kind} ({reason})": 1}
    assert (totals.failed, totals.sent) == (failed, 0)


def test_an_email_that_is_tried_again_counts_once_as_it_ended() -> None:
    report = Report()
    report.ended("uid", Kind.FAILED, Reason.INVALID_ADDRESS)
    report.ended("uid", Kind.ACCEPTED, Reason.FOUND)
    totals = report.totals
    assert (totals.sent, totals.found, totals.failed, totals.not_sent) == (1, 1, 0, {})
