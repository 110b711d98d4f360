"""The webhook of Grafana Alerting."""

from typing import Any

from tests.unit.formats.samples import Sample
from tests.unit.formats.samples.alertmanager import alert as bare_alert
from tests.unit.formats.samples.alertmanager import group as bare_group


def alert(**changes: Any) -> dict[str, Any]:
    grafana = {
        "annotations": {"runbook_url": None},
        "generatorURL": "https://grafana.example/alerting/grafana/abc/view?orgId=1",
        "silenceURL": "https://grafana.example/alerting/silence/new?alertmanager=grafana",
        "dashboardURL": "https://grafana.example/d/def?orgId=1",
        "panelURL": "https://grafana.example/d/def?orgId=1&viewPanel=4",
        "values": {"B": 2.41, "C": 1},
        "valueString": "[ var='B' labels={instance=web-1:9100} value=2.41 ]",
    }
    return bare_alert(**(grafana | changes))


def stand_in(name: str, **changes: Any) -> dict[str, Any]:
    """What a rule sends that has no data, or could not get it."""
    labels = {"alertname": name, "rulename": "High latency", "datasource_uid": "p-1", "ref_id": "A"}
    return alert(labels=labels, values=None, **changes)


def group(*alerts: Any, **changes: Any) -> dict[str, Any]:
    grafana = {
        "version": "1",
        "orgId": 3,
        "title": "[FIRING:1] HighLatency (http critical)",
        "state": "alerting",
        "message": "**Firing**\n\nValue: B=2.41",
    }
    return bare_group(*alerts, **(grafana | changes))


SAMPLES = {
    "one that fires": Sample(group(alert())),
    "resolved": Sample(
        group(
            alert(status="resolved", endsAt="2014-02-11T17:20:00Z"), state="ok", status="resolved"
        )
    ),
    "no data": Sample(group(stand_in("DatasourceNoData"))),
    "an error": Sample(group(stand_in("DatasourceError", annotations={"Error": "timed out"}))),
    "version 9, with values as text only": Sample(group(alert(without=("values",)))),
}
