"""`messenger feedback`, and feedback inside `messenger run`, as processes."""

import signal
from pathlib import Path

import requests

from consumer.domain.reasons import Kind
from consumer.sandbox.catalog import write_load_catalog
from consumer.sandbox.mailgun import Options
from tests.support import process
from tests.support.kafka import Kafka, until
from tests.support.load import load
from tests.support.messenger import DOMAIN, KEY, Messenger
from tests.support.reports import SIGNING_KEY

FEEDBACK = f"""
[feedback]
in_run = true
port = 0
telemetry_port = 0
signing_key = "{SIGNING_KEY}"
poll_interval_seconds = 0.5
settle_seconds = 1.0
"""
EMAILS = 12


def address(messenger: Messenger, name: str) -> str:
    """Where the process receives webhooks."""
    lines = messenger.log(name)
    found = [line["address"] for line in lines if line["event"] == "webhooks.listening"]
    return str(found[0])


def quiet(messenger: Messenger) -> bool:
    """No webhook waits or is under way."""
    state = messenger.fake.webhooks()
    return not (state["waiting"] or state["under_way"])


def test_what_webhooks_lose_a_second_process_reads_and_trace_shows_both(
    tmp_path: Path, kafka: Kafka
) -> None:
    options = Options(api_keys={KEY: "full"}, signing_key=SIGNING_KEY)
    only_webhooks = {"feedback.poll": "false"}
    with Messenger(
        tmp_path, kafka, options=options, settings=FEEDBACK, overrides=only_webhooks
    ) as messenger:
        write_load_catalog(messenger.catalog, EMAILS, EMAILS)
        messenger.start("one")
        messenger.until_logged("one", "webhooks.listening")
        requests.post(
            f"{messenger.fake.url}/v3/domains/{DOMAIN}/webhooks",
            data={"id": "delivered", "url": address(messenger, "one")},
            auth=("api", KEY),
            timeout=10,
        ).raise_for_status()
        messenger.fake.disturb_webhooks({"kind": "lose", "probability": 0.5, "seed": 1})
        records = load(EMAILS, atoms=EMAILS)
        kafka.produce(messenger.events, [(r.key, r.value) for r in records])
        messenger.until_done(EMAILS)
        until(lambda: quiet(messenger), "each webhook has its answer")
        reader = process.Process(
            *("consumer", "feedback", "-c", str(messenger.config)),
            *("--worker", "reader", "--no-webhooks"),
            stdout=tmp_path / "reader.log",
        )
        until(
            lambda: len(messenger.tracked([Kind.DELIVERED])) == EMAILS,
            "all are delivered",
            pause_seconds=0.2,
        )
        reader.send_signal(signal.SIGTERM)
        assert reader.wait(20) == 0
        told = messenger.tracked([Kind.DELIVERED])
        assert {record.worker for record in told} == {"one", "reader"}
        assert {record.event.id for record in told} == {
            record.event.id for record in messenger.tracked([Kind.ACCEPTED])
        }
        traced = messenger.command("trace", str(told[0].event.id))
        assert ": delivered" in traced.stdout.splitlines()[-2]
        assert messenger.terminate("one") == 0


def test_what_it_lacks_is_told_at_once_with_the_way_out(tmp_path: Path) -> None:
    config = tmp_path / "messenger.toml"
    config.write_text(
        f'[mailgun]\ndomain = "{DOMAIN}"\napi_key = "k"\nfrom_address = "a@{DOMAIN}"\n'
    )
    done = process.run("consumer", "feedback", "-c", config, cwd=tmp_path)
    assert done.returncode == 2
    assert "[feedback] signing_key" in done.stderr
    assert "--no-webhooks" in done.stderr
    assert "[mailgun] lookup_key" in done.stderr
    assert "--no-poll" in done.stderr
    neither = process.run(
        "consumer", "feedback", "-c", config, "--no-poll", "--no-webhooks", cwd=tmp_path
    )
    assert (neither.returncode, neither.stderr.count("\n")) == (2, 1)
