"""Which events a replay sends, to whom, and in what order: on a real ledger in memory."""

import pytest

from consumer.domain.errors import LedgerUnavailable
from consumer.domain.ledger import ClaimRequest, DeliveryState
from consumer.domain.reasons import Kind, Reason
from consumer.domain.resend import resend
from consumer.experiments.filters import Filter
from consumer.experiments.overlay import ReadOnlyLedger
from consumer.experiments.replay_selecting import Wish
from consumer.pipeline.pipeline import NotYet, Prepared
from tests.unit.experiments.replay_rig import DAY, OK, PRODUCTION, REPLAY, Rig, event

S = DeliveryState
FIRST, SECOND, THIRD = event("first"), event("second", OK, 60), event("third", seconds=120)


def test_what_failed_is_opened_and_goes_with_its_next_attempt_under_its_own_identity() -> None:
    rig = Rig()
    rig.happened(FIRST, S.FAILED)
    (answer,) = rig.replay(FIRST)
    assert isinstance(answer, Prepared)
    (send,) = answer.sends
    (row,) = rig.ledger.find_deliveries(event_id=FIRST.id)
    assert (send.attempt, send.email.message_id) == (2, f"<{row.message_id}>")
    assert not rig.ledger.find_events([FIRST.id])


def test_what_was_accepted_is_told_as_already_sent_and_nothing_is_claimed() -> None:
    rig = Rig()
    rig.happened(FIRST, S.ACCEPTED)
    assert rig.sent(FIRST) == []
    assert rig.left_out == {"already sent": 1}


def test_a_critical_whose_alarm_was_told_ok_since_is_not_sent_after_it() -> None:
    rig = Rig()
    rig.happened(FIRST, S.FAILED)
    rig.happened(SECOND, S.ACCEPTED)
    (answer,) = rig.replay(FIRST, SECOND)
    assert isinstance(answer, Prepared)
    assert not answer.sends
    assert [each.kind for each in answer.endings] == [Kind.STALE]
    assert [each.result.kind for each in answer.known] == [Kind.SUPERSEDED]
    assert rig.report.totals.not_sent == {
        "stale (older_than_last)": 1,
        "superseded (state_moved_on)": 1,
    }


def test_it_is_sent_all_the_same_when_a_person_names_the_risk() -> None:
    rig = Rig(Wish(name="test", out_of_order=True))
    rig.happened(FIRST, S.FAILED)
    rig.happened(SECOND, S.ACCEPTED)
    assert rig.sent(FIRST, SECOND) == ["first"]


@pytest.mark.parametrize("tried", [S.FAILED, None])
def test_what_nobody_was_told_of_is_sent_from_the_beginning_in_order(
    tried: DeliveryState | None,
) -> None:
    """Also where the alarm has moved on by itself: no newer state was told."""
    rig = Rig()
    for each in (FIRST, SECOND, THIRD):
        rig.happened(each, tried)
    assert rig.sent(FIRST, SECOND, THIRD) == ["first", "second", "third"]


def test_what_was_told_in_between_cuts_off_what_is_older_only() -> None:
    rig = Rig()
    rig.happened(FIRST, S.FAILED)
    rig.happened(SECOND, S.ACCEPTED)
    rig.happened(THIRD, S.FAILED)
    assert rig.sent(FIRST, SECOND, THIRD) == ["third"]


def test_a_newer_state_in_doubt_counts_as_told_and_is_itself_looked_up_first() -> None:
    rig = Rig()
    rig.happened(FIRST, S.FAILED)
    rig.happened(SECOND, S.IN_DOUBT, reason=Reason.HELD)
    first, second = rig.replay(FIRST, SECOND)
    assert isinstance(first, Prepared)
    assert isinstance(second, Prepared)
    assert not first.sends
    assert [send.doubt is not None for send in second.sends] == [True]


def test_of_an_event_that_some_were_told_of_the_others_are_told() -> None:
    rig = Rig()
    rig.happened(FIRST, S.ACCEPTED, address="gone@example.com", closed=False)
    rig.happened(FIRST, S.FAILED, outcome=Kind.ACCEPTED)
    (answer,) = rig.replay(FIRST)
    assert isinstance(answer, Prepared)
    assert [send.notification.destination for send in answer.sends] == ["oncall@example.com"]
    assert [each.result.kind for each in answer.known] == [Kind.ACCEPTED]


def test_what_the_ledger_never_saw_goes_unless_it_may_have_forgotten_it() -> None:
    rig = Rig()
    old = rig.records(event("old"))
    rig.clock.advance(31 * DAY)
    rig.selector.look(old)
    assert rig.left_out == {"older than the ledger remembers": 1}
    new = event("new", timestamp=int(rig.clock.now() * 1000))
    assert rig.sent(new) == ["new"]


def test_an_event_twice_in_the_topic_is_sent_once() -> None:
    rig = Rig()
    rig.happened(FIRST, S.EXPIRED)
    assert rig.sent(FIRST, FIRST) == ["first"]


