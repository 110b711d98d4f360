"""What the SQL catalog does beyond the contract: imports, broken rows, errors without secrets."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from consumer.adapters.catalog import import_directory, open_catalog
from consumer.adapters.catalog.cache import CachedCatalog
from consumer.domain.errors import CatalogUnavailable, SettingsError
from consumer.ports import LookupKey
from tests.support.clock import ManualClock


def write(directory: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return directory


def execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


def opened(url: str) -> CachedCatalog:
    catalog = open_catalog(url, clock=ManualClock())
    assert isinstance(catalog, CachedCatalog)
    return catalog


def labels(url: str, tenant: str, *ids: str) -> list[str | None]:
    catalog = opened(url)
    keys: list[LookupKey] = [(tenant, id_, "", "", None) for id_ in ids]
    snapshot = catalog.snapshot(keys)
    catalog.close()
    found = [snapshot.entity(tenant, id_) for id_ in ids]
    return [entity.label if entity else None for entity in found]


def test_import_counts_its_rows(tmp_path: Path, url: str) -> None:
    directory = write(
        tmp_path / "catalog",
        {
            "accounts.json": [{"id": "ac1", "external_id": "1"}, {"id": "ac2"}],
            "1/account.json": {"id": "ac1"},
            "1/entities.json": [{"id": "en1"}, {"id": "en2"}],
            "monitoring_zones.json": [{"id": "mz1"}],
        },
    )
    for _ in range(2):
        counts = import_directory(url, directory)
        assert {name: count for name, count in counts.items() if count} == {
            "accounts": 2,
            "entities": 2,
            "monitoring_zones": 1,
        }


def test_import_deletes_what_is_gone_of_the_tenants_it_holds(tmp_path: Path, url: str) -> None:
    both = {
        "entities.json": [{"id": "enAll", "label": "all"}],
        "1/entities.json": [{"id": "enGone"}, {"id": "enKept", "label": "old"}],
        "2/entities.json": [{"id": "enOther", "label": "other"}],
    }
    import_directory(url, write(tmp_path / "both", both))
    one = {"1/entities.json": [{"id": "enKept", "label": "new"}]}
    import_directory(url, write(tmp_path / "one", one))
    assert labels(url, "1", "enGone", "enKept", "enAll") == [None, "new", "all"]
    assert labels(url, "2", "enOther") == ["other"]


def test_broken_directory_changes_nothing(tmp_path: Path, url: str) -> None:
    directory = write(tmp_path / "catalog", {"1/entities.json": [{"id": "en1", "label": "good"}]})
    import_directory(url, directory)
    write(directory, {"1/entities.json": [{"id": "en1", "label": 5}]})
    with pytest.raises(SettingsError, match=r"1/entities.json: \[0\] \(en1\).label"):
        import_directory(url, directory)
    with pytest.raises(SettingsError, match="missing"):
        import_directory(url, tmp_path / "missing")
    assert labels(url, "1", "en1") == ["good"]


def test_large_batch_is_fetched_in_chunks(tmp_path: Path, url: str) -> None:
    rows = [{"id": f"en{n}", "label": str(n)} for n in range(1001)]
    import_directory(url, write(tmp_path / "catalog", {"1/entities.json": rows}))
    assert labels(url, "1", *(f"en{n}" for n in range(1001))) == [str(n) for n in range(1001)]


@pytest.mark.parametrize("body", ['{"id": "en2"', "[]", '{"label": 5}'])
def test_broken_row_breaks_no_other(tmp_path: Path, url: str, body: str) -> None:
    rows = [{"id": "en1", "label": "good"}, {"id": "en2"}]
    import_directory(url, write(tmp_path / "catalog", {"1/entities.json": rows}))
    execute(url, f"UPDATE catalog_entities SET body = '{body}' WHERE id = 'en2'")
    catalog = opened(url)
    snapshot = catalog.snapshot([("1", "en1", "", "", None), ("1", "en2", "", "", None)])
    catalog.close()
    assert snapshot.entity("1", "en1") is not None
    assert snapshot.entity("1", "en2") is None
    assert snapshot.degraded
    (problem,) = catalog.problems()
    assert problem.startswith("catalog_entities: tenant 1")


def test_rows_written_by_hand_are_read(tmp_path: Path, url: str) -> None:
    import_directory(url, write(tmp_path / "catalog", {"entities.json": []}))
    execute(
        url,
        "INSERT INTO catalog_accounts (tenant_id, id, body) "
        """VALUES ('1', 'ac1', '{"label": "x"}')""",
    )
    catalog = opened(url)
    account = catalog.snapshot([("ac1", "", "", "", None)]).account("ac1")
    catalog.close()
    assert account is not None
    assert (account.id, account.external_id, account.label) == ("ac1", "1", "x")


def test_missing_database_is_not_created(tmp_path: Path, url: str) -> None:
    catalog = opened(url)
    with pytest.raises(CatalogUnavailable, match="import a catalog first"):
        catalog.ping()
    assert not (tmp_path / "catalog.db").exists()


def test_database_without_tables_is_unavailable_in_one_line(tmp_path: Path, url: str) -> None:
    execute(url, "CREATE TABLE other (id TEXT)")
    catalog = opened(url)
    with pytest.raises(CatalogUnavailable, match="catalog_accounts") as caught:
        catalog.snapshot([("1", "", "", "", None)])
    assert "\n" not in str(caught.value)
    catalog.close()


def test_password_is_in_no_error() -> None:
    # Port 1 is nobody's; in the query a password is as secret as in its place.
    for address in ("u:geheim@127.0.0.1:1/db", "u@127.0.0.1:1/db?password=geheim"):
        catalog = opened(f"postgresql+psycopg://{address}")
        with pytest.raises(CatalogUnavailable) as caught:
            catalog.ping()
        catalog.close()
        assert "127.0.0.1" in str(caught.value)
        assert "geheim" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "address",
    [
        "mysql://u:geheim@db/x",
        "postgresql://u:geheim@db/x",
        "sqlite://",
        "geheim",
        "://geheim",
        "postgresql+psycopg://u:geheim@db:port/x",
    ],
)
def test_address_of_no_use_is_a_setting_to_correct(address: str) -> None:
    with pytest.raises(SettingsError, match=r"catalog\.url") as caught:
        open_catalog(address, clock=ManualClock())
    assert "geheim" not in str(caught.value)
