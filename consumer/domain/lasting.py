"""Events that say how an alarm stands, and since when; not when they were said.

Alertmanager tells an alert that fires with the time at which it began, however often it tells it,
so the id that is made of that time is the same each time. It may end an alert by itself, because
Prometheus did not reach it, and tell it afterwards as it did before: the id and the time are old,
and the news is that it fires again. What tells the two apart is when it was said: the time of the
message, or else of its record.

What is told once more is an event of its own. Its id is made of the old one and of when it was
said, so that the same record gives the same event whenever it is read.
"""

import uuid
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.follow_up import OWN_ATTRIBUTES
from consumer.domain.identity import NS_EVENT

#: Its id and its time are those of the state that it tells.
_LASTING: Final = f"{OWN_ATTRIBUTES}lasting"
#: It was told before, as the event of this id.
_AGAIN: Final = f"{OWN_ATTRIBUTES}again"


def lasting() -> dict[str, str]:
    """Attributes of an event whose source tells its state again with the same id and time."""
    return {_LASTING: "yes"}


def said_at(event: AlarmEvent) -> int | None:
    """When the event was said, epoch milliseconds. None: it is an event like others, or nobody
    knows."""
    return event.produced_at if _LASTING in event.attributes else None


def written(event: AlarmEvent, at_ms: int) -> AlarmEvent:
    """The event with the time of its record, where that is needed and it says none of its own."""
    if _LASTING not in event.attributes or event.produced_at is not None or at_ms <= 0:
        return event
    return msgspec.structs.replace(event, produced_at=at_ms)


def counts_at(event: AlarmEvent) -> int:
    """Until when the event says how its alarm stands, epoch milliseconds."""
    return max(event.timestamp, said_at(event) or 0)


def again_id(event: AlarmEvent) -> str | None:
    """The id that the event has if its state is told once more."""
    said = said_at(event)
    return None if said is None else str(uuid.uuid5(NS_EVENT, f"{event.id}|{said}|again"))


def told_again(event: AlarmEvent) -> AlarmEvent:
    """The event as a change of its own, which happened when it was said; it is no longer lasting.

    Its correlation id leads to the event that it repeats.
    """
    said, new_id = said_at(event), again_id(event)
    if said is None or new_id is None:
        return event
    others = {name: text for name, text in event.attributes.items() if name != _LASTING}
    return msgspec.structs.replace(
        event,
        id=new_id,
        event_id=event.event_id or event.id,
        timestamp=said,
        attributes=others | {_AGAIN: event.id},
    )


def ids_of(event: AlarmEvent) -> tuple[str, ...]:
    """All ids by which the event may be known."""
    again = again_id(event)
    return (event.id,) if again is None else (event.id, again)
