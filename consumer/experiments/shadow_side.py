"""One side of a comparison: a configuration's own pipeline, on a ledger in memory."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from consumer.adapters.catalog import open_catalog
from consumer.adapters.clock import SystemClock
from consumer.adapters.ledger import SqlLedger
from consumer.domain.alarm import AlarmEvent
from consumer.domain.record import Record
from consumer.domain.suppression import FindSuppressed
from consumer.experiments.deciding import OWNER, Arrival, Deciding, EventClock
from consumer.experiments.shadow_asking import Answer, Question, Unread
from consumer.experiments.shadow_ledger import memory_ledger, put_atoms
from consumer.pipeline.limits import Limits
from consumer.pipeline.pipeline import Pipeline
from consumer.pipeline.recall import recall
from consumer.pipeline.receive import ReceiveSettings, receive
from consumer.ports import Catalog
from consumer.settings import Settings
from consumer.telemetry.metrics import Metrics
from consumer.wire import redriven_at
from consumer.wiring import limit_rules, make_renderer, pipeline_rules, worker_rules


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
        limits=Limits(ledger.limits, limit_rules(given), clock),
    )
    return Deciding(pipeline, ledger, clock, worker_rules(given).max_age, lag_seconds=lag_seconds)


class Side:
    """A configuration that decides, and the ledger it decides on."""

    def __init__(self, deciding: Deciding, ledger: SqlLedger, receiving: ReceiveSettings) -> None:
        self.deciding = deciding
        self.ledger = ledger
        self._receiving = receiving

    def answer(self, question: Question) -> Answer:
        """Raises LedgerUnavailable or CatalogUnavailable."""
        put_atoms(self.ledger, question.known)
        (received,) = receive([question.record], self._receiving)
        events = [event for _, event in recall(received.events, self.ledger.problems.remember)]
        arrivals = _arrivals(question.record, events)
        return Answer(
            decisions=list(self.deciding.decide_all(arrivals)),
            unread=None
            if received.invalid is None
            else Unread(reason=received.invalid.reason, detail=received.invalid.detail),
        )


def _arrivals(record: Record, events: Sequence[AlarmEvent]) -> Iterator[Arrival]:
    """An event came when Kafka had it; one from elsewhere when it happened."""
    for event in events:
        at = (record.timestamp if record.timestamp > 0 else event.timestamp) / 1000
        yield Arrival(event=event, at=at, redriven_ms=redriven_at(record.headers) or 0)


@contextmanager
def open_side(
    given: Settings, *, find_suppressed: FindSuppressed | None = None, lag_seconds: float = 0.0
) -> Iterator[Side]:
    """The settings' catalog, and a ledger that is empty.

    Raises SettingsError and CatalogUnavailable.
    """
    with ExitStack() as opened:
        # What is cached of a catalog gets old by the real clock, not by the events'.
        url = given.catalog.url.get_secret_value()
        catalog = opened.enter_context(closing(open_catalog(url, clock=SystemClock())))
        ledger = opened.enter_context(closing(memory_ledger()))
        deciding = make_deciding(
            given, ledger, catalog, find_suppressed=find_suppressed, lag_seconds=lag_seconds
        )
        yield Side(deciding, ledger, pipeline_rules(given).receive)
