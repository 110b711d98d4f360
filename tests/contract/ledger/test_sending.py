"""SENDING before the request, the result after the answer."""

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.ledger import DeliveryRow, DeliveryState
from tests.contract.ledger.values import LATER, NOW, mark, settlement, win


def row(ledger: SqlLedger, uid: str = "n1") -> DeliveryRow:
    (found,) = ledger.find_deliveries(uid=uid)
    return found


def test_mark_writes_the_whole_row(ledger: SqlLedger) -> None:
    win(ledger, "a")
    assert not ledger.mark_sending("a", [mark()], NOW + 0.25)
    assert row(ledger) == DeliveryRow(
        uid="n1",
        event_id="e1",
        atom=mark().atom,
        target_id="ntExAmPl02",
        type="email",
        destination="oncall@example.com",
        message_id="n1@alerts.example.com",
        transport="mailgun",
        state=DeliveryState.SENDING,
        attempt=1,
        owner="a",
        fence=1,
        created_at=NOW + 0.25,
        updated_at=NOW + 0.25,
    )


def test_mark_may_be_repeated(ledger: SqlLedger) -> None:
    win(ledger, "a")
    for _ in range(2):
        assert not ledger.mark_sending("a", [mark()], NOW)


def test_same_notification_twice_in_one_call_is_one_row(ledger: SqlLedger) -> None:
    win(ledger, "a")
    assert not ledger.mark_sending("a", [mark(), mark(attempt=2)], NOW)
    assert row(ledger).attempt == 2


def test_mark_is_refused_when_another_took_the_atom(ledger: SqlLedger) -> None:
    win(ledger, "a")
    win(ledger, "b", now=LATER)
    assert set(ledger.mark_sending("a", [mark()], LATER)) == {"n1"}
    assert not ledger.find_deliveries()


def test_mark_is_refused_with_an_older_fence_of_the_same_owner(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.release("a", ["487000:enW3bSrv01:alBodyM4tc:chHttpW3b1"])
    assert win(ledger, "a").fence == 2
    assert set(ledger.mark_sending("a", [mark()], NOW)) == {"n1"}


def test_mark_is_refused_for_an_atom_that_nobody_claimed(ledger: SqlLedger) -> None:
    assert set(ledger.mark_sending("a", [mark()], NOW)) == {"n1"}


def test_only_the_lost_ones_of_a_batch_are_refused(ledger: SqlLedger) -> None:
    win(ledger, "a")
    assert set(ledger.mark_sending("a", [mark(), mark(uid="n2", fence=7)], NOW)) == {"n2"}
    assert row(ledger).state is DeliveryState.SENDING


def test_sending_left_behind_by_another_is_in_doubt_and_refused(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    win(ledger, "b", now=LATER)
    assert set(ledger.mark_sending("b", [mark(fence=2, attempt=2)], LATER)) == {"n1"}
    assert row(ledger).owner == "a"


def test_same_fence_of_another_owner_is_in_doubt_too(ledger: SqlLedger) -> None:
    """Fences begin again when a forgotten atom comes back."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW + 10)
    ledger.release_all("a")
    assert ledger.prune(NOW + 5, 100) == 1
    assert win(ledger, "b").fence == 1
    assert set(ledger.mark_sending("b", [mark(attempt=2)], NOW + 10)) == {"n1"}


def test_doubt_that_is_resolved_may_be_sent_again(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    win(ledger, "b", now=LATER)
    not_found = settlement(fence=2, state=DeliveryState.DEFERRED)
    assert not ledger.settle("b", [not_found], LATER)
    assert not ledger.mark_sending("b", [mark(fence=2, attempt=2)], LATER)
    again = row(ledger)
    assert (again.owner, again.fence, again.attempt) == ("b", 2, 2)


def test_next_attempt_forgets_the_last_ones_result(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement(state=DeliveryState.DEFERRED, code=429)], NOW)
    assert row(ledger).code == 429
    assert not ledger.mark_sending("a", [mark(attempt=2, transport="smtp")], NOW + 1)
    sending = row(ledger)
    assert sending.state is DeliveryState.SENDING
    assert sending.transport == "smtp"
    assert (sending.provider_id, sending.reason, sending.message, sending.code) == (None,) * 4
    assert (sending.created_at, sending.updated_at) == (NOW, NOW + 1)


@pytest.mark.parametrize(
    "ended",
    [
        DeliveryState.ACCEPTED,
        DeliveryState.FAILED,
        DeliveryState.IN_DOUBT,
        DeliveryState.SUPERSEDED,
        DeliveryState.EXPIRED,
    ],
)
def test_mark_is_refused_when_the_notification_has_ended_or_is_in_doubt(
    ledger: SqlLedger, ended: DeliveryState
) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement(state=ended)], NOW)
    assert set(ledger.mark_sending("a", [mark(attempt=2)], NOW)) == {"n1"}
    assert row(ledger).state is ended


@pytest.mark.parametrize("state", [state for state in DeliveryState if state != "sending"])
def test_settle_writes_the_result(ledger: SqlLedger, state: DeliveryState) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    for _ in range(2):
        assert not ledger.settle("a", [settlement(state=state)], NOW + 1)
    settled = row(ledger)
    assert settled.state is state
    assert settled.provider_id == "<n1@alerts.example.com>"
    assert (settled.reason, settled.message, settled.code) == (
        "queued",
        "Queued. Thank you.",
        200,
    )
    assert settled.updated_at == (NOW if state == "in_doubt" else NOW + 1)


def test_result_is_written_although_the_fence_was_lost(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    win(ledger, "b", now=LATER)
    assert set(ledger.settle("a", [settlement()], LATER)) == {"n1"}
    assert row(ledger).state is DeliveryState.ACCEPTED


@pytest.mark.parametrize("weaker", [state for state in DeliveryState if state != "accepted"])
def test_accepted_is_never_weakened(ledger: SqlLedger, weaker: DeliveryState) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement()], NOW)
    before = row(ledger)
    ledger.settle("a", [settlement(state=weaker, message="no")], NOW + 1)
    assert row(ledger) == before


def test_accepted_is_not_weakened_within_one_call(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement(), settlement(state=DeliveryState.DEFERRED)], NOW)
    assert row(ledger).state is DeliveryState.ACCEPTED


def test_late_result_does_not_hide_a_newer_attempt_unless_accepted(ledger: SqlLedger) -> None:
    """A zombie's failure must not make the attempt in flight look ended."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    win(ledger, "b", now=LATER)
    ledger.settle("b", [settlement(fence=2, state=DeliveryState.DEFERRED)], LATER)
    ledger.mark_sending("b", [mark(fence=2, attempt=2)], LATER)

    assert set(ledger.settle("a", [settlement(state=DeliveryState.FAILED)], LATER)) == {"n1"}
    assert row(ledger).state is DeliveryState.SENDING
    assert set(ledger.settle("a", [settlement()], LATER)) == {"n1"}
    accepted = row(ledger)
    assert accepted.state is DeliveryState.ACCEPTED
    assert (accepted.owner, accepted.fence) == ("b", 2)


def test_result_of_a_notification_that_was_never_marked_is_no_row(ledger: SqlLedger) -> None:
    win(ledger, "a")
    assert not ledger.settle("a", [settlement()], NOW)
    assert not ledger.find_deliveries()


def test_providers_words_are_stored_whatever_they_hold(ledger: SqlLedger) -> None:
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement(message="“no”\0 \ud800 \\u0000 'x' %s :y")], NOW)
    assert row(ledger).message == "“no”\N{REPLACEMENT CHARACTER} ? \\u0000 'x' %s :y"


