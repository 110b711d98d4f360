"""OpenStack Monasca's alarm-transitioned."""

import copy
from typing import Any

from tests.unit.formats.samples import Sample

_TRANSITION: dict[str, Any] = {
    "tenantId": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "alarmId": "7d2e8b44-6a0f-4c55-9d1b-2f1f2b7c0001",
    "alarmDefinitionId": "b1c2d3e4-0000-4a4a-8b8b-111122223333",
    "alarmName": "cpu high",
    "alarmDescription": "cpu above 90 percent",
    "oldState": "OK",
    "newState": "ALARM",
    "actionsEnabled": True,
    "stateChangeReason": "Thresholds were exceeded for the sub-alarms",
    "severity": "HIGH",
    "link": "http://runbook.example/cpu",
    "lifecycleState": "OPEN",
    "metrics": [
        {
            "id": None,
            "name": "cpu.user_perc",
            "dimensions": {"hostname": "web-1", "service": "compute"},
        }
    ],
    "subAlarms": [
        {
            "subAlarmExpression": "avg(cpu.user_perc) > 90.0",
            "subAlarmState": "ALARM",
            "currentValues": [91.0, 97.1],
        }
    ],
    "timestamp": 1_392_138_733_810,
}

#: What old releases did not send.
_ADDED_LATER = ("severity", "link", "lifecycleState", "subAlarms", "alarmDefinitionId")


def transition(*, without: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(_TRANSITION) | changes
    return {"alarm-transitioned": {n: value for n, value in made.items() if n not in without}}


SAMPLES = {
    "to alarm": Sample(transition()),
    "to ok": Sample(transition(oldState="ALARM", newState="OK")),
    "no data": Sample(transition(newState="UNDETERMINED")),
    "an old release, in seconds": Sample(transition(without=_ADDED_LATER, timestamp=1_392_138_733)),
}
