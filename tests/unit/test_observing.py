"""What happens is told once and with what to do; readiness means that the work is being done."""

from collections.abc import Iterator, MutableMapping
from typing import Any, Literal

import pytest
import structlog
from structlog.testing import capture_logs

from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import DeadLetter, Record, Undelivered
from consumer.observing import Observing
from consumer.ports import AccessEntry
from consumer.telemetry.metrics import Metrics
from consumer.telemetry.readiness import Carriers
from consumer.worker.work import Landed, Sending
from tests.support.worker import result, work


class Rig:
    def __init__(self, lines: list[MutableMapping[str, Any]]) -> None:
        self.lines = lines
        self.observing = Observing(Metrics(), structlog.get_logger(), Carriers({"mailgun": "smtp"}))
        for needed in ("kafka", "group", "ledger"):
            self.observing.dependency(needed, True)
        lines.clear()

    def land(self, kind: Kind, reason: Reason, message: str = "as told") -> None:
        of = work("e1")
        told = result(kind, reason=reason, message=message)
        self.observing.landed(Landed(Sending(of, of.prepared.sends[0]), told), 0.0)

    def events(self) -> list[tuple[str, str]]:
        return [(line["event"], line["log_level"]) for line in self.lines]

    def ready(self) -> bool:
        return self.observing.readiness()[0]

    def says(self, name: str) -> str:
        return str(self.observing.readiness()[1]["dependencies"][name])


@pytest.fixture
def rig() -> Iterator[Rig]:
    with capture_logs() as lines:
        yield Rig(lines)


def test_a_provider_that_is_away_is_told_once_and_its_return_once(rig: Rig) -> None:
    rig.observing.transport("mailgun", False, "refused")
    rig.observing.transport("mailgun", True, "queued")
    rig.land(Kind.ACCEPTED, Reason.QUEUED)
    assert rig.events() == [("dependency.down", "error"), ("dependency.up", "info")]
    assert rig.lines[0]["error"] == "refused"
    assert "smtp carries the emails" in rig.lines[0]["effect"]


def test_what_was_accepted_before_the_breaker_opened_does_not_say_that_it_is_back(
    rig: Rig,
) -> None:
    """The tracker tells results late."""
    rig.observing.transport("mailgun", False, "refused")
    rig.land(Kind.ACCEPTED, Reason.QUEUED)
    assert rig.events() == [("dependency.down", "error")]
    assert rig.says("mailgun") != "ok"


def test_while_the_fallback_carries_the_emails_the_process_is_ready(rig: Rig) -> None:
    rig.observing.transport("mailgun", False, "refused")
    assert rig.ready()
    assert rig.says("mailgun") == "away, smtp carries: refused"
    rig.observing.transport("smtp", False, "refused too")
    assert not rig.ready()
    assert rig.says("mailgun") == "refused"


def test_without_a_fallback_a_provider_that_is_away_is_waited_for(rig: Rig) -> None:
    rig.observing.transport("smtp", False, "refused")
    assert not rig.ready()
    assert rig.lines[0]["effect"].endswith("emails wait")


def test_a_lookup_that_is_not_answered_counts_while_something_is_in_doubt(rig: Rig) -> None:
    doubts = 1
    rig.observing.in_doubt = lambda: doubts
    rig.observing.looked_up("mailgun", False, "timed out")
    assert not rig.ready()
    doubts = 0
    assert rig.ready()
    assert rig.says("mailgun_lookup") == "away, nothing is in doubt: timed out"


def test_a_provider_that_asks_to_wait_is_told_with_what_waits(rig: Rig) -> None:
    rig.observing.gate("mailgun", "mailgun:example.com", 60.0, 12)
    assert {**rig.lines[-1]} | {"log_level": ""} == {
        "event": "gate.closed",
        "log_level": "",
        "transport": "mailgun",
        "account": "mailgun:example.com",
        "seconds": 60.0,
        "waiting": 12,
    }
    assert (rig.ready(), rig.says("mailgun")) == (True, "asked us to wait 60 s; smtp carries")
    rig.observing.waiting = lambda: 12
    rig.observing.transport("smtp", False, "refused")
    assert (rig.ready(), rig.says("mailgun")) == (False, "asked us to wait 60 s; 12 emails wait")
    rig.lines.pop()
    rig.observing.gate("mailgun", "mailgun:example.com", 0.0, 3)
    assert rig.events() == [("gate.closed", "warning"), ("gate.opened", "info")]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.FAILED, Reason.PROVIDER_REJECTED),
        (Kind.EXPIRED, Reason.TOO_OLD),
        (Kind.IN_DOUBT, Reason.HELD),
    ],
)
def test_what_is_given_up_is_an_error_that_says_what_to_do(
    rig: Rig, kind: Kind, reason: Reason
) -> None:
    rig.land(kind, reason)
    assert rig.events() == [(f"send.{kind}", "error")]
    assert "messenger dead-letters redrive" in rig.lines[0]["remedy"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.DEFERRED, Reason.UNREACHABLE),
        (Kind.IN_DOUBT, Reason.ANSWER_LOST),
        (Kind.SUPERSEDED, Reason.STATE_MOVED_ON),
    ],
)
def test_what_goes_on_or_is_no_loss_is_a_warning(rig: Rig, kind: Kind, reason: Reason) -> None:
    rig.land(kind, reason)
    assert rig.events() == [(f"send.{kind}", "warning")]


