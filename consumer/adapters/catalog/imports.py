"""A directory of catalog files, written into the tables of a SQL catalog."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, insert

from consumer.adapters.catalog.database import catalog_errors, open_engine
from consumer.adapters.catalog.rows import NAMES, Row, ValueType
from consumer.adapters.catalog.tables import METADATA, TABLES
from consumer.adapters.catalog.tree import Tree, list_files, read_tree
from consumer.domain.catalog import Account
from consumer.domain.errors import SettingsError


def import_directory(url: str, directory: Path) -> dict[str, int]:
    """Make the tables say what the directory says, in one transaction; rows written per kind.

    For the tenants that have files there (the shared files count as one) rows that are gone from
    them are deleted; other tenants' rows stay. The tables are created where they are missing.
    Raises SettingsError when the directory or the address is wrong, with every problem;
    CatalogUnavailable when the database does not answer.
    """
    try:
        tree = read_tree(directory, list_files(directory))
    except OSError as error:
        raise SettingsError([f"catalog directory {directory}: {error.strerror}"]) from error
    if tree.broken:
        raise SettingsError(tree.broken)
    engine = open_engine(url)
    try:
        with catalog_errors(engine, may_create=True), engine.begin() as connection:
            METADATA.create_all(connection)
            return {
                name: _replace(connection, kind, _rows_of(kind, tree), tree)
                for kind, name in NAMES.items()
            }
    finally:
        engine.dispose()


def _rows_of(kind: ValueType, tree: Tree) -> Sequence[Row]:
    rows = [row for row in tree.rows if isinstance(row.value, kind)]
    if kind is not Account:
        return rows
    # An account belongs to the tenant it describes: one in the tenant's own files counts.
    first: Mapping[str, Row] = {row.tenant: row for row in reversed(rows)}
    return list(first.values())


def _replace(connection: Connection, kind: ValueType, rows: Sequence[Row], tree: Tree) -> int:
    table = TABLES[kind]
    held = tree.tenants | {row.tenant for row in rows}
    connection.execute(
        delete(table).where(table.c.tenant_id == bindparam("held")),
        [{"held": tenant} for tenant in sorted(held)],
    )
    if rows:
        connection.execute(
            insert(table),
            [{"tenant_id": r.tenant, "id": r.value.id, "body": r.body()} for r in rows],
        )
    return len(rows)
