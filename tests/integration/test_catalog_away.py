"""The catalog's database is away, or its files are, while events flow."""

from pathlib import Path

from sqlalchemy import make_url

from consumer.adapters.catalog import import_directory
from consumer.sandbox.catalog import write_load_catalog
from tests.support.kafka import Kafka, until
from tests.support.load import RECIPIENTS
from tests.support.outages import ALARMS, OUTAGES, QUICK, Outage
from tests.support.postgres import PostgresServer
from tests.support.proxy import TcpProxy

#: Answers get old at once, and may not stand in for long.
FORGETFUL = {"catalog.max_age_seconds": 0.2, "catalog.stale_seconds": 0.3}


def test_catalog_in_a_database_stopped_slow_and_silent(
    tmp_path: Path, kafka: Kafka, postgres_server: PostgresServer
) -> None:
    """Events wait for what it knows of them; the process says so, and goes on by itself."""
    direct = make_url(postgres_server.new_database())
    assert direct.host is not None
    write_load_catalog(tmp_path / "load", ALARMS, RECIPIENTS)
    import_directory(direct.render_as_string(hide_password=False), tmp_path / "load")
    with TcpProxy(direct.host, direct.port or 5432) as proxy:
        limits = {"connect_timeout": "2", "tcp_user_timeout": "500"}
        behind = direct.set(port=proxy.port, query=limits).render_as_string(hide_password=False)
        settings = QUICK | FORGETFUL | {"catalog.url": behind}
        with Outage(tmp_path, kafka, overrides=settings) as run:
            run.begin(rounds=1 + len(OUTAGES))
            for outage in OUTAGES:
                run.live_through(outage, proxy, "catalog")
            run.assert_went_on()


def test_files_that_are_gone_leave_the_last_good_ones_in_force(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Events go out as before; the process says that what it knows is old."""
    with Outage(tmp_path, kafka, overrides=QUICK) as run:
        run.begin(rounds=2)
        away = run.catalog.rename(tmp_path / "elsewhere")
        until_noticed(run)
        away.rename(run.catalog)
        until_noticed(run, missed=False)
        run.assert_went_on()


def until_noticed(run: Outage, *, missed: bool = True) -> None:
    """The files are looked at as events come, at most once a second."""

    def noticed() -> bool:
        run.next_events(1)
        run.until_all_accepted()
        return run.is_missed("catalog") is missed

    until(noticed, "a look at the files")
