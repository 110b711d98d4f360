"""What the template of a summary sees: alarm by alarm, how it stands and what was held back of it.

As in the values of other mails, everything is cleaned and bounded, and nothing is escaped.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from consumer.domain.notification import Context, Notification
from consumer.domain.rate_limit import WORST_FIRST, AlarmNow, HeldNotification, Summary
from consumer.pipeline.mail import words
from consumer.pipeline.mail.clean import one_line
from consumer.pipeline.mail.palette import colour_of

_LABEL: Final = 120
_ADDRESS: Final = 320
_STATUS: Final = 140
_REASON: Final = 500
#: What of one alarm is listed, and how many alarms: a mail that somebody reads on a telephone.
_MOST_CHANGES: Final = 5
_MOST_ALARMS: Final = 100


def summary_values(
    notification: Notification,
    summary: Summary,
    context: Context,
    *,
    now_ms: int,
    product_name: str,
    zone: tzinfo,
) -> dict[str, Any]:
    """All values of the mail that tells what was held back from one recipient."""
    by_atom: dict[str, list[HeldNotification]] = {}
    for held in summary.held:
        by_atom.setdefault(held.atom, []).append(held)
    standing = {atom: _now(summary, atom, held) for atom, held in by_atom.items()}
    order = sorted(
        by_atom, key=lambda a: (WORST_FIRST.index(standing[a].state), -standing[a].timestamp_ms)
    )
    alarms = [_alarm(by_atom[atom], standing[atom], zone) for atom in order[:_MOST_ALARMS]]
    unlisted = summary.total - sum(each["count"] for each in alarms)
    counts: list[tuple[str, int]] = [
        (state, sum(now.state is state for now in standing.values())) for state in WORST_FIRST
    ]
    # What became of these since is not known: no state is said of them.
    counts.append(("more", summary.alarms - len(standing)))
    address = one_line(notification.destination, _ADDRESS)
    tenant = one_line(context.account.label if context.account else None, _LABEL)
    return {
        "product": product_name,
        "title": f"{product_name} summary",
        "total": _many(summary.total, "notification"),
        "alarms_in_all": _many(summary.alarms, "alarm"),
        "now": ", ".join(f"{count} {state}" for state, count in counts if count),
        "colour": colour_of(standing[order[0]].state if order else ""),
        "alarms": alarms,
        "unlisted": unlisted,
        "date": words.date(now_ms, zone),
        "notes": _notes(notification),
        "why": _why(summary, tenant or one_line(summary.tenant_id, _LABEL)),
        "recipient": address,
        "ids": [
            {"name": "Mail", "value": notification.uid},
            {"name": "Event", "value": one_line(notification.event.id, _LABEL)},
            {"name": "Tenant", "value": one_line(summary.tenant_id, _LABEL)},
        ],
    }


def _now(summary: Summary, atom: str, held: Sequence[HeldNotification]) -> AlarmNow:
    newest = AlarmNow(state=held[0].state, timestamp_ms=held[0].timestamp_ms)
    return summary.now.get(atom, newest)


def _alarm(held: Sequence[HeldNotification], now: AlarmNow, zone: tzinfo) -> Mapping[str, Any]:
    """`held`: of one alarm, newest first."""
    last = held[0]
    changes = [
        {
            "state": each.state.value,
            "date": words.date(each.timestamp_ms, zone),
            "status": one_line(each.status, _STATUS),
        }
        for each in held
    ]
    # Of an alarm that went on since, all that was held back is history.
    is_last = last.timestamp_ms == now.timestamp_ms
    earlier = changes[1:] if is_last else changes
    return {
        "entity": one_line(last.entity, _LABEL),
        "check": one_line(last.check, _LABEL),
        "alarm": one_line(last.alarm, _LABEL),
        "state": now.state.value,
        "colour": colour_of(now.state),
        "date": words.date(now.timestamp_ms, zone),
        "status": changes[0]["status"] if is_last else "",
        "count": len(held),
        "held": _many(len(held), "notification"),
        "changes": earlier[:_MOST_CHANGES],
        "more": max(0, len(earlier) - _MOST_CHANGES),
    }


def _notes(notification: Notification) -> list[str]:
    unreached = notification.instead_of
    if unreached is None:
        return []
    who, why = one_line(unreached.address, _ADDRESS), one_line(unreached.why, _REASON)
    return [f"{who} could not be reached about this, so you are told instead: {why}"]


def _why(summary: Summary, account: str) -> str:
    many = "Too many" if summary.at_most is None else f"More than {summary.at_most}"
    return (
        f"{many} mails an hour about account {account} were due to this address: "
        "what is above that is held back, and told together."
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
