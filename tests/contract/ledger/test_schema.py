"""The schema: migrations and tables agree, upgrades are safe, a wrong schema is refused."""

import multiprocessing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from consumer.adapters.ledger import current_revision, open_ledger, upgrade
from consumer.adapters.ledger.schema import metadata
from consumer.domain.errors import SettingsError


def set_revision(url: str, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def test_migrations_give_the_tables_of_the_program(ledger_url: str) -> None:
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        migrations = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(migrations, metadata)
    engine.dispose()
    assert differences == []


def test_upgrade_tells_the_revision_and_may_be_repeated(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    revision = upgrade(empty_url)
    assert upgrade(empty_url) == revision
    assert current_revision(empty_url) == revision


def test_ledger_without_tables_is_refused_with_what_to_do(empty_url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_ledger(empty_url)
    assert str(caught.value) == "the ledger has no tables yet: run `messenger ledger upgrade`"


def test_newer_ledger_is_refused_and_left_alone(empty_url: str) -> None:
    upgrade(empty_url)
    set_revision(empty_url, "9999")
    for attempt in (open_ledger, upgrade):
        with pytest.raises(SettingsError, match=r"revision 9999, .* does not know"):
            attempt(empty_url)
    assert current_revision(empty_url) == "9999"


def test_processes_that_upgrade_at_once_all_succeed(empty_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        revisions = pool.map(upgrade, [empty_url] * 3, chunksize=1)
    assert revisions == [current_revision(empty_url)] * 3
    open_ledger(empty_url).close()
