"""What a report leads to beside its own record: a suppressed address, and that others are told."""

from collections.abc import Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.follow_up import FALLBACK_CONTACT, Unreached, attributes_of, follow_up_id
from consumer.domain.reasons import Kind
from consumer.domain.tracking import TrackingEvent
from consumer.feedback.ports import SuppressionStore
from consumer.feedback.report import Report
from consumer.feedback.suppressing import suppressed_by

#: Ends of an email that did not get to its address. A delay is none: Mailgun tries on.
NOT_REACHED: Final = frozenset({Kind.BOUNCED_PERMANENT, Kind.BOUNCED_TEMPORARY, Kind.REJECTED})
_SOURCE: Final = "messenger/feedback"


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator wants to come of reports."""

    #: The sending domain, whose lists they are.
    domain: str = ""
    suppressions: SuppressionStore | None = None
    #: Where the events go that make others be told; None: nobody else is.
    events_topic: str | None = None

    def suppress(self, reports: Sequence[Report]) -> None:
        """Note at once which addresses get no email any more. Raises LedgerUnavailable."""
        found = [entry for report in reports if (entry := suppressed_by(report)) is not None]
        if found and self.suppressions is not None:
            self.suppressions.keep(self.domain, found)

    def follow_up(self, record: TrackingEvent) -> AlarmEvent | None:
        """The event that makes others be told of it; None: nobody is to be."""
        return None if self.events_topic is None else follow_up(record)


#: Reports are told, and that is all.
NOTHING_MORE: Final = Aftermath()


def ends_with_the_fallback(record: TrackingEvent) -> bool:
    """Whoever was to be told instead was not reached either: nobody else is left."""
    to = record.notification
    return record.kind in NOT_REACHED and to is not None and to.notification_id == FALLBACK_CONTACT


def follow_up(record: TrackingEvent) -> AlarmEvent | None:
    """The event that says whom a report's email did not reach; None: it was reached, or nobody
    is left to be told. Pure.

    Its time is the report's: how old the alarm's own event is says nothing about the bounce. Its
    snapshots stand in for a catalog that has forgotten the alarm: somebody is told all the same.
    """
    event, to = record.event, record.notification
    if record.kind not in NOT_REACHED or to is None or not to.destination:
        return None
    if to.notification_id == FALLBACK_CONTACT:
        return None
    ids = (event.id, event.tenant_id, event.entity_id, event.check_id, event.alarm_id)
    if any(not each for each in ids):
        return None
    event_id, tenant_id, entity_id, check_id, alarm_id = map(str, ids)
    unreached = Unreached(address=to.destination, why=_words(record), event_id=event_id)
    return AlarmEvent(
        id=follow_up_id(event_id, to.destination),
        source=_SOURCE,
        tenant_id=tenant_id,
        entity_id=entity_id,
        check_id=check_id,
        alarm_id=alarm_id,
        state=event.state or State.UNKNOWN,
        timestamp=record.at,
        entity={"label": entity_id},
        check={"label": check_id},
        alarm={"label": alarm_id},
        attributes=attributes_of(unreached),
    )


def _words(record: TrackingEvent) -> str:
    code = record.provider.code if record.provider is not None else None
    words = record.outcome.message
    return words if code is None or str(code) in words else f"{code} {words}"
