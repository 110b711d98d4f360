"""Lines of Zabbix's real-time export."""

from typing import Any

from tests.unit.formats.samples import Sample


def problem(**changes: Any) -> dict[str, Any]:
    """A problem as Zabbix 7 tells it, with changes; `...` takes a field out."""
    told = {
        "clock": 1771927600,
        "ns": 985123456,
        "value": 1,
        "eventid": 418211,
        "name": "High CPU utilization (over 90% for 5m)",
        "severity": 4,
        "hosts": [{"host": "web-1.shop", "name": "Web 1"}, {"host": "lb-1", "name": "Balancer"}],
        "groups": ["Shop", "Linux servers"],
        "tags": [
            {"tag": "component", "value": "cpu"},
            {"tag": "scope", "value": "performance"},
            {"tag": "tenant", "value": "487000"},
            {"tag": "urgent", "value": ""},
        ],
    } | changes
    return {name: value for name, value in told.items() if value is not ...}


def recovery(**changes: Any) -> dict[str, Any]:
    """Its end."""
    told = {"clock": 1771927900, "ns": 5000000, "value": 0, "eventid": 418399, "p_eventid": 418211}
    return told | changes


SAMPLES = {
    "a problem": Sample(problem()),
    "a problem of version 4.0": Sample(problem(severity=..., hosts=["Web 1"], tags=[])),
    "a recovery": Sample(recovery()),
}
