"""The ledger's PostgreSQL refuses connections, is slow, or never answers, while events flow."""

from pathlib import Path

from sqlalchemy import make_url

from consumer.adapters.ledger import upgrade
from tests.support.kafka import Kafka
from tests.support.outages import OUTAGES, QUICK, Outage
from tests.support.postgres import PostgresServer
from tests.support.proxy import TcpProxy


def test_ledger_stopped_slow_and_silent(
    tmp_path: Path, kafka: Kafka, postgres_server: PostgresServer
) -> None:
    """Nothing is sent unlocked; the process says what it waits for, and goes on by itself."""
    direct = make_url(postgres_server.new_database())
    assert direct.host is not None
    upgrade(direct.render_as_string(hide_password=False))
    with TcpProxy(direct.host, direct.port or 5432) as proxy:
        limits = {"connect_timeout": "2", "tcp_user_timeout": "1000"}
        behind = direct.set(port=proxy.port, query=limits).render_as_string(hide_password=False)
        with Outage(tmp_path, kafka, overrides=QUICK, ledger_url=behind) as run:
            run.begin(rounds=1 + len(OUTAGES))
            for outage in OUTAGES:
                run.live_through(outage, proxy, "ledger")
            run.assert_went_on()
