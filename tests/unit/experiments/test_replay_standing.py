"""What the ledger says of an event decides whether it is missing."""

import pytest

from consumer.domain.ledger import DeliveryRow, DeliveryState, EventRow
from consumer.domain.reasons import Kind
from consumer.experiments.replay_standing import Verdict, Why, missing, resendable
from tests.unit.experiments.replay_rig import CRITICAL

S = DeliveryState
OPENS = Verdict(opens=True, again=True)


def ended(outcome: str) -> EventRow:
    return EventRow(
        id="e", atom="a", outcome=outcome, timestamp_ms=1, state=CRITICAL, closed_at=1.0
    )


def row(state: DeliveryState) -> DeliveryRow:
    return DeliveryRow(
        uid=state,
        event_id="e",
        atom="a",
        target_id="t",
        type="email",
        destination="a@example.com",
        message_id="m",
        transport="mailgun",
        state=state,
        attempt=1,
        owner="o",
        fence=1,
    )


@pytest.mark.parametrize(
    ("outcome", "states", "verdict"),
    [
        (None, [], Verdict()),
        (None, [S.DEFERRED], Verdict(again=True)),
        (None, [S.SENDING], Verdict(again=True)),
        (Kind.ACCEPTED, [S.ACCEPTED], Verdict(Why.ALREADY_SENT)),
        (Kind.ACCEPTED, [], Verdict(Why.ALREADY_SENT)),
        (Kind.ACCEPTED, [S.ACCEPTED, S.FAILED], OPENS),
        (Kind.ACCEPTED, [S.ACCEPTED, S.EXPIRED], OPENS),
        (Kind.ACCEPTED, [S.ACCEPTED, S.IN_DOUBT], OPENS),
        (Kind.ACCEPTED, [S.ACCEPTED, S.SUPERSEDED], Verdict(Why.ALREADY_SENT)),
        (Kind.EXPIRED, [], OPENS),
        (Kind.EXPIRED, [S.EXPIRED], OPENS),
        (Kind.FAILED, [S.FAILED], OPENS),
        (Kind.FAILED, [], OPENS),
        (Kind.IN_DOUBT, [S.IN_DOUBT], OPENS),
        (Kind.SUPERSEDED, [S.SUPERSEDED], Verdict(Why.SUPERSEDED)),
        (Kind.SUPPRESSED, [], Verdict(Why.SUPPRESSED)),
        (Kind.STALE, [], Verdict(Why.DECIDED)),
        (Kind.DISABLED, [], Verdict(Why.DECIDED)),
        (Kind.NO_RECIPIENTS, [], Verdict(Why.DECIDED)),
        ("of_a_later_version", [], Verdict(Why.DECIDED)),
    ],
)
def test_missing_is_what_never_reached_acceptance(
    outcome: str | None, states: list[DeliveryState], verdict: Verdict
) -> None:
    end = None if outcome is None else ended(outcome)
    assert missing(end, [row(state) for state in states], is_remembered=True) == verdict


def test_what_the_ledger_may_have_forgotten_is_not_missing() -> None:
    """A row that is there speaks for itself, however old it is."""
    assert missing(None, [], is_remembered=False) == Verdict(Why.FORGOTTEN)
    assert missing(None, [row(S.DEFERRED)], is_remembered=False) == Verdict(again=True)
    assert missing(ended(Kind.EXPIRED), [], is_remembered=False) == OPENS


def test_suppressed_is_missing_only_when_asked_for() -> None:
    assert missing(ended(Kind.SUPPRESSED), [], is_remembered=True, suppressed=True) == OPENS


def test_overtaken_is_missing_only_when_asked_for() -> None:
    """An earlier replay may have left it out, and said how to send it."""
    assert missing(ended(Kind.STALE), [], is_remembered=True, overtaken=True) == OPENS
    superseded = [row(S.SUPERSEDED)]
    final = missing(ended(Kind.SUPERSEDED), superseded, is_remembered=True, overtaken=True)
    assert final == Verdict(Why.SUPERSEDED)


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.EXPIRED, Kind.SUPERSEDED, Kind.SUPPRESSED])
def test_a_resend_takes_what_was_told_or_was_to_be(kind: Kind) -> None:
    assert resendable(ended(kind)).why is None
    assert resendable(None).why is None


@pytest.mark.parametrize("kind", [Kind.STALE, Kind.DUPLICATE, Kind.UNCHANGED, Kind.DISABLED])
def test_a_resend_takes_nothing_that_nobody_was_to_hear_of(kind: Kind) -> None:
    assert resendable(ended(kind)).why is Why.DECIDED
