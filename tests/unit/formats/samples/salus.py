"""Salus's notifications of events."""

from typing import Any

from tests.unit.formats.samples import Sample

TASK = "5b1f7c30-2a44-4b0e-9d55-7e0c9f8a6d21"


def notification(**changes: Any) -> dict[str, Any]:
    """A resource whose task went from OK to CRITICAL, with changes; `...` takes a field out."""
    told = {
        "id": f"487000:web-1:{TASK}:1771927500:CRITICAL",
        "tenantId": "487000",
        "timestamp": "2026-02-24T10:06:40.985Z",
        "taskId": TASK,
        "state": "CRITICAL",
        "previousState": "OK",
        "observations": [
            {"zone": "public/eu_1", "state": "CRITICAL"},
            {"zone": "public/us_1", "state": "OK"},
        ],
        "message": "The response took longer than two seconds.",
        "metricGroup": "http_response",
        "metrics": {"response_time": 2.41, "result": "timeout"},
        "groupingLabels": [{"resource_id": "web-1"}],
        "labels": {"agent_discovered_os": "linux"},
    } | changes
    return {name: value for name, value in told.items() if value is not ...}


SAMPLES = {
    "a change": Sample(notification()),
    "a recovery": Sample(notification(state="OK", previousState="CRITICAL")),
    "a time in seconds": Sample(notification(timestamp=1771927600.985)),
    "a task without groups": Sample(
        notification(
            **dict.fromkeys(("groupingLabels", "labels", "observations", "metrics")),
            previousState=None,
        )
    ),
}
