"""The checker itself: each way to break the promise is named, and nothing else is."""

from collections.abc import Mapping, Sequence

from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackingEvent,
)
from tests.chaos.checker import Arrived, Findings, Place, Wanted, check

_TO = "a@example.net"
_ENDS: Mapping[Place, Kind | None] = {(0, 0): None, (0, 1): None}


def _wanted(event: str, timestamp: int) -> Wanted:
    return Wanted(email=(event, _TO), atom="atom", timestamp=timestamp, appended=100.0)


def _arrived(event: str, at: float) -> Arrived:
    return Arrived(email=(event, _TO), message_id=f"uid-{event}@example.com", at=at)


def _told(
    event: str,
    offset: int,
    kind: Kind = Kind.ACCEPTED,
    reason: Reason = Reason.QUEUED,
    *,
    possible_duplicate: bool = False,
) -> TrackingEvent:
    note = TrackedNotification(
        uid=f"uid-{event}", notification_id="nt", type="email", destination=_TO
    )
    return TrackingEvent(
        id=f"{event}-{kind}",
        kind=kind,
        at=0,
        event=TrackedEvent(id=event),
        outcome=Outcome(success=True, retryable=False, reason=reason, message=""),
        worker="one",
        notification=note,
        possible_duplicate=possible_duplicate,
        source=("events", 0, offset),
    )


_WANTED = [_wanted("first", 1), _wanted("second", 2)]
_SENT = [_arrived("first", 101.0), _arrived("second", 104.0)]
_TOLD = [_told("first", 0), _told("second", 1)]


def _check(
    arrived: Sequence[Arrived],
    told: Sequence[TrackingEvent] | None,
    ends: Mapping[Place, Kind | None] = _ENDS,
) -> Findings:
    return check(_WANTED, arrived, ends=ends, told=told, visibility=1.0)


def test_each_email_once_in_order_and_told_breaks_nothing() -> None:
    found = _check(_SENT, _TOLD)
    assert found.broken == []
    assert (found.expected, found.accepted) == (2, 2)
    assert (found.median_delay, found.worst_delay) == (2.5, 4.0)


def test_email_that_nobody_accepted_is_lost_whatever_tracking_claims() -> None:
    found = _check(_SENT[:1], _TOLD)
    assert found.broken == ["lost"]
    assert found.lost == [f"second to {_TO}"]


def test_email_that_was_overtaken_is_excused_by_its_record() -> None:
    told = [_TOLD[0], _told("second", 1, Kind.SUPERSEDED, Reason.STATE_MOVED_ON)]
    found = _check(_SENT[:1], told)
    assert found.broken == []
    assert found.excused == {"superseded": 1}


def test_email_that_is_held_for_a_person_is_not_sent() -> None:
    told = [_TOLD[0], _told("second", 1, Kind.IN_DOUBT, Reason.HELD)]
    assert _check(_SENT[:1], told).broken == ["held in doubt"]


def test_email_in_doubt_without_an_end_is_lost_and_untold() -> None:
    told = [_TOLD[0], _told("second", 1, Kind.IN_DOUBT, Reason.ANSWER_LOST)]
    assert _check(_SENT[:1], told).broken == ["lost", "tracking missing"]


def test_second_copy_is_broken_unless_marked() -> None:
    copies = [*_SENT, _arrived("second", 104.5)]
    assert _check(copies, _TOLD).broken == ["doubled, not marked"]
    marked = [_TOLD[0], _told("second", 1, possible_duplicate=True)]
    found = _check(copies, marked)
    assert found.broken == []
    assert found.doubled_marked == [f"second to {_TO}"]
    assert found.possible_duplicates == 1


def test_marked_copy_that_a_lookup_could_have_seen_is_broken_too() -> None:
    marked = [_TOLD[0], _told("second", 1, possible_duplicate=True)]
    found = _check([*_SENT, _arrived("second", 110.0)], marked)
    assert found.broken == ["doubled, though visible to a lookup"]


def test_older_event_accepted_after_a_newer_one_is_out_of_order() -> None:
    found = _check(_SENT[::-1], _TOLD)
    assert found.broken == ["out of order"]
    assert found.out_of_order == [f"first to {_TO}"]


def test_message_that_nobody_asked_for_is_unexpected() -> None:
    stray = Arrived(email=("stale", _TO), message_id="uid-first@example.com", at=102.0)
    assert _check([*_SENT, stray], _TOLD).broken == ["unexpected"]


def test_record_and_message_without_a_word_are_missing() -> None:
    found = _check(_SENT, _TOLD[:1])
    assert found.broken == ["tracking missing"]
    assert found.untold == [
        "record (0, 1)",
        f"second to {_TO}",
        "message uid-second@example.com",
    ]


def test_record_that_ends_otherwise_is_told_of() -> None:
    """Read again after a crash, it may also be a duplicate of itself."""
    stale = _told("second", 1, Kind.STALE, Reason.OLDER_THAN_LAST)
    ends = {(0, 0): None, (0, 1): Kind.STALE}
    again = _told("second", 1, Kind.DUPLICATE, Reason.SEEN_BEFORE)
    fine = check([_WANTED[0]], _SENT[:1], ends=ends, told=[_TOLD[0], stale, again])
    assert fine.broken == []
    muted = {(0, 0): None, (0, 1): Kind.DISABLED}
    found = check([_WANTED[0]], _SENT[:1], ends=muted, told=[_TOLD[0], stale])
    assert found.broken == ["told otherwise"]


def test_loop_without_tracking_is_measured_by_what_was_accepted() -> None:
    found = _check([*_SENT, _arrived("first", 105.0)], None)
    assert found.broken == ["doubled, not marked", "out of order"]
    assert found.untold == []
