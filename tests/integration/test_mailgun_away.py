"""Mailgun refuses connections, is slow, or never answers, while events flow."""

from pathlib import Path
from urllib.parse import urlsplit

from tests.support.kafka import Kafka
from tests.support.messenger import budget
from tests.support.outages import OUTAGES, QUICK, Outage
from tests.support.proxy import TcpProxy


def test_mailgun_stopped_slow_and_silent(tmp_path: Path, kafka: Kafka) -> None:
    """The process says what it waits for; when Mailgun is back everything goes out once."""
    with Outage(tmp_path, kafka, overrides=QUICK | budget(10)) as run:
        there = urlsplit(run.fake.url)
        assert there.hostname is not None
        assert there.port is not None
        with TcpProxy(there.hostname, there.port) as proxy:
            run.override("mailgun.base_url", f"http://{proxy.address}")
            run.begin(rounds=1 + len(OUTAGES))
            for outage in OUTAGES:
                run.live_through(outage, proxy, "mailgun", "mailgun_lookup")
            run.assert_went_on()