def test_a_dead_letter_is_told_with_its_record_and_without_addresses(rig: Rig) -> None:
    letter = DeadLetter(
        record=Record("alarm-events", 3, 7, b"key", b"{}"),
        reason="too_old",
        error="Not sent within its age limit",
        first_seen=1,
        undelivered=[Undelivered("u1", "ops@example.com")],
    )
    rig.observing.dead_letter(letter)
    (line,) = rig.lines
    assert (line["event"], line["record"], line["destinations"]) == (
        "dead_letter.written",
        "alarm-events/3/7",
        1,
    )
    assert "ops@example.com" not in str(line)


def test_a_process_is_not_ready_before_the_group_gave_it_its_place() -> None:
    observing = Observing(Metrics(), structlog.get_logger())
    for needed in ("kafka", "ledger"):
        observing.dependency(needed, True)
    assert not observing.readiness()[0]
    observing.joined(True, "")
    assert observing.readiness()[0]


def test_a_place_that_does_not_come_is_told_once_and_so_is_its_coming(rig: Rig) -> None:
    for seconds in (10, 20):
        rig.observing.joined(False, f"no partitions yet, {seconds} s after asking to join")
    rig.observing.joined(True, "")
    assert rig.events() == [("dependency.down", "error"), ("dependency.up", "info")]
    assert rig.lines[0]["error"] == "no partitions yet, 10 s after asking to join"


def test_kafka_stays_away_until_a_broker_answers(rig: Rig) -> None:
    for _ in range(3):
        rig.observing.dependency("kafka", False, "timed out")
    assert not rig.ready()
    rig.observing.answered()
    rig.observing.answered()
    assert rig.ready()
    assert rig.events() == [("dependency.down", "error"), ("dependency.up", "info")]


@pytest.mark.parametrize("name", ["kafka", "kafka_producer", "ledger", "lease", "catalog"])
def test_what_is_away_is_told_with_what_happens_meanwhile(rig: Rig, name: str) -> None:
    rig.observing.dependency(name, True)
    rig.observing.dependency(name, False, "timed out")
    assert rig.lines[-1]["effect"].endswith("goes on by itself")


def test_a_lookup_that_is_not_answered_is_told_with_what_happens_meanwhile(rig: Rig) -> None:
    rig.observing.looked_up("mailgun", False, "timed out")
    assert rig.lines[-1]["effect"] == "sends in doubt wait; it goes on by itself"


def test_a_provider_that_refuses_us_is_told_with_what_to_check(rig: Rig) -> None:
    rig.land(Kind.DEFERRED, Reason.CONFIGURATION, "Forbidden")
    assert "check its key" in rig.lines[0]["remedy"]
    rig.observing.transport("mailgun", False, "Forbidden")
    assert "check its key" in rig.lines[-1]["remedy"]


@pytest.mark.parametrize(
    ("call", "kind", "reason", "level"),
    [
        ("send", Kind.ACCEPTED, Reason.QUEUED, "info"),
        ("send", Kind.DEFERRED, Reason.THROTTLED, "warning"),
        ("lookup", Kind.IN_DOUBT, Reason.NOT_FOUND, "debug"),
        ("lookup", Kind.ACCEPTED, Reason.FOUND, "info"),
        ("lookup", Kind.FAILED, Reason.PROVIDER_REJECTED, "warning"),
        ("lookup", Kind.DEFERRED, Reason.ANSWER_LOST, "warning"),
    ],
)
def test_a_call_is_told_as_loudly_as_it_is_news(
    rig: Rig, call: Literal["send", "lookup"], kind: Kind, reason: Reason, level: str
) -> None:
    rig.observing.called(
        AccessEntry(
            transport="mailgun",
            domain="example.com",
            uid="u1",
            message_id="<u1@example.com>",
            kind=kind,
            reason=reason,
            status=None,
            milliseconds=1.0,
            call=call,
        )
    )
    assert rig.events() == [("transport.call", level)]


def test_an_end_with_work_left_is_a_warning_that_says_who_goes_on(rig: Rig) -> None:
    rig.observing.stopped(True, 0)
    rig.observing.stopped(False, 7)
    assert rig.events() == [("app.stopped", "info"), ("app.stopped", "warning")]
    assert rig.lines[-1]["left"] == 7
    assert "next process" in rig.lines[-1]["effect"]


def test_clocks_that_disagree_are_told_with_what_to_do(rig: Rig) -> None:
    rig.observing.clock_differs(-3.14)
    rig.observing.clock_differs(0.0)
    assert rig.events() == [("clock.differs", "warning"), ("clock.agrees", "info")]
    assert rig.lines[0]["seconds_ahead"] == -3.1
