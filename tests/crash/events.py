"""The three records of each scenario: two events of one alarm, one of another."""

from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.identity import notification_uid
from consumer.domain.record import Record
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.factories import make_context, make_event
from tests.support.worker import FIRST as PARTITION
from tests.support.worker import TOPIC

#: The one that is watched. It opens the alarm.
FIRST: Final = make_event(id="first")
#: Waits behind it in its lane. The OK between them never came, so it does not supersede the first.
SECOND: Final = make_event(id="second", timestamp=FIRST.timestamp + 1000)
#: Of another alarm: it may be done long before the two above, and must not carry their offsets.
OTHER: Final = make_event(id="other", alarm_id="alOther")

LOG: Final = tuple(
    Record(TOPIC, PARTITION[1], offset, event.atom.encode(), msgspec.json.encode(event))
    for offset, event in enumerate((FIRST, SECOND, OTHER))
)


def uid(event: AlarmEvent) -> str:
    """Of the one notification that the event has."""
    (target,) = make_context().targets.values()
    assert target.details is not None
    return notification_uid(event.id, target.id, target.type, target.details["address"])


def catalog() -> MemoryCatalog:
    """Both alarms, with one address to tell."""
    alarm = make_context().alarm
    assert alarm is not None
    return whole_catalog(msgspec.structs.replace(alarm, id=OTHER.alarm_id))
