"""The catalog's tables: one per kind of row, each a JSON object in the API's shape.

Users may fill them by their own means. `tenant_id` is the tenant id that events carry, or empty
for rows that belong to every tenant; for accounts it is the customer that the account describes.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import JSON, Column, DateTime, Index, MetaData, String, Table, func
from sqlalchemy.dialects.postgresql import JSONB

from consumer.adapters.catalog.rows import NAMES, ValueType
from consumer.domain.catalog import Account

METADATA: Final = MetaData()


def _table(name: str) -> Table:
    return Table(
        f"catalog_{name}",
        METADATA,
        Column("tenant_id", String(255), primary_key=True),
        Column("id", String(255), primary_key=True),
        Column("body", JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


TABLES: Final[Mapping[ValueType, Table]] = {kind: _table(name) for kind, name in NAMES.items()}

# Accounts are asked for by their internal id as well.
Index("catalog_accounts_by_id", TABLES[Account].c.id)
