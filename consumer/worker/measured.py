"""Stores that measure: every call is timed, and its dependency said to be up or down."""

from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter
from typing import TypeVar

from consumer.domain.errors import CatalogUnavailable, LedgerUnavailable
from consumer.domain.ledger import (
    ClaimRequest,
    Claims,
    Closing,
    DeliveryRow,
    DeliveryState,
    EventRow,
    SendingMark,
    Settlement,
)
from consumer.ports import Catalog, Ledger, LookupKey, Snapshot
from consumer.telemetry.metrics import Metrics

T = TypeVar("T")


class MeasuredLedger:
    """Passes everything on to another ledger.

    After a failure it takes a call that has surely written to say that the ledger is back: with a
    full disk, calls that find nothing to write succeed between others that fail. A heartbeat
    writes, but little; it counts when nothing else has failed since the one before.
    """

    def __init__(
        self, ledger: Ledger, metrics: Metrics, on_state: Callable[[bool, str], None]
    ) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._on_state = on_state
        self._is_down = False
        #: A call other than a heartbeat has failed since the last heartbeat.
        self._work_failed = False

    def heartbeat(self, owner: str, now: float, lease_seconds: float) -> float:
        lease_until = self._timed(
            "heartbeat",
            lambda: self._ledger.heartbeat(owner, now, lease_seconds),
            wrote=lambda _: not self._work_failed,
        )
        self._work_failed = False
        return lease_until

    def claim(self, owner: str, requests: Sequence[ClaimRequest], now: float) -> Claims:
        return self._timed("claim", lambda: self._ledger.claim(owner, requests, now))

    def mark_sending(self, owner: str, marks: Sequence[SendingMark], now: float) -> Collection[str]:
        return self._timed(
            "mark_sending",
            lambda: self._ledger.mark_sending(owner, marks, now),
            wrote=lambda refused: len(refused) < len({mark.uid for mark in marks}),
        )

    def settle(self, owner: str, settlements: Sequence[Settlement], now: float) -> Collection[str]:
        return self._timed("settle", lambda: self._ledger.settle(owner, settlements, now))

    def close_events(self, closings: Sequence[Closing], now: float) -> None:
        self._timed("close_events", lambda: self._ledger.close_events(closings, now))

    def reopen(self, event_ids: Collection[str], now: float) -> Collection[str]:
        return self._timed("reopen", lambda: self._ledger.reopen(event_ids, now))

    def release(self, owner: str, atoms: Collection[str]) -> None:
        self._timed("release", lambda: self._ledger.release(owner, atoms))

    def release_all(self, owner: str) -> None:
        self._timed("release", lambda: self._ledger.release_all(owner))

    def prune(self, before: float, limit: int) -> int:
        return self._timed("prune", lambda: self._ledger.prune(before, limit), wrote=bool)

    def close_gate(self, name: str, seconds: float) -> None:
        self._timed("gates", lambda: self._ledger.close_gate(name, seconds), wrote=lambda _: True)

    def gates(self) -> Mapping[str, float]:
        # Not measured: a read says nothing of whether the ledger can be written, which is what
        # work waits for.
        return self._ledger.gates()

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
        return self._ledger.find_deliveries(
            uid=uid,
            event_id=event_id,
            message_id=message_id,
            destination=destination,
            states=states,
            limit=limit,
        )

    def find_events(self, ids: Collection[str]) -> Mapping[str, EventRow]:
        return self._ledger.find_events(ids)

    def counts(self) -> Mapping[str, int]:
        return self._ledger.counts()

    def ping(self) -> None:
        self._ledger.ping()

    def close(self) -> None:
        self._ledger.close()

    def _timed(
        self,
        operation: str,
        call: Callable[[], T],
        wrote: Callable[[T], bool] = lambda _: False,
    ) -> T:
        """`wrote` says by the answer whether something was surely written."""
        started = perf_counter()
        try:
            answer = call()
        except LedgerUnavailable as error:
            self._is_down = True
            self._work_failed = self._work_failed or operation != "heartbeat"
            self._on_state(False, str(error))
            raise
        finally:
            self._metrics.ledger_seconds.labels(operation).observe(perf_counter() - started)
        if not self._is_down or wrote(answer):
            self._is_down = False
            self._on_state(True, "")
        return answer


class MeasuredCatalog:
    """Passes everything on to another catalog."""

    def __init__(
        self, catalog: Catalog, metrics: Metrics, on_state: Callable[[bool, str], None]
    ) -> None:
        self._catalog = catalog
        self._metrics = metrics
        self._on_state = on_state

    def snapshot(self, keys: Collection[LookupKey]) -> Snapshot:
        started = perf_counter()
        try:
            found = self._catalog.snapshot(keys)
        except CatalogUnavailable as error:
            self._on_state(False, str(error))
            raise
        finally:
            self._metrics.catalog_seconds.observe(perf_counter() - started)
        # Old answers serve, so the work goes on; that they are old is still worth a word.
        self._on_state(not found.degraded, "does not answer, or cannot be read: old answers serve")
        return found

    def ping(self) -> None:
        self._catalog.ping()

    def close(self) -> None:
        self._catalog.close()
