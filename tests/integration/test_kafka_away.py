"""Kafka refuses connections, is slow, or never answers, while events flow."""

from pathlib import Path

from tests.support.kafka import KafkaBroker
from tests.support.outages import OUTAGES, QUICK, Outage
from tests.support.proxy import TcpProxy


def test_kafka_stopped_slow_and_silent(
    tmp_path: Path, proxied_kafka: tuple[KafkaBroker, TcpProxy]
) -> None:
    """The process says what it waits for; what was fed meanwhile goes out once it is back."""
    broker, proxy = proxied_kafka
    settings = QUICK | {"kafka.bootstrap_servers": proxy.address}
    with Outage(tmp_path, broker, overrides=settings) as run:
        run.begin(rounds=1 + len(OUTAGES))
        for outage in OUTAGES:
            run.live_through(outage, proxy, "kafka")
        run.assert_went_on()
