"""The measuring stores: they pass on, time, and say whether the store answers."""

from collections.abc import Collection, Sequence

import pytest

from consumer.domain.errors import CatalogUnavailable, LedgerUnavailable
from consumer.domain.ledger import ClaimRequest, SendingMark
from consumer.telemetry.metrics import Metrics
from consumer.worker.measured import MeasuredCatalog, MeasuredLedger
from tests.support.catalog import whole_catalog
from tests.support.worker import OWNER
from tests.support.worker_ledger import MemoryLedger

MARK = SendingMark(
    uid="n1",
    event_id="e1",
    atom="a",
    fence=1,
    target_id="t",
    type="email",
    destination="oncall@example.com",
    message_id="<n1@example.com>",
    transport="mailgun",
    attempt=1,
)
KEY = ("487000", "enW3bSrv01", "chHttpW3b1", "alBodyM4tc", None)


def test_calls_are_timed_and_outages_reported() -> None:
    told: list[tuple[bool, str]] = []
    metrics, inner = Metrics(), MemoryLedger()
    ledger = MeasuredLedger(inner, metrics, lambda ok, why: told.append((ok, why)))
    assert ledger.heartbeat(OWNER, 100.0, 30.0) == 130.0
    inner.away = True
    with pytest.raises(LedgerUnavailable):
        ledger.settle(OWNER, [], 100.0)
    assert told == [(True, ""), (False, "the ledger is away")]
    for operation, calls in (("heartbeat", 1), ("settle", 1), ("claim", 0)):
        count = metrics.registry.get_sample_value(
            "messenger_ledger_seconds_count", {"operation": operation}
        )
        assert count == calls


class FullDisk(MemoryLedger):
    """What has to be written fails, and what finds nothing to write does not."""

    full = True

    def mark_sending(self, owner: str, marks: Sequence[SendingMark], now: float) -> Collection[str]:
        self.away = self.full
        try:
            return super().mark_sending(owner, marks, now)
        finally:
            self.away = False

    def prune(self, before: float, limit: int) -> int:
        return 0


def test_a_call_that_wrote_nothing_does_not_say_that_the_ledger_is_back() -> None:
    told: list[bool] = []
    inner = FullDisk()
    ledger = MeasuredLedger(inner, Metrics(), lambda ok, _why: told.append(ok))
    ledger.heartbeat(OWNER, 100.0, 30.0)
    ledger.claim(OWNER, [ClaimRequest("a", ())], 100.0)
    told.clear()
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            ledger.mark_sending(OWNER, [MARK], 100.0)
        ledger.claim(OWNER, [ClaimRequest("a", ())], 100.0)
        ledger.prune(0.0, 10)
        ledger.release(OWNER, ["b"])
        ledger.heartbeat(OWNER, 100.0, 30.0)  # little enough for the disk
    assert told == [False, False]
    inner.full = False
    ledger.claim(OWNER, [ClaimRequest("a", ())], 100.0)
    assert told == [False, False]
    ledger.mark_sending(OWNER, [MARK], 100.0)
    assert told == [False, False, True]


def test_heartbeats_alone_say_that_the_ledger_is_back_when_nothing_else_is_to_be_done() -> None:
    told: list[bool] = []
    inner = FullDisk()
    ledger = MeasuredLedger(inner, Metrics(), lambda ok, _why: told.append(ok))
    ledger.claim(OWNER, [ClaimRequest("a", ())], 100.0)
    with pytest.raises(LedgerUnavailable):
        ledger.mark_sending(OWNER, [MARK], 100.0)
    told.clear()
    ledger.heartbeat(OWNER, 100.0, 30.0)
    assert told == []
    ledger.heartbeat(OWNER, 100.0, 30.0)
    assert told == [True]
    inner.away = True
    with pytest.raises(LedgerUnavailable):
        ledger.heartbeat(OWNER, 100.0, 30.0)
    inner.away = False
    ledger.heartbeat(OWNER, 100.0, 30.0)
    assert told == [True, False, True]


def test_lookups_are_timed_and_old_answers_are_said_to_be_old() -> None:
    """Away, degraded, and well again: each is told."""
    told: list[bool] = []
    metrics, inner = Metrics(), whole_catalog()
    catalog = MeasuredCatalog(inner, metrics, lambda ok, _why: told.append(ok))
    catalog.snapshot([KEY])
    inner.degraded = True
    catalog.snapshot([KEY])
    inner.away = True
    with pytest.raises(CatalogUnavailable):
        catalog.snapshot([KEY])
    assert told == [True, False, False]
    assert metrics.registry.get_sample_value("messenger_catalog_seconds_count") == 3
