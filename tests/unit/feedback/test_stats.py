"""Emails counted by what befell them."""

from typing import Any

from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import Outcome, TrackedEvent, TrackedNotification, TrackingEvent
from consumer.feedback.stats import Figures, count


def step(kind: Kind, uid: str = "n1", at: int = 100, **changes: Any) -> TrackingEvent:
    values: dict[str, Any] = {
        "id": f"{uid}/{kind}/{at}",
        "kind": kind,
        "at": at,
        "event": TrackedEvent(id="e1", tenant_id="487000"),
        "outcome": Outcome(success=True, retryable=False, reason=Reason.QUEUED, message=""),
        "worker": "w",
        "notification": TrackedNotification(
            uid=uid, notification_id="nt", type="email", destination="oncall@example.com"
        ),
        "tags": ("critical", "remote.http") if kind is Kind.ACCEPTED else (),
    }
    return TrackingEvent(**(values | changes))


def test_an_email_counts_once_for_each_thing_that_befell_it() -> None:
    found = count(
        [
            step(Kind.ACCEPTED),
            step(Kind.ACCEPTED, at=101),
            step(Kind.DELIVERED),
            step(Kind.COMPLAINED),
            step(Kind.ACCEPTED, "n2"),
            step(Kind.DEFERRED, "n2"),
            step(Kind.BOUNCED_TEMPORARY, "n2"),
            step(Kind.ACCEPTED, "n3"),
            step(Kind.REJECTED, "n3"),
            step(Kind.UNCHANGED, notification=None),
        ],
        0,
        1_000,
    )
    figures = Figures(accepted=3, delivered=1, bounced=2, complained=1)
    assert found.total == figures
    assert found.accounts == {"487000": figures}
    assert found.tags == {"critical": figures, "remote.http": figures}
    assert figures.rates == {"delivered": 1 / 3, "bounced": 2 / 3, "complained": 1.0}


def test_only_what_befell_it_between_the_moments_counts_and_its_tags_are_known_all_the_same() -> (
    None
):
    """A report may be read before the acceptance: it is on the topic in the order of writing."""
    records = [
        step(Kind.BOUNCED_PERMANENT, at=200),
        step(Kind.ACCEPTED, at=50),
        step(Kind.DELIVERED, "n2", at=199),
        step(Kind.DELIVERED, "n3", at=300),
    ]
    found = count(records, 200, 300)
    assert found.total == Figures(bounced=1)
    assert found.tags["critical"] == Figures(bounced=1)
    assert found.total.rates == {"delivered": None, "bounced": None, "complained": None}
