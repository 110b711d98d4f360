"""Who is told of a batch of events: the plan's choice, less those who get no email, and more.

An address on one of the provider's lists is not written to: the provider would take the email and
throw it away. And where an address cannot be reached, now or by a later report, others are told
instead of it, if the operator wants that: the plan's other contacts, or one fixed contact. Whoever
is left may still be told later, in a summary (limits.py beside this file).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.follow_up import (
    FALLBACK_CONTACT,
    FALLBACK_TYPE,
    Unreached,
    is_follow_up_id,
    unreached_of,
)
from consumer.domain.identity import notification_uid
from consumer.domain.ledger import DeliveryRow, DeliveryState
from consumer.domain.notification import Context, Ending, Notification
from consumer.domain.rate_limit import is_summary
from consumer.domain.reasons import Kind, Reason
from consumer.domain.suppression import FindSuppressed, SuppressedAddress
from consumer.pipeline.limits import Events, Limits
from consumer.pipeline.plan import Planned, destinations, plan
from consumer.ports import Ledger

#: Who is told instead of an address that cannot be reached.
OnBounce = Literal["none", "plan", "fallback_contact"]

#: Destinations of one event that are looked up: more than any plan has.
_MOST = 1_000


class RecipientRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator chose."""

    on_bounce: OnBounce = "none"
    #: Normalised; empty: there is none.
    fallback_contact: str = ""


