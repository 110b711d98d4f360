"""One side of a comparison: a configuration's own pipeline, on a ledger in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from consumer.adapters.catalog import open_catalog
from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger
from consumer.domain.suppression import FindSuppressed
from consumer.experiments.deciding import OWNER, Deciding, EventClock
from consumer.experiments.shadow_ledger import memory_ledger
from consumer.pipeline.pipeline import Pipeline
from consumer.ports import Catalog
from consumer.settings import Settings
from consumer.telemetry.metrics import Metrics
from consumer.wiring import make_renderer, pipeline_rules, worker_rules


def make_deciding(
    given: Settings,
    ledger: SqlLedger,
    catalog: Catalog,
    *,
    find_suppressed: FindSuppressed | None = None,
    lag_seconds: float = 0.0,
) -> Deciding:
    """The pipeline as the settings have it, deciding on `ledger`, which is nobody else's.

    Without `find_suppressed` everybody is written to. Raises SettingsError.
    """
    clock = EventClock()
    pipeline = Pipeline(
        owner=OWNER,
        ledger=ledger,
        catalog=catalog,
        renderer=make_renderer(given),
        clock=clock,
        metrics=Metrics(),
        rules=pipeline_rules(given),
        find_suppressed=find_suppressed,
    )
    return Deciding(pipeline, ledger, clock, worker_rules(given).max_age, lag_seconds=lag_seconds)


class Side:
    """A configuration that decides, and the ledger it decides on."""

    def __init__(self, deciding: Deciding, ledger: SqlLedger) -> None:
        self.deciding = deciding
        self.ledger = ledger


@contextmanager
def open_side(
    given: Settings, *, find_suppressed: FindSuppressed | None = None, lag_seconds: float = 0.0
) -> Iterator[Side]:
    """The settings' catalog, and a ledger that is empty.

    Raises SettingsError and CatalogUnavailable.
    """
    # What is cached of a catalog gets old by the real clock, not by the events'.
    catalog = open_catalog(given.catalog.url.get_secret_value(), clock=SystemClock())
    ledger = memory_ledger()
    try:
        deciding = make_deciding(
            given, ledger, catalog, find_suppressed=find_suppressed, lag_seconds=lag_seconds
        )
        yield Side(deciding, ledger)
    finally:
        ledger.close()
        catalog.close()
