"""Figures by route and transport, out of tracking records."""

from typing import Any

import pytest

from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)
from consumer.rollout.status import Figures, count

HOUR = 3_600_000


def step(
    kind: Kind, uid: str = "n1", *, by: str | None = "mailgun", **changes: Any
) -> TrackingEvent:
    values: dict[str, Any] = {
        "id": f"{uid}/{kind}",
        "kind": kind,
        "at": HOUR + 2_000,
        "event": TrackedEvent(id="e1", timestamp=HOUR),
        "outcome": Outcome(success=True, retryable=False, reason=Reason.QUEUED, message=""),
        "worker": "one",
        "notification": TrackedNotification(
            uid=uid, notification_id="nt", type="email", destination="a@example.com"
        ),
        "provider": None if by is None else TrackedProvider(name=by),
        "route": "new",
    }
    return TrackingEvent(**(values | changes))


def only(*steps: TrackingEvent) -> Figures:
    (figures,) = count(steps, HOUR, 2 * HOUR).values()
    return figures


def test_routes_and_transports_stand_side_by_side() -> None:
    found = count(
        [
            step(Kind.ACCEPTED, "n1"),
            step(Kind.ACCEPTED, "n2", by="smtp"),
            step(Kind.ACCEPTED, "n3", by="smtp", route="default"),
        ],
        HOUR,
        2 * HOUR,
    )
    assert list(found) == [("default", "smtp"), ("new", "mailgun"), ("new", "smtp")]


def test_an_old_record_names_no_route() -> None:
    assert list(count([step(Kind.ACCEPTED, route=None)], HOUR, 2 * HOUR)) == [("", "mailgun")]


def test_an_email_counts_once_however_often_it_was_tried() -> None:
    figures = only(
        step(Kind.DEFERRED, attempt=1),
        step(Kind.IN_DOUBT, attempt=2),
        step(Kind.ACCEPTED, attempt=3, possible_duplicate=True),
        step(Kind.ACCEPTED, attempt=3, possible_duplicate=True),
        step(Kind.FAILED, "n2"),
    )
    assert (figures.emails, figures.accepted, figures.failed) == (2, 1, 1)
    assert (figures.tried_in_vain, figures.possible_duplicate) == (1, 1)
    assert figures.rates["accepted"] == 0.5


def test_why_emails_had_trouble_is_counted_by_emails() -> None:
    refused, silent = (
        Outcome(success=False, retryable=True, reason=reason, message="")
        for reason in (Reason.CONFIGURATION, Reason.UNREACHABLE)
    )
    figures = only(
        step(Kind.DEFERRED, outcome=silent),
        step(Kind.DEFERRED, outcome=silent),
        step(Kind.DEFERRED, "n2", outcome=refused),
        step(Kind.FAILED, "n3", outcome=refused),
        step(Kind.ACCEPTED, "n4"),
    )
    assert list(figures.reasons.items()) == [("configuration", 2), ("unreachable", 1)]


def test_reports_count_beside_what_was_accepted() -> None:
    figures = only(
        step(Kind.ACCEPTED, "n1"),
        step(Kind.ACCEPTED, "n2"),
        step(Kind.DELIVERED, "n1"),
        step(Kind.BOUNCED_PERMANENT, "n2"),
        step(Kind.OPENED, "n1"),
    )
    assert (figures.emails, figures.delivered, figures.bounced) == (2, 1, 1)
    assert figures.rates["delivered"] == 0.5


def test_that_the_provider_tries_on_says_nothing() -> None:
    reported = Outcome(success=False, retryable=True, reason=Reason.REPORTED, message="")
    assert not count([step(Kind.DEFERRED, outcome=reported)], HOUR, 2 * HOUR)


def test_who_was_never_asked_does_not_count() -> None:
    assert not count([step(Kind.SUPERSEDED, by=None)], HOUR, 2 * HOUR)


def test_only_the_time_asked_for_counts() -> None:
    steps = [step(Kind.ACCEPTED, at=HOUR - 1), step(Kind.ACCEPTED, at=2 * HOUR)]
    assert not count(steps, HOUR, 2 * HOUR)


def test_latency_is_from_the_event_or_its_redrive_to_the_acceptance() -> None:
    steps = [
        step(Kind.ACCEPTED, f"n{number}", at=HOUR + 1_000 * number) for number in range(1, 101)
    ]
    assert (only(*steps).p50, only(*steps).p95) == (50.0, 95.0)
    late = step(Kind.ACCEPTED, at=HOUR + 60_000, redriven_at=HOUR + 59_000)
    assert only(late).p50 == 1.0


def test_clocks_that_differ_make_no_negative_latency() -> None:
    ahead = step(Kind.ACCEPTED, event=TrackedEvent(id="e1", timestamp=HOUR * 9))
    assert only(ahead).p50 == pytest.approx(0.0)
