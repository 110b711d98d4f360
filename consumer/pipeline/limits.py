"""So many emails an hour to one recipient: which of a batch's notifications are held back.

One question to the ledger for the whole batch, which counts over all processes. What is held back
ends here, and is told by a summary (consumer/domain/rate_limit.py) when that one's time has come.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.catalog import Alarm, Check, Entity
from consumer.domain.notification import Context, Ending, Notification
from consumer.domain.rate_limit import (
    SUMMARY_TARGET,
    SUMMARY_TYPE,
    Asked,
    Summary,
    summary_uid,
)
from consumer.domain.reasons import Kind, Reason
from consumer.pipeline.plan import Planned
from consumer.ports import Clock

#: A problem that begins is told at once, however many there are.
HELD_BACK_BY_DEFAULT: Final = frozenset({State.WARNING, State.OK, State.UNKNOWN})

#: Characters kept for the summary.
_LABEL, _STATUS = 120, 300

#: An event with what is known of it, by its place in the batch.
Events = Mapping[int, tuple[AlarmEvent, Context]]


class LimitRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose."""

    #: Emails an hour to one recipient; None: as many as there are.
    per_hour: int | None = None
    #: The same for some tenants; 0: as many as there are.
    tenants: Mapping[str, int] = MappingProxyType({})
    #: The states whose emails may be held back. All emails are counted.
    states: frozenset[State] = HELD_BACK_BY_DEFAULT
    #: From the first that is held back to the summary.
    summary_seconds: float = 900.0

    def at_most(self, tenant_id: str) -> int | None:
        """Emails an hour to each address of a tenant; None: there is no limit."""
        return self.tenants.get(tenant_id, self.per_hour or 0) or None


class LimitStore(Protocol):
    """Where recipients are counted. Both raise LedgerUnavailable."""

    def admit(
        self, asked: Sequence[Asked], summary_after: float, now: float
    ) -> Mapping[str, str | None]:
        """By uid: None for those that may be sent, or the id of the summary that tells of it."""

    def seal(self, summary_ids: Collection[str], now: float) -> Mapping[str, Summary]:
        """Close these summaries and read them; unknown ones are not there."""


class Limits:
    """Called by the poll thread only. Both raise LedgerUnavailable."""

    def __init__(self, store: LimitStore, rules: LimitRules, clock: Clock) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock

    def hold_back(
        self, events: Events, planned: Mapping[int, Planned], begun: Collection[str]
    ) -> dict[int, Planned]:
        """Plans without what is held back. `begun`: uids that an earlier run began to send, and
        that go their way."""
        asked = [
            self._asked(event, context, each)
            for place, (event, context) in events.items()
            if not event.test and self._rules.at_most(event.tenant_id) is not None
            for each in planned[place].notifications
            if each.uid not in begun
        ]
        if not asked:
            return dict(planned)
        answers = self._store.admit(asked, self._rules.summary_seconds, self._clock.now())
        return {place: _without_held(each, answers) for place, each in planned.items()}

    def summaries(self, events: Events) -> dict[int, Planned]:
        """Whom events that stand for a summary lead to, with what there is to tell."""
        known = self._store.seal({event.id for event, _ in events.values()}, self._clock.now())
        return {
            place: self._summary(event, context, known.get(event.id))
            for place, (event, context) in events.items()
        }

    def _summary(self, event: AlarmEvent, context: Context, found: Summary | None) -> Planned:
        if found is None or found.tenant_id != event.tenant_id:
            ending = Ending(
                kind=Kind.NO_RECIPIENTS,
                reason=Reason.NOTHING_HELD_BACK,
                message="The ledger knows of nothing that was held back for this summary",
            )
            return Planned(endings=(ending,))
        told = msgspec.structs.replace(found, at_most=self._rules.at_most(event.tenant_id))
        return Planned(
            notifications=[
                Notification(
                    uid=summary_uid(event.id, found.destination),
                    event=event,
                    target_id=SUMMARY_TARGET,
                    type=SUMMARY_TYPE,
                    destination=found.destination,
                    plan_id=context.plan_id,
                    summary=told,
                )
            ]
        )

    def _asked(self, event: AlarmEvent, context: Context, to: Notification) -> Asked:
        at_most = self._rules.at_most(event.tenant_id)
        return Asked(
            uid=to.uid,
            tenant_id=event.tenant_id,
            destination=to.destination,
            atom=event.atom,
            event_id=event.id,
            state=event.state,
            timestamp_ms=event.timestamp,
            at_most=at_most if event.state in self._rules.states else None,
            entity=_label(context.entity, event.entity_id),
            check=_label(context.check, event.check_id),
            alarm=_label(context.alarm, event.alarm_id),
            status=(event.status or "")[:_STATUS],
        )


def _without_held(planned: Planned, answers: Mapping[str, str | None]) -> Planned:
    held = {
        each.uid: summary_id
        for each in planned.notifications
        if (summary_id := answers.get(each.uid)) is not None
    }
    if not held:
        return planned
    return Planned(
        notifications=[each for each in planned.notifications if each.uid not in held],
        endings=[
            *planned.endings,
            *(
                _held_back(each, held[each.uid])
                for each in planned.notifications
                if each.uid in held
            ),
        ],
    )


def _held_back(to: Notification, summary_id: str) -> Ending:
    uid = summary_uid(summary_id, to.destination)
    return Ending(
        kind=Kind.RATE_LIMITED,
        reason=Reason.RATE_LIMITED,
        message=f"{to.destination} has had its emails of this hour; told in the summary {uid}",
        target_id=to.target_id,
        type=to.type,
        destination=to.destination,
        summary_uid=uid,
    )


def _label(row: Entity | Check | Alarm | None, fallback: str) -> str:
    return ((row.label if row is not None else None) or fallback)[:_LABEL]