def test_an_alarm_that_production_works_on_waits_and_its_events_stay_closed() -> None:
    rig = Rig()
    rig.happened(FIRST, S.FAILED)
    rig.ledger.heartbeat(PRODUCTION, rig.clock.now(), 30.0)
    rig.ledger.claim(PRODUCTION, [ClaimRequest(FIRST.atom, ())], rig.clock.now())
    (answer,) = rig.replay(FIRST)
    assert isinstance(answer, NotYet)
    assert FIRST.id in rig.ledger.find_events([FIRST.id])


def test_only_what_fits_the_filter_is_asked_about() -> None:
    rig = Rig(wanted=Filter('state == "OK"'))
    rig.happened(FIRST, S.FAILED)
    rig.happened(SECOND, S.FAILED)
    assert rig.sent(FIRST, SECOND) == ["second"]
    assert rig.report.totals.matched == 1


def test_a_resend_is_an_event_of_its_own_that_names_the_old_one_and_is_made_once() -> None:
    wish = Wish(name="lost", resend="the mailbox was lost")
    rig = Rig(wish)
    rig.happened(FIRST, S.ACCEPTED)
    (answer,) = rig.replay(FIRST)
    assert isinstance(answer, Prepared)
    (send,), new = answer.sends, answer.locked.event
    (old,) = rig.ledger.find_deliveries(event_id=FIRST.id)
    assert new.id != FIRST.id
    assert not answer.locked.gap
    assert send.email.uid != old.uid
    assert ("X-Alarm-Resent", f"<{old.message_id}>") in send.email.headers
    assert "may have been told before" in send.email.text

    rig.ledger.release_all(REPLAY)
    rig.happened(new, S.ACCEPTED)
    rig.over(rig.ledger, wish)
    assert rig.sent(FIRST) == []
    assert rig.left_out == {"already resent by this replay": 1}
    rig.over(rig.ledger, Wish(name="another", resend="once more"))
    assert len(rig.sent(FIRST)) == 1


def test_what_was_to_be_resent_and_was_overtaken_is_not_called_resent() -> None:
    wish = Wish(name="lost", resend="why")
    rig = Rig(wish)
    rig.happened(FIRST, S.ACCEPTED)
    rig.happened(resend(FIRST, "lost", "why"), outcome=Kind.STALE)
    rig.over(rig.ledger, wish)
    assert rig.sent(FIRST) == []
    assert rig.left_out == {"was not to be sent": 1}


def test_a_resent_critical_does_not_follow_its_ok_either() -> None:
    rig = Rig(Wish(name="lost", resend="why"))
    rig.happened(FIRST, S.ACCEPTED)
    rig.happened(SECOND, S.ACCEPTED)
    (sent,) = rig.sent(FIRST, SECOND)
    assert sent.startswith("resent-")
    assert rig.report.totals.not_sent == {"stale (older_than_last)": 1}


def test_a_ledger_that_is_away_leaves_nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    records = rig.records(FIRST)

    def away(_ids: object) -> None:
        raise LedgerUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(rig.ledger, "find_events", away)
        with pytest.raises(LedgerUnavailable):
            rig.selector.look(records)
    assert rig.report.totals.records == 0
    assert list(rig.selector.look(records)) == [1]


def test_the_overlay_foresees_the_same_and_writes_nothing() -> None:
    """Every kind of past: what the real ledger then does is what was foreseen."""
    rig = Rig()
    x, y = event("x", alarm_id="alOther"), event("y", OK, 9, alarm_id="alOther")
    rig.happened(FIRST, S.EXPIRED)
    rig.happened(SECOND, S.IN_DOUBT, reason=Reason.HELD)
    rig.happened(x, S.FAILED)
    rig.happened(y, S.ACCEPTED)
    events = FIRST, SECOND, THIRD, x, y
    before = _dump(rig)
    rig.over(ReadOnlyLedger(rig.ledger))
    foreseen = rig.replay(*events)
    assert _dump(rig) == before
    rig.over(rig.ledger)
    done = rig.replay(*events)
    assert _dump(rig) != before
    assert [_seen(each) for each in foreseen] == [_seen(each) for each in done]


def _seen(answer: Prepared | NotYet) -> object:
    assert isinstance(answer, Prepared)
    sends = [(s.notification.uid, s.attempt, s.doubt is None) for s in answer.sends]
    ends = [(each.notification.uid, each.result.kind) for each in answer.known]
    return answer.locked.event.id, sends, ends, [each.kind for each in answer.endings]


def _dump(rig: Rig) -> object:
    counts = dict(rig.ledger.counts())
    ids = ["first", "second", "third", "x", "y"]
    rows = [rig.ledger.find_deliveries(event_id=id_) for id_ in ids]
    return counts, rows, rig.ledger.find_events(ids), rig.ledger.find_atoms([FIRST.atom])
