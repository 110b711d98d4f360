"""What Alertmanager and Grafana have in common: a message is a group of alerts, each an event.

An alert that fires is sent again and again while it lasts. Its times are those of its change, so
the id that is made of them is the same each time, and what is sent again ends as a duplicate.
"""

import hashlib
import uuid
from collections.abc import Set
from typing import Any, Final

import msgspec

from consumer.domain.alarm import AlarmEvent, Metric, State
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import NS_EVENT
from consumer.domain.lasting import lasting
from consumer.domain.reasons import Reason
from consumer.formats.ids import as_labels
from consumer.formats.mapping import FormatMapping, first_of, texts_of
from consumer.formats.mending import object_or_none, text_or_none, typed
from consumer.formats.naming import identifier
from consumer.formats.parts import LeftOut, Part
from consumer.formats.problems import READ_ERRORS, as_invalid, mismatch, quoted, within
from consumer.formats.times import written_time

#: Of one message. An alert has some hundred bytes, so none that is real comes near.
MAX_ALERTS: Final = 10_000
#: Larger numbers nobody counted, and metrics could not either.
_MOST_LEFT_OUT: Final = 1_000_000

#: Words for severities that are widespread; whatever else fires is a warning.
SEVERITIES: Final = {
    **dict.fromkeys(("critical", "page", "emergency", "fatal", "error", "high"), State.CRITICAL),
    "warning": State.WARNING,
    # Alerts that fire all the time, such as Prometheus' Watchdog: they are not for people.
    "none": State.UNKNOWN,
}

#: What an alert is about, most precise first.
ENTITIES: Final = (
    "instance",
    "host",
    "hostname",
    "node",
    "pod",
    "service",
    "namespace",
    "cluster",
    "job",
)


