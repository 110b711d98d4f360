"""Two sides as a test wants them: the sample alarm's catalog, and settings changed by key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from consumer.adapters.ledger import SqlLedger
from consumer.adapters.ledger.schema import metadata
from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.record import Record
from consumer.experiments.deciding import OWNER, Deciding, EventClock
from consumer.experiments.shadow import Shadow
from consumer.experiments.shadow_ledger import Beginnings, memory_ledger
from consumer.experiments.shadow_side import Side
from consumer.experiments.shadow_tally import Tally
from consumer.pipeline.limits import Limits
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.pipeline import Pipeline
from consumer.pipeline.receive import ReceiveSettings
from consumer.settings import Settings
from consumer.telemetry.metrics import Metrics
from consumer.wire import encode_event
from consumer.wiring import limit_rules, make_renderer, pipeline_rules, worker_rules
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.factories import make_event

EVENT = make_event()
RECOVERY = make_event(
    id="recovery", state=State.OK, previous_state=State.CRITICAL, timestamp=EVENT.timestamp + 60_000
)
SECRET = "key-that-nobody-may-see"


def settings(**sections: Any) -> Settings:
    mailgun = {
        "domain": "alerts.example.com",
        "api_key": SECRET,
        "from_address": "Alarms <alarms@alerts.example.com>",
    }
    return Settings.model_validate({"mailgun": mailgun, **sections})


def record(event: AlarmEvent, offset: int = 0, late_ms: int = 1_000, partition: int = 0) -> Record:
    """The event as Kafka has it, so long after it happened."""
    timestamp = event.timestamp + late_ms
    return Record(
        "alarm-events", partition, offset, event.atom.encode(), encode_event(event), (), timestamp
    )


@contextmanager
def side(given: Settings | None = None, catalog: MemoryCatalog | None = None) -> Iterator[Side]:
    given = given or settings()
    with empty_ledger() as ledger:
        clock = EventClock()
        pipeline = Pipeline(
            owner=OWNER,
            ledger=ledger,
            catalog=catalog or whole_catalog(),
            renderer=_renderer(given.delivery.product_name, given.delivery.template_directory),
            clock=clock,
            metrics=Metrics(),
            rules=pipeline_rules(given),
            limits=Limits(ledger.limits, limit_rules(given), clock),
        )
        deciding = Deciding(pipeline, ledger, clock, worker_rules(given).max_age)
        yield Side(deciding, ledger, pipeline_rules(given).receive)


@contextmanager
def empty_ledger() -> Iterator[SqlLedger]:
    """One in memory, used again when it is free: its tables take longer to make than to empty."""
    ledger = _free.pop() if _free else memory_ledger()
    yield ledger
    ledger._database.write(_empty)
    _free.append(ledger)


_free: list[SqlLedger] = []


def _empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(table.delete())


@cache
def _renderer(product_name: str, templates: Path | None) -> Renderer:
    """Compiled once."""
    return make_renderer(
        settings(delivery={"product_name": product_name, "template_directory": templates})
    )


def compared(
    records: Sequence[Record],
    given: Settings | None = None,
    catalog: MemoryCatalog | None = None,
    *,
    beginnings: Beginnings | None = None,
) -> Tally:
    """What a candidate of these settings and this catalog would do otherwise than production."""
    with side() as production, side(given, catalog) as candidate:
        shadow = Shadow(production, candidate, ReceiveSettings(), beginnings=beginnings)
        return shadow.run(records)
