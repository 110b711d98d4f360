"""What an earlier run did for the same event stays done, whatever the plan says now."""

from typing import Any

import pytest

from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.notification import Ending
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Undelivered
from consumer.pipeline.plan import Planned
from consumer.pipeline.resume import LeftInDoubt, ToSend, resume
from tests.support.factories import make_event, make_notification

EVENT = make_event()
FIRST = make_notification()
OTHER = make_notification(uid="other", target_id="ntOther", destination="other@example.com")


def row(state: DeliveryState, **changes: Any) -> DeliveryRow:
    """The ledger's row of the first notification."""
    values: dict[str, Any] = {
        "uid": FIRST.uid,
        "event_id": EVENT.id,
        "atom": EVENT.atom,
        "target_id": FIRST.target_id,
        "type": FIRST.type,
        "destination": FIRST.destination,
        "message_id": "m@alerts.example.com",
        "transport": "mailgun",
        "state": state,
        "attempt": 2,
        "owner": "gone",
        "fence": 1,
    }
    return DeliveryRow(**(values | changes))


def test_without_a_past_everything_is_sent_for_the_first_time() -> None:
    resumed = resume(EVENT, Planned(notifications=(FIRST, OTHER)), ())
    assert resumed.to_send == [ToSend(notification=FIRST), ToSend(notification=OTHER)]
    assert (list(resumed.known), list(resumed.endings)) == ([], [])


@pytest.mark.parametrize(
    ("state", "kind", "attempt"),
    [
        (DeliveryState.ACCEPTED, Kind.ACCEPTED, 2),
        (DeliveryState.FAILED, Kind.FAILED, 2),
        (DeliveryState.SUPERSEDED, Kind.SUPERSEDED, 3),
        (DeliveryState.EXPIRED, Kind.EXPIRED, 3),
    ],
)
def test_a_result_is_told_and_never_sent(state: DeliveryState, kind: Kind, attempt: int) -> None:
    """The others of the plan go on."""
    resumed = resume(EVENT, Planned(notifications=(FIRST, OTHER)), [row(state)])
    (known,) = resumed.known
    assert (known.notification, known.result.kind, known.attempt) == (FIRST, kind, attempt)
    assert resumed.to_send == [ToSend(notification=OTHER)]


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.IN_DOUBT])
def test_what_was_under_way_is_looked_up_before_anything_is_sent(state: DeliveryState) -> None:
    """Its attempt keeps its number: nobody knows yet whether there is a next one."""
    left = row(state, updated_at=17.5, created_at=3.5, possible_duplicate=True)
    resumed = resume(EVENT, Planned(notifications=(FIRST,)), [left])
    doubt = LeftInDoubt(17.5, 3.5, "mailgun", "m@alerts.example.com")
    assert resumed.to_send == [
        ToSend(notification=FIRST, attempt=2, doubt=doubt, possible_duplicate=True)
    ]
    assert not resumed.known


def test_what_is_held_for_a_person_is_told_and_not_looked_up() -> None:
    held = row(DeliveryState.IN_DOUBT, reason="held")
    resumed = resume(EVENT, Planned(notifications=(FIRST,)), [held])
    (known,) = resumed.known
    assert (known.result.kind, known.result.reason) == (Kind.IN_DOUBT, Reason.HELD)
    assert not resumed.to_send


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.IN_DOUBT])
def test_what_is_in_doubt_and_no_longer_planned_is_only_looked_up(state: DeliveryState) -> None:
    """It is not sent to somebody whom the plan no longer names, and not forgotten either."""
    resumed = resume(EVENT, Planned(notifications=(OTHER,)), [row(state)])
    other, left = resumed.to_send
    assert other == ToSend(notification=OTHER)
    assert (left.notification.uid, left.attempt) == (FIRST.uid, 2)
    assert left.doubt is not None
    assert left.obsolete is Reason.NO_LONGER_PLANNED
    assert not resumed.known


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Kind.STALE, Reason.STATE_MOVED_ON),
        (Kind.UNCHANGED, Reason.STATE_MOVED_ON),
        (Kind.SUPPRESSED, Reason.NO_LONGER_PLANNED),
        (Kind.NO_RECIPIENTS, Reason.NO_LONGER_PLANNED),
    ],
)
def test_of_an_event_that_is_not_sent_any_more_nothing_stays_open(kind: Kind, why: Reason) -> None:
    """What is in doubt is looked up, what waited for its next attempt ends."""
    ended = Planned(endings=(Ending(kind=kind, reason=Reason.OLDER_THAN_LAST, message=""),))
    rows = [
        row(DeliveryState.IN_DOUBT),
        row(DeliveryState.DEFERRED, uid="other", possible_duplicate=True),
    ]
    resumed = resume(EVENT, ended, rows)
    (left,) = resumed.to_send
    assert (left.doubt is not None, left.obsolete) == (True, why)
    (known,) = resumed.known
    assert (known.result.kind, known.result.reason) == (Kind.SUPERSEDED, why)
    assert (known.attempt, known.is_news, known.possible_duplicate) == (3, True, True)


NEVER_TOLD = Undelivered("", "broken@", "ntBroken", EVENT.id)


