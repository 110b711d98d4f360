"""The lists of a mail: what each zone saw, the metrics, the labels. All are bounded."""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from consumer.domain.alarm import AlarmEvent, Metric, Observation
from consumer.domain.catalog import Alarm, Check, Zone
from consumer.domain.follow_up import OWN_ATTRIBUTES
from consumer.domain.notification import Context
from consumer.pipeline.mail import words
from consumer.pipeline.mail.clean import one_line
from consumer.pipeline.mail.palette import colour_of

_NAME: Final = 80
_STATE: Final = 20
_STATUS: Final = 300
_VALUE: Final = 200
_MAX_OBSERVATIONS: Final = 12
_MAX_ROWS: Final = 20
#: Default of the damping rule `consecutiveCount`, where it is not 1.
_DEFAULT_COUNT: Final = {"remote.ping": 3}
_CONSECUTIVE_COUNT: Final = re.compile(r":set\s+consecutiveCount\s*=\s*([1-5])\b")


def observations(event: AlarmEvent, context: Context, now_ms: int) -> dict[str, Any]:
    """What each zone saw, in the order of the event; `more` counts those left out."""
    if not event.observations:
        return {"shown": [], "more": 0}
    oldest = _oldest_that_counts(event.timestamp, context.check, context.alarm)
    return {
        "shown": [
            _observation(each, context.zones, oldest, now_ms)
            for each in event.observations[:_MAX_OBSERVATIONS]
        ],
        "more": max(0, len(event.observations) - _MAX_OBSERVATIONS),
    }


def tables(event: AlarmEvent) -> list[dict[str, Any]]:
    """Metrics, and labels such as Alertmanager's: titled lists of names and values.

    A row's `raw` is a metric as it came, where that differs from its value in words.
    """
    labels = {
        name: value
        for name, value in event.attributes.items()
        if not name.startswith(OWN_ATTRIBUTES)
    }
    found = []
    if event.metrics:
        rows = [_metric_row(*item) for item in _first(event.metrics)]
        found.append(_table("Metrics", rows, len(event.metrics)))
    if labels:
        found.append(_table("Labels", [_row(*item) for item in _first(labels)], len(labels)))
    return found


def consecutive_count(check: Check | None, alarm: Alarm | None) -> int:
    """How many observations in a row it takes: as the criteria say, else the default."""
    said = _CONSECUTIVE_COUNT.search((alarm and alarm.criteria) or "")
    if said:
        return int(said[1])
    return _DEFAULT_COUNT.get((check and check.type) or "", 1)


def _oldest_that_counts(timestamp: int, check: Check | None, alarm: Alarm | None) -> float | None:
    """Observations older than 1.5 x consecutiveCount x period had no part in the state.

    Counted back from the event, not from now: a late mail tells what was true at the time. None
    if the period is not known.
    """
    if check is None or not check.period or check.period < 0:
        return None
    return timestamp - 1.5 * consecutive_count(check, alarm) * check.period * 1000


def _observation(
    seen: Observation, zones: Mapping[str, Zone], oldest: float | None, now_ms: int
) -> dict[str, Any]:
    state = one_line(seen.state, _STATE) or "UNKNOWN"
    collector = one_line(seen.collector_state, _STATE)
    too_old = oldest is not None and seen.timestamp is not None and seen.timestamp < oldest
    zone, age = _zone_name(seen.monitoring_zone_id, zones), words.age(seen.timestamp, now_ms)
    status = one_line(seen.status, _STATUS)
    return {
        "line": f"{state} - {status}" if status else state,
        "state": state,
        "status": status,
        "where": f"{zone}, {age}" if age else zone,
        "too_old": too_old,
        "collector": "" if collector == "UP" else collector,
        "colour": colour_of(state),
    }


def _table(title: str, shown: list[dict[str, str]], count: int) -> dict[str, Any]:
    return {"title": title, "shown": shown, "more": count - len(shown)}


def _first(items: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return islice(items.items(), _MAX_ROWS)


def _metric_row(name: str, metric: Metric) -> dict[str, str]:
    value, raw = words.metric(metric.type, metric.data, metric.unit)
    return {"name": one_line(name, _NAME), "value": value, "raw": raw}


def _row(name: str, value: str) -> dict[str, str]:
    return {"name": one_line(name, _NAME), "value": one_line(value, _VALUE), "raw": ""}


def _zone_name(zone_id: str | None, zones: Mapping[str, Zone]) -> str:
    """The catalog's label, else the name readers know; an agent's check has no zone."""
    if zone_id is None:
        return "Agent"
    zone = zones.get(zone_id)
    label = one_line(zone.label if zone else None, _NAME)
    return label or words.KNOWN_ZONES.get(zone_id) or one_line(zone_id, _NAME) or "Agent"
