"""`messenger trace`: a timeline per event, from both sources or from one."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consumer.adapters.ledger import open_ledger, upgrade
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.reasons import Kind, Reason
from consumer.domain.record import Record
from consumer.domain.resend import resend
from consumer.domain.tracking import TrackedNotification, TrackedProvider, TrackingEvent
from tests.support.factories import make_event
from tests.unit.cli.conftest import Run
from tests.unit.tracing_rig import EVENT, MESSAGE_ID, UID, Topic, attempt, ended, ending, sent

SetTopic = Callable[..., None]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> SetTopic:
    """Decides what the tracking topic holds; no argument: Kafka is away."""

    def hold(*steps: TrackingEvent) -> None:
        tracking = Topic(*steps)

        def read(_kafka: object, _topic: str, wanted: Any) -> Iterator[Record]:
            if not steps:
                raise BrokerUnavailable("Kafka at 127.0.0.1:1 does not answer")
            return tracking(wanted)

        # By its name in sys.modules: the package has the command itself under this name.
        monkeypatch.setattr(sys.modules["consumer.cli.trace"], "read_topic", read)

    return hold


@pytest.fixture
def filled(tmp_path: Path) -> None:
    """A ledger with one accepted email."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    upgrade(url)
    ledger = open_ledger(url)
    sent(ledger)
    ended(ledger, EVENT, "accepted")
    ledger.close()


def test_a_redrive_stands_between_what_came_before_and_after(
    run: Run, config: Path, topic: SetTopic
) -> None:
    """Both may be the second attempt: the one before was never made."""
    at = 1_392_138_800_000
    again = [
        msgspec.structs.replace(step, redriven_at=at, possible_duplicate=True)
        for step in (attempt(Kind.DEFERRED, 2, at + 1), attempt(Kind.ACCEPTED, 3, at + 2))
    ]
    topic(attempt(Kind.EXPIRED, 2), *again)
    ran = run("trace", EVENT, "--config", config)
    words = [line.split("  ")[2] for line in ran.out.splitlines() if line.startswith("  2014-")]
    assert words == ["expired", "redriven", "deferred", "accepted"]
    assert "2014-02-11 17:13:20.000  redriven  a person sent its dead letter again" in ran.out
    assert "it may have been sent: an earlier" in ran.out
    assert ran.out.count("possibly sent twice: an earlier") == 1


def test_what_was_resent_stands_with_what_it_repeats(
    run: Run, config: Path, topic: SetTopic
) -> None:
    """Who has the old event in hand learns that it was told once more, by whom and why."""
    again = resend(make_event(), "rs-1", "the mailbox was lost")
    topic(attempt(Kind.ACCEPTED), attempt(Kind.ACCEPTED, event=again, uid="new"))
    ran = run("trace", EVENT, "--config", config)
    assert f"event {again.id}" in ran.out
    assert "resent by replay rs-1: the mailbox was lost" in ran.out
    assert f"repeats event {EVENT}" in ran.out


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("reference", [EVENT, UID, MESSAGE_ID, "oncall@example.com"])
def test_a_timeline_has_all_that_one_asks_for(
    run: Run, config: Path, topic: SetTopic, reference: str
) -> None:
    topic(attempt(Kind.DEFERRED, 1), attempt(Kind.ACCEPTED, 2, 1_392_138_734_950))
    ran = run("trace", reference, "--config", config)
    assert (ran.code, ran.err) == (0, "")
    lines = [line.strip() for line in ran.out.splitlines()]
    assert lines[0] == f"event {EVENT}"
    assert "CRITICAL (was OK), at 2014-02-11 17:12:13.810 UTC" in lines
    ids = "tenant 487000  entity enW3bSrv01  check chHttpW3b1  alarm alBodyM4tc  plan npOnCall01"
    assert ids in lines
    assert "read from alarm-events, partition 0, offset 7" in lines
    accepted = "2014-02-11 17:12:14.950  accepted  queued  oncall@example.com  attempt 2  143 ms"
    assert f"{accepted}  by w-1" in lines
    assert f"mailgun, message id {MESSAGE_ID}" in lines
    assert "says the provider of accepted" in lines
    assert "=> oncall@example.com: sent, the provider has accepted it" in lines
    assert any(line.endswith("event ended as accepted") for line in lines)


@pytest.mark.usefixtures("filled")
def test_json_has_event_history_steps_and_ledger(run: Run, config: Path, topic: SetTopic) -> None:
    topic(attempt(Kind.ACCEPTED))
    ran = run("trace", EVENT, "--config", config, "--json")
    (event,) = json.loads(ran.out)["events"]
    assert event["event"]["id"] == EVENT
    assert event["history"]["notification_results"][0]["success"] is True
    assert event["steps"][0]["schema"] == "notification-tracking-event/1"
    assert event["ledger"][0]["state"] == "accepted"
    assert event["ended"]["outcome"] == "accepted"


