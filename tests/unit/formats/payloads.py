"""A Rackspace webhook payload with everything in it, and a small event of our own."""

import copy
from typing import Any

_RACKSPACE: dict[str, Any] = {
    "event_id": "acT3stAcct:enW3bSrv01:alBodyM4tc:chHttpW3b1:1392138720000:CRITICAL",
    "log_entry_id": "a692ad20-933f-11e3-81e3-5839dd8ab955",
    "details": {
        "target": "www.shop.example",
        "timestamp": 1_392_138_733_810,
        "metrics": {
            "code": {"type": "s", "data": "502", "unit": "unknown"},
            "duration": {"type": "I", "data": 21196, "unit": "milliseconds"},
        },
        "state": "CRITICAL",
        "status": "The page did not contain the expected text.",
        "txn_id": ".rh-Zq1x.h-api1.ord1.r-8hT2kLmN.c-4711.ts-1392138731000.v-0a1b2c3",
        "collector_address_v4": "192.0.2.8",
        "collector_address_v6": None,
        "observations": [
            {
                "monitoring_zone_id": "mzlon",
                "state": "CRITICAL",
                "status": "The page did not contain the expected text.",
                "timestamp": 1_392_138_733_810,
                "collectorState": "UP",
            },
            {
                "monitoring_zone_id": "mzord",
                "state": "OK",
                "status": "The page is complete.",
                "timestamp": 1_392_138_686_574,
            },
        ],
    },
    "entity": {
        "id": "enW3bSrv01",
        "label": "shop-load-balancer",
        "ip_addresses": {"public0_v4": "198.51.100.14"},
        "metadata": {"team": "storefront"},
        "uri": None,
    },
    "check": {"id": "chHttpW3b1", "label": "shop front page", "type": "remote.http"},
    "alarm": {
        "id": "alBodyM4tc",
        "label": "Body match",
        "check_id": "chHttpW3b1",
        "notification_plan_id": "npOnCall01",
        "metadata": {"template_name": "body match"},
    },
    "tenant_id": "487000",
    "dashboard_link": "https://intelligence.example/cloud/entities/enW3bSrv01",
}


def rackspace(**changes: Any) -> dict[str, Any]:
    """The payload with `changes` at the top; `details` are merged, `...` takes a field out."""
    payload = copy.deepcopy(_RACKSPACE)
    details = changes.pop("details", {})
    if isinstance(details, dict):
        details = _without(payload["details"] | details)
    return _without(payload | changes | {"details": details})


def own(**changes: Any) -> dict[str, Any]:
    """The smallest event of our own format, and `changes`; `...` takes a field out."""
    event = {
        "schema": "alarm-state-event/1",
        "id": "0d0c7a52-6a3f-4a5e-9d35-0c1e6a1f5b77",
        "source": "by-hand",
        "tenant_id": "487000",
        "entity_id": "web-1",
        "check_id": "disk",
        "alarm_id": "disk-full",
        "state": "WARNING",
        "timestamp": 1_392_138_733_810,
    }
    return _without(event | changes)


def _without(payload: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in payload.items() if value is not ...}
