"""CloudWatch's changes of state as EventBridge delivers them."""

import copy
from typing import Any

from tests.unit.formats.samples import Sample

_ARN = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"


def event(name: str = "web CPU high", **detail: Any) -> dict[str, Any]:
    """A metric alarm that went from OK to ALARM, with changes to its detail."""
    changed = {
        "alarmName": name,
        "configuration": {
            "description": "The CPU has been busy for ten minutes.",
            "metrics": [metric("AWS/EC2", "CPUUtilization", InstanceId="i-0a1b2c3d4e5f60718")],
        },
        "previousState": {
            "value": "OK",
            "reason": "Threshold Crossed: 1 datapoint [11.5 (24/02/26 09:50:00)] was not greater",
            "reasonData": '{"version":"1.0","threshold":80.0}',
            "timestamp": "2026-02-24T09:56:40.987+0000",
        },
        "state": {
            "value": "ALARM",
            "reason": "Threshold Crossed: 2 datapoints [97.2, 91.8] were greater than 80.0.",
            "reasonData": '{"version":"1.0","recentDatapoints":[91.8,97.2],"threshold":80.0}',
            "timestamp": "2026-02-24T10:06:40.985+0000",
        },
    }
    return {
        "version": "0",
        "id": "8d0b7f7e-9a55-4b5e-8a0c-4d1c6f5b2a10",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2026-02-24T10:06:41Z",
        "region": "eu-west-1",
        "resources": [_ARN + name],
        "detail": copy.deepcopy(changed) | detail,
    }


def metric(namespace: str, name: str, **dimensions: str) -> dict[str, Any]:
    """One metric of an alarm's configuration."""
    return {
        "id": "m1",
        "metricStat": {
            "metric": {"namespace": namespace, "name": name, "dimensions": dimensions},
            "period": 300,
            "stat": "Average",
        },
        "returnData": True,
    }


COMPOSITE = event(
    "shop is down",
    configuration={"alarmRule": 'ALARM("web CPU high") AND ALARM("web 5xx")'},
    state={
        "value": "ALARM",
        "reason": "web 5xx transitioned to ALARM at Tuesday 24 February, 2026 10:06:40 UTC",
        "timestamp": "2026-02-24T10:06:40.985+0000",
        "actionsSuppressedBy": "Alarm",
        "actionsSuppressedReason": "Actions suppressed by maintenance",
    },
)

EXPRESSION = event(
    "error rate",
    configuration={
        "metrics": [
            {"id": "e1", "expression": "100*m2/m1", "label": "rate", "returnData": True},
            metric("Shop", "Errors", Cluster="blue", Service="checkout"),
        ]
    },
)

SAMPLES = {
    "a metric alarm": Sample(event()),
    "a composite alarm": Sample(COMPOSITE),
    "an alarm on an expression": Sample(EXPRESSION),
    "no data": Sample(
        event(state={"value": "INSUFFICIENT_DATA", "timestamp": "2026-02-24T10:06:40.985+0000"})
    ),
}