@pytest.mark.parametrize("rows", [[], [row(DeliveryState.ACCEPTED)]])
@pytest.mark.parametrize(
    ("kind", "why"),
    [(Kind.STALE, Reason.STATE_MOVED_ON), (Kind.SUPPRESSED, Reason.NO_LONGER_PLANNED)],
)
def test_who_was_never_told_for_want_of_an_address_has_an_end_too(
    kind: Kind, why: Reason, rows: list[DeliveryRow]
) -> None:
    """Without a row in the ledger, only the dead letter knows of them."""
    stale = Ending(kind=kind, reason=Reason.OLDER_THAN_LAST, message="")
    gone = Undelivered("", "", "ntGone", EVENT.id)
    resumed = resume(EVENT, Planned(endings=(stale,)), rows, [NEVER_TOLD, gone])
    first, *others = resumed.endings
    assert first == stale
    assert [(each.kind, each.reason) for each in others] == [(Kind.SUPERSEDED, why)] * 2
    assert [(each.target_id, each.destination) for each in others] == [
        ("ntBroken", "broken@"),
        ("ntGone", None),
    ]


def test_who_got_an_address_since_or_has_none_still_is_not_superseded() -> None:
    """The plan of now has the word: it sends, or says again why not."""
    still = Ending(
        kind=Kind.FAILED, reason=Reason.INVALID_ADDRESS, message="", target_id="ntBroken"
    )
    mended = Undelivered("", "", OTHER.target_id, EVENT.id)
    resumed = resume(
        EVENT, Planned(notifications=(OTHER,), endings=(still,)), (), [NEVER_TOLD, mended]
    )
    assert (resumed.to_send, resumed.endings) == ([ToSend(notification=OTHER)], [still])


def test_whom_the_event_was_for_stays_open_while_the_catalog_does_not_know_it() -> None:
    missing = Ending(kind=Kind.LOOKUP_FAILED, reason=Reason.NOT_IN_CATALOG, message="")
    resumed = resume(EVENT, Planned(endings=(missing,)), (), [NEVER_TOLD])
    assert resumed.endings == [missing]


def test_what_the_catalog_does_not_know_at_all_waits_for_the_events_next_time() -> None:
    """The event becomes a dead letter and does not end: redriven it is as good as new."""
    ended = Planned(
        endings=(Ending(kind=Kind.LOOKUP_FAILED, reason=Reason.NOT_IN_CATALOG, message=""),)
    )
    rows = [row(DeliveryState.SENDING), row(DeliveryState.DEFERRED, uid="other")]
    resumed = resume(EVENT, ended, rows)
    assert not resumed.to_send
    (known,) = resumed.known
    assert (known.notification.uid, known.result.reason) == (FIRST.uid, Reason.HELD)


def test_what_is_in_doubt_goes_again_where_its_address_is_planned_by_another_name() -> None:
    """The other one is not sent beside it."""
    renamed = make_notification(uid="new", target_id="ntNew")
    resumed = resume(EVENT, Planned(notifications=(renamed,)), [row(DeliveryState.SENDING)])
    (left,) = resumed.to_send
    assert (left.notification.uid, left.obsolete) == (FIRST.uid, None)
    assert [ending.reason for ending in resumed.endings] == [Reason.TOLD_BEFORE]


def test_a_deferred_send_gets_its_next_attempt() -> None:
    resumed = resume(EVENT, Planned(notifications=(FIRST,)), [row(DeliveryState.DEFERRED)])
    assert resumed.to_send == [ToSend(notification=FIRST, attempt=3)]
    assert not resumed.known


def test_accepted_before_a_suppression_began_is_told_beside_it() -> None:
    """The event ends as suppressed now, and the mail that went out has its record."""
    suppressed = Ending(kind=Kind.SUPPRESSED, reason=Reason.MAINTENANCE, message="window")
    resumed = resume(EVENT, Planned(endings=(suppressed,)), [row(DeliveryState.ACCEPTED)])
    assert list(resumed.endings) == [suppressed]
    (known,) = resumed.known
    assert known.result.kind is Kind.ACCEPTED
    assert known.notification == make_notification(plan_id=None)


def test_an_address_told_by_another_notification_gets_no_second_mail() -> None:
    """The plan was changed between the crash and now: same address, new notification."""
    renamed = make_notification(uid="new", target_id="ntNew")
    resumed = resume(EVENT, Planned(notifications=(renamed,)), [row(DeliveryState.ACCEPTED)])
    assert not resumed.to_send
    (ending,) = resumed.endings
    assert (ending.kind, ending.reason, ending.target_id) == (
        Kind.DUPLICATE,
        Reason.TOLD_BEFORE,
        "ntNew",
    )


def test_an_address_that_was_only_deferred_may_be_told_by_another() -> None:
    """Nothing reached it yet; the plan of today decides, and the old one ends."""
    renamed = make_notification(uid="new", target_id="ntNew")
    resumed = resume(EVENT, Planned(notifications=(renamed,)), [row(DeliveryState.DEFERRED)])
    assert resumed.to_send == [ToSend(notification=renamed)]
    (known,) = resumed.known
    assert (known.notification.uid, known.result.kind) == (FIRST.uid, Kind.SUPERSEDED)


def test_an_unknown_reason_in_the_ledger_is_read_as_the_states_own() -> None:
    """A row of a newer version does not stop this one."""
    resumed = resume(
        EVENT, Planned(notifications=(FIRST,)), [row(DeliveryState.FAILED, reason="not_of_ours")]
    )
    assert resumed.known[0].result.reason is Reason.PROVIDER_REJECTED
