"""The measuring stores: they pass on, time, and say whether the store answers."""

import pytest

from consumer.domain.errors import CatalogUnavailable, LedgerUnavailable
from consumer.telemetry.metrics import Metrics
from consumer.worker.measured import MeasuredCatalog, MeasuredLedger
from tests.support.catalog import whole_catalog
from tests.support.worker import OWNER
from tests.support.worker_ledger import MemoryLedger

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
