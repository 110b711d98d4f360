"""Ways out: the route's transport, or the fallback while that one cannot."""

import math
from typing import Any

import pytest

from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from consumer.worker.ways import Ways
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.support.worker import result
from tests.support.worker_fakes import FakeTransport

OWN = SendOptions()
BLAMED = result(Kind.DEFERRED, reason=Reason.UNREACHABLE)


class Rig:
    def __init__(self, fallback: str | None = "smtp") -> None:
        self.clock = ManualClock()
        self.mailgun, self.smtp = FakeTransport(), FakeTransport()
        self.states: list[tuple[str, bool]] = []
        self.throttled: list[tuple[str, float]] = []
        self.changes = 0
        self.ways = Ways(
            {"mailgun": self.mailgun, "smtp": self.smtp},
            clock=self.clock,
            failures=2,
            probe_seconds=1.0,
            fallback=fallback,
            fallback_after_seconds=30.0,
            on_state=lambda name, ok, _why: self.states.append((name, ok)),
            on_throttled=lambda name, until: self.throttled.append((name, until)),
        )

        def count(_works: bool) -> None:
            self.changes += 1

        self.ways.on_change = count

    def send(self, options: SendOptions = OWN) -> Any:
        admission = self.ways.admit(options)
        return admission.wait or self.ways.send([make_email()], admission)[0]

    def break_mailgun(self) -> None:
        self.mailgun.answer = lambda _: BLAMED
        self.send()
        self.send()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_send_goes_its_own_way(rig: Rig) -> None:
    admission = rig.ways.admit(OWN)
    assert (admission.options, admission.wait, admission.instead) == (OWN, 0.0, None)


def test_while_its_own_way_is_broken_the_fallback_takes_over(rig: Rig) -> None:
    rig.break_mailgun()
    assert rig.states == [("mailgun", False)]
    admission = rig.ways.admit(OWN)
    assert (admission.options.transport, admission.wait) == ("smtp", 0.0)
    assert admission.instead == "fails again and again"
    assert rig.ways.opens_in(OWN) == 0.0


def test_its_own_way_is_taken_back_by_the_first_probe_that_succeeds(rig: Rig) -> None:
    rig.break_mailgun()
    rig.mailgun.answer = lambda _: result()
    rig.clock.advance(1.0)
    rig.send()
    assert rig.states == [("mailgun", False), ("mailgun", True)]
    assert rig.changes == 2
    assert rig.ways.admit(OWN).instead is None


def test_what_was_tried_before_leaves_the_probe_to_others(rig: Rig) -> None:
    """Tried at a moment when a probe is due, it would be the probe each time, and never out."""
    rig.break_mailgun()
    rig.clock.advance(1.0)
    assert rig.ways.admit(OWN, tried=True).options.transport == "smtp"
    assert rig.ways.admit(OWN).probe


def test_where_the_fallback_is_broken_too_what_was_tried_probes_both_in_turn(rig: Rig) -> None:
    rig.break_mailgun()
    rig.smtp.answer = lambda _: result(Kind.DEFERRED, reason=Reason.UNREACHABLE, transport="smtp")
    rig.send()
    rig.send()
    rig.clock.advance(1.5)
    probes = [rig.ways.admit(OWN, tried=True) for _ in range(2)]
    assert [(each.options.transport, each.probe) for each in probes] == [
        ("mailgun", True),
        ("smtp", True),
    ]


def test_what_its_own_broken_way_did_not_take_goes_by_the_fallback_at_once(rig: Rig) -> None:
    rig.break_mailgun()
    assert rig.ways.again_in(OWN, BLAMED, 9) == 0.0
    assert rig.ways.again_in(OWN, BLAMED, 9, may_fall_back=False) == math.inf


def test_what_the_fallback_did_not_take_is_not_hurried(rig: Rig) -> None:
    """A mail server that greylists would be asked again and again without a pause."""
    rig.break_mailgun()
    greylisted = result(Kind.DEFERRED, reason=Reason.THROTTLED, transport="smtp")
    assert rig.ways.again_in(OWN, greylisted, 1) == math.inf


def test_until_the_breaker_has_an_opinion_tries_are_a_probes_interval_apart(rig: Rig) -> None:
    """One alarm alone has to open it within seconds; what fails beside others' success waits."""
    assert rig.ways.again_in(OWN, BLAMED, 1) == 1.0
    assert rig.ways.again_in(OWN, BLAMED, 2) == math.inf


@pytest.mark.parametrize(("asked", "again_in"), [(30.0, math.inf), (31.0, 0.0)])
def test_what_was_told_to_wait_for_long_does_not_wait_while_the_fallback_is_open(
    rig: Rig, asked: float, again_in: float
) -> None:
    rig.mailgun.closed_for = asked
    told = result(Kind.DEFERRED, reason=Reason.THROTTLED, retry_at=rig.clock.now() + asked)
    assert rig.ways.again_in(OWN, told, 1) == again_in


def test_what_waits_is_called_when_the_fallback_takes_over(rig: Rig) -> None:
    """What fails first may have a pause of a minute before the others find the way broken."""
    rig.break_mailgun()
    assert rig.changes == 1


def test_what_may_have_been_accepted_never_falls_back(rig: Rig) -> None:
    rig.break_mailgun()
    assert rig.ways.admit(OWN, may_fall_back=False).wait == 1.0
    assert rig.ways.opens_in(OWN, may_fall_back=False) == 1.0


def test_without_a_fallback_it_waits(rig: Rig) -> None:
    alone = Rig(fallback=None)
    alone.break_mailgun()
    assert alone.ways.admit(OWN).wait == 1.0
    assert alone.ways.opens_in(OWN) == 1.0
    assert alone.changes == 0, "nothing that waits can go"


def test_a_test_email_never_falls_back(rig: Rig) -> None:
    """Only its own transport knows not to deliver it."""
    rig.break_mailgun()
    assert rig.ways.admit(SendOptions(test_mode=True)).wait == 1.0


def test_when_both_are_broken_the_earlier_probe_counts(rig: Rig) -> None:
    rig.break_mailgun()
    rig.smtp.answer = lambda _: BLAMED
    rig.send()
    rig.send()
    assert rig.ways.admit(OWN).wait == 1.0
    rig.clock.advance(1.0)
    assert rig.ways.admit(OWN).wait == 0.0


def test_a_short_wait_that_the_provider_asks_for_is_waited(rig: Rig) -> None:
    rig.mailgun.closed_for = 30.0
    assert rig.ways.admit(OWN).wait == 30.0


def test_a_long_one_is_left_for_the_fallback(rig: Rig) -> None:
    rig.mailgun.closed_for = 31.0
    admission = rig.ways.admit(OWN)
    assert (admission.options.transport, admission.instead) == ("smtp", "asked to wait")


def test_what_another_process_was_told_holds_here_too(rig: Rig) -> None:
    rig.ways.hold("mailgun", 7.0)
    assert rig.ways.admit(OWN).wait == pytest.approx(7.0)
    rig.clock.advance(7.0)
    assert rig.ways.admit(OWN).wait == 0.0


def test_a_throttled_answer_is_told_to_the_others(rig: Rig) -> None:
    until = rig.clock.now() + 5
    rig.mailgun.answer = lambda _: result(Kind.DEFERRED, reason=Reason.THROTTLED, retry_at=until)
    rig.send()
    assert rig.throttled == [("mailgun", 5.0)]
    assert rig.states == []
