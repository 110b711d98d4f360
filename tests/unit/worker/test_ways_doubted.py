"""After an answer that was lost, other alarms do not find out whether the next one is lost too."""

from typing import Any

import pytest

from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from tests.support.factories import make_email
from tests.support.worker import result
from tests.unit.worker.test_ways import Rig

OWN = SendOptions()
LOST = [Reason.SERVER_ERROR, Reason.ANSWER_LOST, Reason.UNREADABLE_ANSWER]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def lose(rig: Rig, reason: Reason = Reason.SERVER_ERROR, **how: Any) -> None:
    """An email of its own transport is in doubt, and the next one would not be."""
    rig.mailgun.answer = lambda _: result(Kind.IN_DOUBT, reason=reason)
    admission = rig.ways.admit(OWN, may_fall_back=how.get("may_fall_back", True))
    rig.ways.send([make_email()], admission)
    rig.mailgun.answer = lambda _: result()


@pytest.mark.parametrize("reason", LOST)
def test_a_new_alarm_goes_by_the_fallback_after_one_lost_answer(rig: Rig, reason: Reason) -> None:
    lose(rig, reason)
    admission = rig.ways.admit(OWN)
    assert (admission.options.transport, admission.probe) == ("smtp", False)
    assert admission.instead == "lost its last answer"
    assert rig.states == [], "one lost answer is no outage"


def test_who_is_in_doubt_is_sent_again_by_its_own_transport_and_finds_out(rig: Rig) -> None:
    lose(rig)
    again = rig.ways.admit(OWN, may_fall_back=False)
    assert (again.options.transport, again.wait, again.instead) == ("mailgun", 0.0, None)
    rig.ways.send([make_email()], again)
    assert rig.ways.admit(OWN).options.transport == "mailgun"


def test_a_new_alarm_is_not_the_probe_of_a_transport_that_loses_answers(rig: Rig) -> None:
    """It would be in doubt, too: one alarm after the other, however long that goes on."""
    lose(rig)
    lose(rig, may_fall_back=False)
    assert rig.states == [("mailgun", False)]
    rig.clock.advance(10.0)
    assert rig.ways.admit(OWN).options.transport == "smtp"
    assert rig.ways.admit(OWN, may_fall_back=False).probe


def test_when_nobody_has_found_out_the_next_alarm_does(rig: Rig) -> None:
    """Who was in doubt may have been superseded. A WARNING is sent again before that."""
    lose(rig)
    rig.clock.advance(599.0)
    assert rig.ways.admit(OWN).options.transport == "smtp"
    rig.clock.advance(1.0)
    assert rig.ways.admit(OWN).options.transport == "mailgun"


def test_one_bad_gateway_does_not_send_a_storm_by_the_fallback(rig: Rig) -> None:
    """Every tenth email is risked, and the first good answer ends it."""
    lose(rig)
    ways = [rig.ways.admit(OWN).options.transport for _ in range(20)]
    assert ways == (["smtp"] * 9 + ["mailgun"]) * 2


def test_of_a_storm_in_a_long_outage_no_more_is_risked_than_the_probes(rig: Rig) -> None:
    lose(rig)
    lose(rig, may_fall_back=False)
    ways = [rig.ways.admit(OWN).options.transport for _ in range(100)]
    assert ways == ["smtp"] * 100
    rig.clock.advance(1.0)
    ways = [rig.ways.admit(OWN).options.transport for _ in range(100)]
    assert ways.count("mailgun") == 1


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.FAILED])
def test_any_answer_ends_it(rig: Rig, kind: Kind) -> None:
    """Also to a call that was under way: in a storm that is at once."""
    under_way = rig.ways.admit(OWN)
    lose(rig)
    rig.mailgun.answer = lambda _: result(kind, reason=Reason.QUEUED)
    rig.ways.send([make_email()], under_way)
    assert rig.ways.admit(OWN).options.transport == "mailgun"


def test_while_the_fallback_is_broken_its_own_way_is_taken(rig: Rig) -> None:
    rig.smtp.answer = lambda _: result(Kind.DEFERRED, reason=Reason.UNREACHABLE, transport="smtp")
    lose(rig)
    for _ in range(2):
        rig.send()
    assert rig.states == [("smtp", False)]
    assert rig.ways.admit(OWN).options.transport == "mailgun"


def test_without_a_fallback_nothing_changes() -> None:
    alone = Rig(fallback=None)
    lose(alone)
    assert (alone.ways.admit(OWN).wait, alone.ways.opens_in(OWN)) == (0.0, 0.0)