class Recipients:
    """Called by the poll thread only."""

    def __init__(
        self,
        ledger: Ledger,
        rules: RecipientRules,
        find_suppressed: FindSuppressed | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Without `find_suppressed` everybody is written to, without `limits` at once."""
        self._ledger = ledger
        self._rules = rules
        self._find = find_suppressed
        self._limits = limits

    def plan(self, events: Events, rows: Mapping[str, Sequence[DeliveryRow]]) -> dict[int, Planned]:
        """Plans by place in the batch. `rows`: by event, what an earlier run began to send.

        Two questions to the ledger for the whole batch, and more only where somebody cannot be
        reached, or is told a summary. Raises LedgerUnavailable.
        """
        limits = self._limits
        if limits is None:
            return self._alarms(events, rows)
        alarms = {place: each for place, each in events.items() if not is_summary(each[0])}
        begun = {row.uid for of_event in rows.values() for row in of_event}
        planned = limits.hold_back(alarms, self._alarms(alarms, rows), begun)
        # After what is told at once in this batch: a summary is not to be older than that.
        told = {place: each for place, each in events.items() if place not in alarms}
        return planned | self._reachable(told, limits.summaries(told), rows) if told else planned

    def _alarms(
        self, events: Events, rows: Mapping[str, Sequence[DeliveryRow]]
    ) -> dict[int, Planned]:
        planned = {
            place: self._plan_one(event, context) for place, (event, context) in events.items()
        }
        return self._reachable(events, planned, rows)

    def _reachable(
        self,
        events: Events,
        planned: dict[int, Planned],
        rows: Mapping[str, Sequence[DeliveryRow]],
    ) -> dict[int, Planned]:
        """Plans without those who get no email, and with who is told instead."""
        held = self._held({n.destination for each in planned.values() for n in each.notifications})
        if held:
            for place, (event, context) in events.items():
                begun = _begun(rows.get(event.id, ()))
                planned[place] = self._withhold(event, context, planned[place], held, begun)
        return planned

    def _plan_one(self, event: AlarmEvent, context: Context) -> Planned:
        unreached = unreached_of(event)
        if unreached is None:
            return plan(event, context)
        told = self._ledger.find_deliveries(event_id=unreached.event_id, limit=_MOST)
        instead = self._instead(event, context, unreached, {row.destination for row in told})
        if instead.notifications:
            return instead
        ending = Ending(
            kind=Kind.NO_RECIPIENTS,
            reason=Reason.NOBODY_ELSE,
            message=f"{unreached.address} was not reached, and nobody is left to be told instead",
        )
        return Planned(endings=(*instead.endings, ending))

    def _withhold(
        self,
        event: AlarmEvent,
        context: Context,
        planned: Planned,
        held: Mapping[str, SuppressedAddress],
        begun: Collection[str],
    ) -> Planned:
        """Without those who get no email, and with who is told instead. What an earlier run
        began goes its way."""
        kept: list[Notification] = []
        missed: list[Notification] = []
        for each in planned.notifications:
            free = each.destination.lower() not in held or each.uid in begun
            (kept if free else missed).append(each)
        if not missed:
            return planned
        endings = [_withheld(each, held[each.destination.lower()]) for each in missed]
        unreached = Unreached(
            address=", ".join(each.destination for each in missed),
            why=endings[0].message,
            event_id=event.id,
        )
        told = {each.destination for each in planned.notifications}
        instead = self._instead(event, context, unreached, told)
        others = [
            msgspec.structs.replace(each, summary=missed[0].summary)
            for each in instead.notifications
        ]
        return Planned(
            notifications=[*kept, *others],
            endings=[*planned.endings, *endings, *instead.endings],
        )

    def _instead(
        self, event: AlarmEvent, context: Context, unreached: Unreached, told: Collection[str]
    ) -> Planned:
        """The first of the circles in which anybody can be written to."""
        endings: list[Ending] = []
        for circle in self._circles(event, context, unreached, told):
            held = self._held({each.destination for each in circle})
            free = [each for each in circle if each.destination.lower() not in held]
            endings += [
                _withheld(each, held[each.destination.lower()])
                for each in circle
                if each.destination.lower() in held
            ]
            if free:
                return Planned(notifications=free, endings=endings)
        return Planned(endings=endings)

    def _circles(
        self, event: AlarmEvent, context: Context, unreached: Unreached, told: Collection[str]
    ) -> Iterator[Sequence[Notification]]:
        """Who may be told instead. Who was told instead of another is followed by nobody but the
        fallback contact, and that one by nobody: so it ends."""
        if self._rules.on_bounce == "none":
            return
        if self._rules.on_bounce == "plan" and not is_follow_up_id(unreached.event_id):
            yield _others(event, context, unreached, told)
        contact = self._rules.fallback_contact
        if contact and contact not in told and contact != unreached.address:
            yield [_to_fallback(event, context, unreached, contact)]

    def _held(self, addresses: Collection[str]) -> Mapping[str, SuppressedAddress]:
        return {} if self._find is None or not addresses else self._find(addresses)


def _others(
    event: AlarmEvent, context: Context, unreached: Unreached, told: Collection[str]
) -> Sequence[Notification]:
    """Whom the plan names for any state, and who was not told of this event yet."""
    found: dict[str, Notification] = {}
    for target_id in context.targets:
        for each in destinations(event, context, target_id):
            if isinstance(each, Notification) and each.destination not in told:
                found.setdefault(each.destination, each)
    found.pop(unreached.address, None)
    return [msgspec.structs.replace(each, instead_of=unreached) for each in found.values()]


def _to_fallback(
    event: AlarmEvent, context: Context, unreached: Unreached, contact: str
) -> Notification:
    return Notification(
        uid=notification_uid(event.id, FALLBACK_CONTACT, FALLBACK_TYPE, contact),
        event=event,
        target_id=FALLBACK_CONTACT,
        type=FALLBACK_TYPE,
        destination=contact,
        plan_id=context.plan_id,
        instead_of=unreached,
    )


def _begun(rows: Sequence[DeliveryRow]) -> frozenset[str]:
    return frozenset(row.uid for row in rows if row.state is not DeliveryState.DEFERRED)


def _withheld(to: Notification, entry: SuppressedAddress) -> Ending:
    since = ""
    if entry.since is not None:
        since = f" since {datetime.fromtimestamp(entry.since, UTC):%Y-%m-%d %H:%M} UTC"
    why = f": {entry.why}" if entry.why else ""
    return Ending(
        kind=Kind.SUPPRESSED,
        reason=Reason.SUPPRESSED_RECIPIENT,
        message=f"{to.destination} is on Mailgun's list of {entry.list}{since}{why}",
        target_id=to.target_id,
        type=to.type,
        destination=to.destination,
    )