def test_nothing_to_mark_or_settle_is_fine(ledger: SqlLedger) -> None:
    assert not ledger.mark_sending("a", [], NOW)
    assert not ledger.settle("a", [], NOW)


def test_a_possible_duplicate_stays_one(ledger: SqlLedger) -> None:
    """Told once, by a resolver that found nothing, it is true of all later attempts."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    deferred = settlement(state=DeliveryState.DEFERRED, possible_duplicate=True)
    ledger.settle("a", [deferred], NOW)
    assert row(ledger).possible_duplicate
    ledger.mark_sending("a", [mark(attempt=2)], NOW)
    ledger.settle("a", [settlement()], NOW)
    assert (row(ledger).state, row(ledger).possible_duplicate) == (DeliveryState.ACCEPTED, True)


def test_a_doubt_keeps_the_time_of_its_attempt(ledger: SqlLedger) -> None:
    """It is looked up by it: owners that come and go must not move it on."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("a", [settlement(state=DeliveryState.IN_DOUBT)], NOW + 3600)
    ledger.settle("a", [settlement(state=DeliveryState.IN_DOUBT, reason="held")], NOW + 7200)
    assert (row(ledger).updated_at, row(ledger).created_at) == (NOW, NOW)


@pytest.mark.parametrize(
    "weaker",
    [
        DeliveryState.DEFERRED,
        DeliveryState.FAILED,
        DeliveryState.SUPERSEDED,
        DeliveryState.EXPIRED,
    ],
)
def test_what_is_accepted_is_not_told_otherwise(ledger: SqlLedger, weaker: DeliveryState) -> None:
    """A webhook may say so while an email waits for its next attempt."""
    win(ledger, "a")
    ledger.mark_sending("a", [mark()], NOW)
    ledger.settle("webhook", [settlement(state=DeliveryState.ACCEPTED, fence=0)], NOW)
    assert set(ledger.settle("a", [settlement(state=weaker)], NOW)) == {settlement().uid}
    (row,) = ledger.find_deliveries(uid=settlement().uid)
    assert row.state is DeliveryState.ACCEPTED