@pytest.mark.usefixtures("filled")
def test_without_kafka_there_is_one_warning_and_the_ledgers_part(
    run: Run, config: Path, topic: SetTopic
) -> None:
    topic()
    ran = run("trace", EVENT, "--config", config)
    assert ran.code == 0
    assert ran.err == (
        "messenger: warning: Kafka at 127.0.0.1:1 does not answer; what follows is without it\n"
    )
    assert "=> oncall@example.com: sent, the provider has accepted it" in ran.out


@pytest.mark.usefixtures("filled")
def test_no_topic_asks_the_ledger_only(run: Run, config: Path, topic: SetTopic) -> None:
    topic()
    ran = run("trace", EVENT, "--config", config, "--no-topic", "--json")
    assert (ran.code, ran.err) == (0, "")
    (event,) = json.loads(ran.out)["events"]
    assert (event["history"], event["steps"]) == (None, [])


def test_without_a_ledger_the_topic_tells_and_a_warning_says_what_to_do(
    run: Run, config: Path, topic: SetTopic
) -> None:
    topic(ending(Kind.SUPPRESSED, Reason.MAINTENANCE))
    ran = run("trace", EVENT, "--config", config)
    assert ran.code == 0
    assert "messenger ledger upgrade" in ran.err
    assert "=> nothing was sent: a maintenance window was in force (is maintenance)" in ran.out


def test_without_both_it_ends_with_3_and_tells_both(
    run: Run, config: Path, topic: SetTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic()
    monkeypatch.setenv("MESSENGER_LEDGER__URL", "postgresql+psycopg://me:s3cret@127.0.0.1:1/db")
    ran = run("trace", EVENT, "--config", config)
    assert ran.code == 3
    assert "Kafka at 127.0.0.1:1" in ran.err
    assert "ledger (PostgreSQL" in ran.err
    assert "s3cret" not in ran.err
    assert run("trace", EVENT, "--config", config, "--no-topic").code == 3


def test_only_the_ledger_asked_and_not_made_yet_is_our_own_mistake(run: Run, config: Path) -> None:
    ran = run("trace", EVENT, "--config", config, "--no-topic")
    assert ran.code == 2
    assert "messenger ledger upgrade" in ran.err


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("nobody", "no event and no notification with this id in the ledger and topic"),
        ("<a@b.example>", "no email with this Message-Id in the ledger and topic"),
        ("a@b.example", "no email to this address"),
    ],
)
def test_an_unknown_reference_ends_with_1_and_says_where_was_looked(
    run: Run, config: Path, topic: SetTopic, reference: str, what: str
) -> None:
    topic(attempt(Kind.ACCEPTED))
    ran = run("trace", reference, "--config", config)
    assert (ran.code, ran.out) == (1, "")
    assert what in ran.err
    assert "notification-tracking" in ran.err


@pytest.mark.usefixtures("filled")
def test_what_was_not_looked_at_is_not_said_to_know_nothing(
    run: Run, config: Path, topic: SetTopic
) -> None:
    topic()
    ran = run("trace", "nobody", "--config", config)
    assert ran.code == 1
    assert "with this id in the ledger: check" in ran.err


def test_an_empty_reference_is_wrong_usage(run: Run, config: Path) -> None:
    assert run("trace", " ", "--config", config).code == 2


@pytest.mark.usefixtures("filled")
def test_older_events_beyond_the_limit_are_counted(run: Run, config: Path, topic: SetTopic) -> None:
    steps = [
        msgspec.structs.replace(
            attempt(Kind.ACCEPTED, at=1_392_138_734_000 + n),
            id=f"t{n}",
            event=msgspec.structs.replace(attempt(Kind.ACCEPTED).event, id=f"event-{n}"),
        )
        for n in range(4)
    ]
    topic(*steps)
    ran = run("trace", "oncall@example.com", "--config", config, "--limit", "2")
    assert "3 older events are left out; --limit shows more" in ran.err
    assert ran.out.count("event event-") + ran.out.count(f"event {EVENT}") == 2


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_hostile_text_writes_no_control_sequence(
    run: Run, config: Path, topic: SetTopic, options: tuple[str, ...]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\r[bold]x[/bold]\u202e"
    step = attempt(Kind.ACCEPTED)
    event = msgspec.structs.replace(
        step.event, tenant_id=evil, event_id=evil, entity_id=evil, txn_id=evil
    )
    hostile = msgspec.structs.replace(
        step,
        event=event,
        worker=evil,
        outcome=msgspec.structs.replace(step.outcome, message=evil),
        notification=TrackedNotification(
            uid=evil, notification_id=evil, type=evil, destination=evil
        ),
        provider=TrackedProvider(name=evil, message_id=evil, event=evil),
        source=(evil, 0, 0),
    )
    topic(hostile)
    ran = run("trace", EVENT, "--config", config, *options)
    assert ran.code == 0
    printed = ran.out.replace("\n", "")
    assert not [c for c in printed if ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0]
    assert "[bold]x[/bold]" in printed
