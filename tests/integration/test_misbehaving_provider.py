"""A provider that breaks down or throttles for a while, with many alarms waiting."""

from collections import Counter
from pathlib import Path

import pytest

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from tests.support.kafka import Kafka, until
from tests.support.load import RECIPIENTS, assert_in_order, by_event, decoded, load
from tests.support.messenger import Messenger, budget
from tests.support.outages import ALARMS, NAME, Outage
from tests.support.smtp import FakeSmtp

FEW_SENDERS = {"delivery.senders": 8, "delivery.breaker_probe_seconds": 0.5}
SMTP = {"delivery.fallback": "smtp", "smtp.host": "127.0.0.1", "smtp.tls": "none"}


def calls(messenger: Messenger, *names: str) -> list[dict[str, object]]:
    """The access log's sends of some processes."""
    return [
        line
        for name in names
        for line in messenger.log(name)
        if line["event"] == "transport.call" and line["call"] == "send"
    ]


def test_a_provider_that_answers_500_is_left_alone_until_it_recovers(
    tmp_path: Path, kafka: Kafka
) -> None:
    """The breaker opens after a few calls; then one probe at a time, and nothing twice."""
    with Messenger(tmp_path, kafka, overrides=budget(1) | FEW_SENDERS) as messenger:
        write_load_catalog(messenger.catalog, 300, RECIPIENTS)
        messenger.fake.script({"kind": "status", "status": 500, "count": None})
        records = load(300, atoms=300)
        events = decoded(records)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.start("one")
        messenger.until_logged("one", "dependency.down", dependency="mailgun")
        until(
            lambda: len(messenger.tracked([Kind.IN_DOUBT])) >= 16,
            "some probes have failed",
            pause_seconds=0.2,
        )
        messenger.fake.forget_faults()
        messenger.until_accepted(300)
        messenger.until_done(300)

        mails = messenger.fake.messages(limit=5000)
        assert by_event(mails) == dict.fromkeys(events, 1)
        assert_in_order(mails, events)
        per_email = Counter(call["uid"] for call in calls(messenger, "one"))
        assert max(per_email.values()) <= 2, "no email was tried again in vain"
        messenger.until_logged("one", "dependency.up", dependency="mailgun")


@pytest.mark.parametrize("processes", [1, 3])
def test_a_throttled_domain_is_asked_once_per_process(
    tmp_path: Path, kafka: Kafka, processes: int
) -> None:
    """429 with its end: whoever heard it waits, nothing is dropped, then all of it goes."""
    names = [f"p{n}" for n in range(processes)]
    with Messenger(tmp_path, kafka, overrides={"delivery.senders": 4}) as messenger:
        write_load_catalog(messenger.catalog, 400, RECIPIENTS)
        for name in names:
            messenger.start(name)
        for name in names:
            messenger.until_logged(name, "partitions.assigned")
        messenger.fake.script({"kind": "throttle", "seconds": 2, "retry": "seconds", "count": None})
        records = load(400, atoms=400)
        events = decoded(records)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        until(lambda: calls(messenger, *names), "the first was refused")
        messenger.fake.forget_faults()
        messenger.until_accepted(400)
        messenger.until_done(400)

        mails = messenger.fake.messages(limit=5000)
        assert by_event(mails) == dict.fromkeys(events, 1)
        assert_in_order(mails, events)
        for name in names:
            refused = [c for c in calls(messenger, name) if c["outcome"] == "deferred"]
            assert len(refused) <= 4, "only what was under way when the first was refused"
        assert {r.event.id for r in messenger.tracked([Kind.ACCEPTED])} == set(events)


def test_smtp_takes_over_and_gives_back(tmp_path: Path, kafka: Kafka) -> None:
    """Only what was surely not accepted falls back; Mailgun is taken back by itself."""
    with (
        FakeSmtp() as smtp,
        Messenger(
            tmp_path, kafka, overrides=budget(2) | SMTP | {"smtp.port": smtp.port}
        ) as messenger,
    ):
        write_load_catalog(messenger.catalog, 300, RECIPIENTS)
        messenger.fake.script({"kind": "status", "status": 500, "count": None})
        records = load(300, atoms=300)
        events = decoded(records)
        half = [(r.key, r.value) for r in records[:150]]
        messenger.start("one")
        kafka.produce(messenger.events, half)
        until(lambda: len(smtp.messages) >= 100, "SMTP takes over")
        messenger.fake.forget_faults()
        messenger.until_logged("one", "dependency.up", dependency="mailgun")
        kafka.produce(messenger.events, [(r.key, r.value) for r in records[150:]])
        messenger.until_done(300)

        by_mailgun = {mail["message_id"].strip("<>") for mail in messenger.fake.messages(limit=999)}
        by_smtp = {message.message_id.strip("<>") for message in smtp.messages}
        assert not by_mailgun & by_smtp, "nothing went both ways"
        assert len(by_mailgun) + len(by_smtp) == 300
        accepted = messenger.tracked([Kind.ACCEPTED])
        assert {r.event.id for r in accepted} == set(events)
        names = {r.provider.name for r in accepted if r.provider is not None}
        assert names == {"mailgun", "smtp"}
        fallen_back = {r.event.id for r in messenger.tracked([Kind.FALLBACK])}
        assert len(fallen_back) >= len(by_smtp)


def test_a_lone_alarm_goes_by_smtp_within_seconds(tmp_path: Path, kafka: Kafka) -> None:
    """Nobody else shows that Mailgun is away; the process stays ready and says who carries."""
    with (
        FakeSmtp() as smtp,
        Outage(tmp_path, kafka, overrides=SMTP | {"smtp.port": smtp.port}) as run,
    ):
        run.begin(rounds=2)
        run.fake.stop()
        run.next_events(1)
        until(lambda: smtp.messages, "the email is out", 10)
        run.until_logged(NAME, "dependency.down", dependency="mailgun")
        said = run.readiness()
        assert said["ready"]
        assert said["dependencies"]["mailgun"].startswith("away, smtp carries: 127.0.0.1:")
        run.until_done(ALARMS + 1)
        assert len(smtp.messages) == 1