class Group(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message. What is not vital is looked at later, whatever it is."""

    alerts: list[msgspec.Raw]
    version: Any = None
    receiver: Any = None
    truncated_alerts: Any = None
    message: Any = None
    org_id: Any = None

    @property
    def left_out(self) -> int:
        """How many alerts of the group it had no room for."""
        told = self.truncated_alerts
        return min(told, _MOST_LEFT_OUT) if type(told) is int and told > 0 else 0

    @property
    def tenant(self) -> str | None:
        """Whose alerts they are where no label says it: the organisation's, or the receiver's."""
        told = text_or_none(self.org_id) or text_or_none(self.receiver)
        return None if told is None else identifier(told)


class Alert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One alert; the addresses of panel and dashboard, and the values, are Grafana's."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: str | None = None
    ends_at: str | None = None
    fingerprint: str | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")
    panel_url: str | None = msgspec.field(default=None, name="panelURL")
    dashboard_url: str | None = msgspec.field(default=None, name="dashboardURL")
    values: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Grafana's stand-ins for a rule that has no data say the rule's name beside their own."""
        own, rule = self.labels.get("alertname"), self.labels.get("rulename")
        return ": ".join(name for name in (rule, own) if name) or "alert"

    @property
    def identity(self) -> str:
        """The same for all alerts with the same labels; old versions send no fingerprint."""
        if self.fingerprint:
            return self.fingerprint
        labels = msgspec.json.encode(sorted(self.labels.items()))
        return hashlib.blake2b(labels, digest_size=8).hexdigest()


_GROUP: Final = msgspec.json.Decoder(Group)
_ALERT: Final = msgspec.json.Decoder(Alert)


def group_of(value: bytes, versions: Set[str]) -> Group:
    """The message, if its version is one of these or is not told."""
    group = _GROUP.decode(value)
    version = text_or_none(group.version)
    if version is not None and version not in versions:
        raise InvalidMessage(Reason.UNKNOWN_VERSION, f"version: {quoted(version)} is not readable")
    if not 0 < len(group.alerts) <= MAX_ALERTS:
        raise mismatch("alerts", f"{len(group.alerts)} alerts, expected 1 to {MAX_ALERTS}")
    return group


def events_of(group: Group, mapping: FormatMapping) -> list[Part]:
    """An event for each alert, or what is wrong with it, and what the sender left out."""
    parts: list[Part] = [LeftOut(group.left_out)] if group.left_out else []
    # Made once: it may be as long as all alerts together.
    tenant = group.tenant
    for number, raw in enumerate(group.alerts):
        try:
            parts.append(_event(typed(bytes(raw), _ALERT, _mend), group, tenant, mapping))
        except InvalidMessage as invalid:
            parts.append(within(f"alerts[{number}]", invalid))
        except READ_ERRORS as error:
            parts.append(within(f"alerts[{number}]", as_invalid(error)))
    return parts


def _event(
    alert: Alert, group: Group, group_tenant: str | None, mapping: FormatMapping
) -> AlarmEvent:
    labels, name = alert.labels, alert.name
    if not labels:
        raise mismatch("labels", "missing")
    state, timestamp = _state_and_time(alert, mapping)
    tenant_id = _tenant(alert, group_tenant, mapping)
    entity = first_of(labels, mapping.entity) or name
    check = first_of(labels, mapping.check) or name
    alarm_id = identifier(first_of(labels, mapping.alarm) or alert.identity)
    plan_id = first_of(labels, mapping.plan)
    return AlarmEvent(
        id=_event_id(alert, mapping.source or "", tenant_id),
        source=mapping.source or "",
        tenant_id=tenant_id,
        entity_id=identifier(entity),
        check_id=identifier(check),
        alarm_id=alarm_id,
        state=state,
        timestamp=timestamp,
        status=_status(alert, group, mapping, state),
        notification_plan_id=plan_id,
        metrics=_metrics(alert),
        entity={"id": identifier(entity), "label": entity},
        check={"id": identifier(check), "label": name, "type": check},
        alarm={"id": alarm_id, "label": name},
        link=first_of(alert.annotations, mapping.link)
        or alert.panel_url
        or alert.dashboard_url
        or alert.generator_url
        or None,
        attributes=as_labels(labels) | _told_beside(group) | lasting(),
    )


def _state_and_time(alert: Alert, mapping: FormatMapping) -> tuple[State, int]:
    """The state, and since when it lasts."""
    if alert.status == "resolved":
        return State.OK, _time("endsAt", alert.ends_at)
    if alert.status != "firing":
        raise mismatch("status", f"{quoted(alert.status)}, expected firing or resolved")
    # The alert's own name comes first: what it is called may say more than how severe it is.
    severity = first_of(alert.labels, mapping.severity)
    state = mapping.state_of(alert.labels.get("alertname"), severity)
    if state is None:
        raise mismatch("severity", f"{quoted(severity)} is no word of the mapping's states")
    return state, _time("startsAt", alert.starts_at)


def _time(field: str, text: str | None) -> int:
    if text is None:
        raise mismatch(field, "missing")
    time = written_time(text)
    if time is None or time < 0:
        raise mismatch(field, f"{quoted(text)} is no time")
    return time


def _tenant(alert: Alert, group_tenant: str | None, mapping: FormatMapping) -> str:
    told = first_of(alert.labels, mapping.tenant) or mapping.default_tenant
    tenant = identifier(told) if told else group_tenant
    if tenant is None:
        raise mismatch("labels", "none of them says the tenant, and no default_tenant is set")
    return tenant


def _event_id(alert: Alert, source: str, tenant_id: str) -> str:
    ended = written_time(alert.ends_at) if alert.status == "resolved" else ""
    began = written_time(alert.starts_at)
    name = f"{source}|{tenant_id}|{alert.identity}|{alert.status}|{began}|{ended}"
    return str(uuid.uuid5(NS_EVENT, name))


def _status(alert: Alert, group: Group, mapping: FormatMapping, state: State) -> str | None:
    text = texts_of(alert.annotations, mapping.status)
    if text is None and len(group.alerts) == 1:
        text = text_or_none(group.message)
    # What the texts say is what was wrong.
    return f"Resolved: {text}" if text and state is State.OK else text


def _told_beside(group: Group) -> dict[str, str]:
    """Whoever gets one email of a group is to know that there are alerts it says nothing of."""
    return {"alerts left out of the group": str(group.left_out)} if group.left_out else {}


def _metrics(alert: Alert) -> dict[str, Metric] | None:
    numbers = {
        name: Metric(type="n", data=value)
        for name, value in (alert.values or {}).items()
        if isinstance(value, int | float)
    }
    return numbers or None


def _mend(raw: dict[str, Any]) -> dict[str, Any]:
    """What is not vital and does not fit becomes unknown, so that the alert still goes out."""
    mended: dict[str, Any] = {
        name: text_or_none(raw.get(name))
        for name in (
            "startsAt",
            "endsAt",
            "fingerprint",
            "generatorURL",
            "panelURL",
            "dashboardURL",
        )
    }
    for name in ("labels", "annotations"):
        mended[name] = as_labels(object_or_none(raw.get(name)) or {})
    mended["values"] = object_or_none(raw.get("values"))
    return {name: raw[name] for name in ("status",) if name in raw} | mended
