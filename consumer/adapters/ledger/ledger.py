"""The ledger on a SQL database: each method is one transaction."""

from collections.abc import Collection, Mapping, Sequence
from time import perf_counter

from sqlalchemy import ColumnElement, Connection

from consumer.adapters.ledger import (
    claims,
    closing,
    deliveries,
    gates,
    limits,
    migrating,
    reading,
    releasing,
    reopening,
    telling,
)
from consumer.adapters.ledger.clock_skew import ClockSkew, OnSkew, not_told, seconds_ahead
from consumer.adapters.ledger.database import Database
from consumer.adapters.ledger.engine import build_engine, is_memory, parse_url
from consumer.adapters.ledger.feedback import SqlFeedback
from consumer.adapters.ledger.problems import SqlProblems
from consumer.adapters.ledger.rollout import SqlRollout
from consumer.adapters.ledger.shared_clock import DATABASE_CLOCK
from consumer.adapters.ledger.suppressions import SqlSuppressions
from consumer.domain.ledger import (
    AtomState,
    ClaimRequest,
    Claims,
    Closing,
    DeliveryRow,
    DeliveryState,
    EventRow,
    SendingMark,
    Settlement,
)


class SqlLedger:
    """`ports.Ledger` on SQLite or PostgreSQL; safe for many threads and many processes.

    An owner is one run of one process. A restarted process must use another name: under its old
    one it would take its own sends in doubt for sends that it may repeat.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: ColumnElement[float] = DATABASE_CLOCK,
        on_skew: OnSkew = not_told,
    ) -> None:
        """`clock` says when a lease is over; `on_skew` is told when ours and it disagree."""
        self._database = database
        self._clock = clock
        self._skew = ClockSkew(on_skew)
        #: What feedback needs, on the same database.
        self.feedback = SqlFeedback(database)
        #: The provider's lists of addresses that get no email, there too.
        self.suppressions = SqlSuppressions(database)
        #: How many emails each recipient got, and what is held back.
        self.limits = limits.SqlLimits(database, clock)
        #: Problems that are to recover, there too.
        self.problems = SqlProblems(database)
        #: Shares of routes that are changed while processes run, there too.
        self.rollout = SqlRollout(database)

    def heartbeat(self, owner: str, now: float, lease_seconds: float) -> float:
        started = perf_counter()
        shared = self._database.write(
            lambda c: claims.heartbeat(c, owner, now, lease_seconds, self._clock)
        )
        self._skew.measured(seconds_ahead(now, now + perf_counter() - started, shared))
        return now + lease_seconds

    def claim(self, owner: str, requests: Sequence[ClaimRequest], now: float) -> Claims:
        if not requests:
            return Claims(won={}, held={}, events={}, deliveries={})
        return self._database.write(lambda c: claims.claim(c, owner, requests, now, self._clock))

    def mark_sending(self, owner: str, marks: Sequence[SendingMark], now: float) -> Collection[str]:
        if not marks:
            return ()
        return self._database.write(lambda c: deliveries.mark_sending(c, owner, marks, now))

    def settle(self, owner: str, settlements: Sequence[Settlement], now: float) -> Collection[str]:
        if not settlements:
            return ()
        return self._database.write(lambda c: deliveries.settle(c, owner, settlements, now))

    def close_events(self, closings: Sequence[Closing], now: float) -> None:
        if closings:
            self._database.write(lambda c: closing.close_events(c, closings, now))

    def reopen(self, event_ids: Collection[str], now: float) -> Collection[str]:
        if not event_ids:
            return ()
        return self._database.write(lambda c: reopening.reopen(c, event_ids, now))

    def release(self, owner: str, atoms: Collection[str]) -> None:
        if atoms:
            self._database.write(lambda c: releasing.release(c, owner, atoms))

    def release_all(self, owner: str) -> None:
        self._database.write(lambda c: releasing.release_all(c, owner))

    def prune(self, before: float, limit: int) -> int:
        def of_all(connection: Connection) -> int:
            deleted = releasing.prune(connection, before, limit)
            return deleted + limits.prune(connection, before, limit - deleted)

        return self._database.write(of_all)

    def close_gate(self, name: str, seconds: float) -> None:
        self._database.write(lambda c: gates.close_gate(c, name, seconds))

    def gates(self) -> Mapping[str, float]:
        return self._database.read(gates.closed)

    def find_deliveries(
        self,
        *,
        uid: str | None = None,
        event_id: str | None = None,
        message_id: str | None = None,
        destination: str | None = None,
        states: Collection[DeliveryState] = (),
        limit: int = 100,
    ) -> Sequence[DeliveryRow]:
        return self._database.read(
            lambda c: reading.find_deliveries(
                c,
                uid=uid,
                event_id=event_id,
                message_id=message_id,
                destination=destination,
                states=states,
                limit=limit,
            )
        )

    def find_events(self, ids: Collection[str]) -> Mapping[str, EventRow]:
        return self._database.read(lambda c: reading.events_by_id(c, ids))

    def find_atoms(self, atoms: Collection[str]) -> Mapping[str, AtomState]:
        return self._database.read(lambda c: reading.atoms_by_name(c, atoms))

    def deliveries_of(self, event_ids: Collection[str]) -> Mapping[str, DeliveryRow]:
        """By notification uid, all deliveries of these events."""
        return self._database.read(lambda c: reading.deliveries_of(c, event_ids))

    def newest_told(self, atoms: Collection[str], since: float) -> Mapping[str, EventRow]:
        """By atom, the newest event that was told, of those that ended at `since` or later."""
        if not atoms:
            return {}
        return self._database.read(lambda c: telling.newest_told(c, atoms, since))

    def counts(self) -> Mapping[str, int]:
        return self._database.read(reading.counts)

    def ping(self) -> None:
        self._database.read(reading.ping)

    def close(self) -> None:
        self._database.close()


def open_ledger(
    url: str,
    *,
    pool_size: int = 8,
    timeout_seconds: float = 10.0,
    connect_timeout_seconds: float = 5.0,
    clock: ColumnElement[float] = DATABASE_CLOCK,
    on_skew: OnSkew = not_told,
) -> SqlLedger:
    """Open the ledger at `sqlite:///path` or `postgresql+psycopg://user@host/database`.

    `timeout_seconds` limits one statement, and the wait for a lock or a free connection.
    `sqlite://` is a ledger in memory, made with its tables at once, that nobody else sees. For
    `clock` and `on_skew` see SqlLedger.

    Raises SettingsError when the URL is not usable or the schema is not ours, and
    LedgerUnavailable when the database does not answer.
    """
    parsed = parse_url(url)
    database = Database(
        build_engine(
            parsed,
            pool_size=pool_size,
            timeout_seconds=timeout_seconds,
            connect_timeout_seconds=connect_timeout_seconds,
        ),
        timeout_seconds,
    )
    try:
        if is_memory(parsed):
            migrating.upgrade_database(database)
        else:
            migrating.check(parsed, database)
    except BaseException:
        database.close()
        raise
    return SqlLedger(database, clock=clock, on_skew=on_skew)
