"""The measuring ledger: passes on, times, and says whether the ledger answers."""

import pytest

from consumer.domain.errors import LedgerUnavailable
from consumer.telemetry.metrics import Metrics
from consumer.worker.measured import MeasuredLedger
from tests.support.worker import OWNER, MemoryLedger


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
