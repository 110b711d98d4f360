"""Values for tests: complete, plausible, and changed by keyword."""

from typing import Any

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Target
from consumer.domain.notification import Context, Email, Notification


def make_event(**changes: Any) -> AlarmEvent:
    """A CRITICAL of one HTTP check."""
    values: dict[str, Any] = {
        "id": "a692ad20-933f-11e3-81e3-5839dd8ab955",
        "source": "ele",
        "tenant_id": "487000",
        "account_id": "acT3stAcct",
        "entity_id": "enW3bSrv01",
        "check_id": "chHttpW3b1",
        "alarm_id": "alBodyM4tc",
        "state": State.CRITICAL,
        "previous_state": State.OK,
        "status": "The page did not contain the expected text.",
        "timestamp": 1_392_138_733_810,
        "notification_plan_id": "npOnCall01",
    }
    return AlarmEvent(**(values | changes))


def make_context(**changes: Any) -> Context:
    """Everything found: the plan lists one email target for each state."""
    target = Target(id="ntExAmPl02", type="email", details={"address": "oncall@example.com"})
    values: dict[str, Any] = {
        "account": Account(id="acT3stAcct", external_id="487000", label="Example Shop"),
        "entity": Entity(
            id="enW3bSrv01",
            label="shop-load-balancer",
            ip_addresses={"public0_v4": "198.51.100.14"},
        ),
        "check": Check(id="chHttpW3b1", label="shop front page", type="remote.http", period=60),
        "alarm": Alarm(
            id="alBodyM4tc",
            label="Body match",
            check_id="chHttpW3b1",
            entity_id="enW3bSrv01",
            notification_plan_id="npOnCall01",
        ),
        "plan": Plan(
            id="npOnCall01",
            label="on call",
            critical_state=["ntExAmPl02"],
            warning_state=["ntExAmPl02"],
            ok_state=["ntExAmPl02"],
        ),
        "plan_id": "npOnCall01",
        "listed": ("ntExAmPl02",),
        "targets": {"ntExAmPl02": target},
    }
    return Context(**(values | changes))


def make_notification(**changes: Any) -> Notification:
    """The event above to the address above."""
    values: dict[str, Any] = {
        "uid": "3ea90999-0802-5011-8804-564c26bd77b7",
        "event": make_event(),
        "target_id": "ntExAmPl02",
        "type": "email",
        "destination": "oncall@example.com",
        "plan_id": "npOnCall01",
    }
    return Notification(**(values | changes))


def make_email(**changes: Any) -> Email:
    """A finished email of the notification above."""
    values: dict[str, Any] = {
        "uid": "3ea90999-0802-5011-8804-564c26bd77b7",
        "message_id": "<3ea90999-0802-5011-8804-564c26bd77b7@alerts.example.com>",
        "sender": "Alarms <alarms@alerts.example.com>",
        "to": "oncall@example.com",
        "subject": "** CRITICAL: shop front page on shop-load-balancer **",
        "text": "The page did not contain the expected text.",
        "html": "<p>The page did not contain the expected text.</p>",
        "headers": (("Auto-Submitted", "auto-generated"), ("X-Alarm-Id", "alBodyM4tc")),
        "tags": ("critical",),
        "variables": (("uid", "3ea90999-0802-5011-8804-564c26bd77b7"),),
    }
    return Email(**(values | changes))
