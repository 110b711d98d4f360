"""The webhook of Prometheus Alertmanager, version 4."""

import copy
from typing import Any

from tests.unit.formats.samples import Sample

NEVER = "0001-01-01T00:00:00Z"

_ALERT: dict[str, Any] = {
    "status": "firing",
    "labels": {
        "alertname": "HighLatency",
        "instance": "web-1:9100",
        "job": "http",
        "severity": "critical",
        "tenant": "487000",
    },
    "annotations": {
        "summary": "p99 above 2 s",
        "description": "99 % of the answers took up to 2.4 s in the last 10 minutes.",
        "runbook_url": "http://runbook.example/latency",
    },
    "startsAt": "2014-02-11T18:12:13.810266876+01:00",
    "endsAt": NEVER,
    "generatorURL": "http://prom.example/graph?g0.expr=x&g0.tab=1",
    "fingerprint": "1a30ba71cca2921f",
}


def alert(*, without: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """One alert; `labels` and `annotations` are merged, and a value of None takes one out."""
    made = copy.deepcopy(_ALERT)
    for table in ("labels", "annotations"):
        merged = made[table] | changes.pop(table, {})
        made[table] = {name: value for name, value in merged.items() if value is not None}
    return {name: value for name, value in (made | changes).items() if name not in without}


def resolved(ended: str = "2014-02-11T17:20:00Z", **changes: Any) -> dict[str, Any]:
    return alert(status="resolved", endsAt=ended, **changes)


def group(*alerts: Any, **changes: Any) -> dict[str, Any]:
    """The message around them."""
    message = {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "messenger",
        "groupLabels": {"alertname": "HighLatency"},
        "commonLabels": {"alertname": "HighLatency", "job": "http"},
        "commonAnnotations": {},
        "externalURL": "http://am.example:9093",
        "alerts": list(alerts),
    }
    return message | changes


SAMPLES = {
    "one that fires": Sample(group(alert())),
    "fired and resolved in one group": Sample(
        group(
            alert(),
            resolved(labels={"instance": "web-2:9100"}, fingerprint="2b41cb82ddb3a320"),
        )
    ),
    "an old version, without a fingerprint": Sample(group(alert(without=("fingerprint",)))),
    "truncated": Sample(group(alert(), truncatedAlerts=17)),
    "of the whole, without labels for a host": Sample(
        group(alert(labels={"instance": None, "job": None, "tenant": None}))
    ),
}
