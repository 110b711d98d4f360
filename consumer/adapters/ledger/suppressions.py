"""Addresses that get no email, on the ledger's database: what the provider's lists hold."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Connection,
    Executable,
    Text,
    bindparam,
    delete,
    select,
)
from sqlalchemy.types import Double

from consumer.adapters.ledger.batch import given, rows, upsert
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.schema import suppressed_addresses
from consumer.adapters.ledger.shared_clock import database_now
from consumer.adapters.ledger.statement import Statement
from consumer.domain.suppression import SuppressedAddress, SuppressionList

_TABLE: Final = suppressed_addresses.c
_ENTRIES: Final = given(address=Text, since=Double, why=Text, tags=Text)
_WANTED: Final = given(address=Text)
_DOMAIN: Final = bindparam("of_domain", type_=Text)
_LIST: Final = bindparam("of_list", type_=Text)

_NOW: Final = select(database_now())
#: Asked of each batch of events, so it goes to the driver itself.
_FOUND: Final = Statement(
    lambda _: (
        select(suppressed_addresses)
        .join(_WANTED, _TABLE.address == _WANTED.c.address)
        .where(_TABLE.domain == _DOMAIN)
        # Of an address on several lists, the same one is told each time.
        .order_by(_TABLE.address, _TABLE.list)
    )
)
_NAMES: Final = [column.name for column in _TABLE]
_LISTED: Final = (
    select(suppressed_addresses)
    .where(_TABLE.domain == _DOMAIN, _TABLE.list == _LIST)
    .order_by(_TABLE.address)
)
_DROP: Final = delete(suppressed_addresses).where(
    _TABLE.domain == _DOMAIN,
    _TABLE.list == _LIST,
    _TABLE.noted_at < bindparam("before", type_=Double),
)
_REMOVE: Final = delete(suppressed_addresses).where(
    _TABLE.domain == _DOMAIN,
    _TABLE.list == _LIST,
    _TABLE.address == bindparam("of_address", type_=Text),
)


@cache
def _keep(dialect: str) -> Executable:
    each = _ENTRIES.c
    new = select(
        _DOMAIN, each.address, _LIST, each.since, each.why, each.tags, database_now()
    ).order_by(each.address)
    names = ["domain", "address", "list", "since", "why", "tags", "noted_at"]
    insert = upsert(suppressed_addresses, dialect).from_select(names, new)
    return insert.on_conflict_do_update(
        index_elements=names[:3], set_={name: insert.excluded[name] for name in names[3:]}
    )


class SqlSuppressions:
    """`feedback.ports.SuppressionStore`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> float:
        return self._database.read(lambda c: c.execute(_NOW).scalar_one())

    def keep(self, domain: str, entries: Collection[SuppressedAddress]) -> None:
        if entries:
            self._database.write(lambda c: _keep_all(c, domain, entries))

    def drop_older(self, domain: str, of: SuppressionList, before: float) -> int:
        given_ = {"of_domain": domain, "of_list": of.value, "before": before}
        return self._database.write(lambda c: c.execute(_DROP, given_).rowcount)

    def remove(self, domain: str, of: SuppressionList, address: str) -> bool:
        given_ = {"of_domain": domain, "of_list": of.value, "of_address": address.lower()}
        return self._database.write(lambda c: c.execute(_REMOVE, given_).rowcount == 1)

    def listed(self, domain: str, of: SuppressionList) -> Sequence[SuppressedAddress]:
        given_ = {"of_domain": domain, "of_list": of.value}
        found = self._database.read(lambda c: c.execute(_LISTED, given_).all())
        return [_entry(row) for row in found]

    def holding_back(
        self, domain: str, addresses: Collection[str]
    ) -> Mapping[str, SuppressedAddress]:
        if not addresses:
            return {}
        wanted = rows([address] for address in sorted({each.lower() for each in addresses}))
        found = self._database.read(
            lambda c: _FOUND.run(c, of_domain=domain, rows=wanted).fetchall()
        )
        holding: dict[str, SuppressedAddress] = {}
        for entry in map(_entry, found):
            if entry.holds_back:
                holding.setdefault(entry.address, entry)
        return holding


def _keep_all(connection: Connection, domain: str, entries: Collection[SuppressedAddress]) -> None:
    """List by list, each address once: one statement must not touch a row twice."""
    by_list: dict[SuppressionList, dict[str, SuppressedAddress]] = {}
    for entry in entries:
        by_list.setdefault(entry.list, {})[entry.address.lower()] = entry
    for of, found in sorted(by_list.items()):
        values = rows(
            (address, None if one.since is None else int(one.since), one.why, _tags_as_text(one))
            for address, one in found.items()
        )
        parameters = {"of_domain": domain, "of_list": of.value, "rows": values}
        connection.execute(_keep(connection.dialect.name), parameters)


def _tags_as_text(entry: SuppressedAddress) -> str:
    return msgspec.json.encode(entry.tags).decode()


def _entry(values: Iterable[Any]) -> SuppressedAddress:
    row = dict(zip(_NAMES, values, strict=True))
    return SuppressedAddress(
        list=SuppressionList(row["list"]),
        address=row["address"],
        since=row["since"],
        why=row["why"],
        tags=msgspec.json.decode(row["tags"], type=tuple[str, ...]),
    )
