"""Telling somebody else when an address could not be reached.

A provider's report that an email was not delivered becomes an event of the same alarm, in our own
format, on the topic of events. So it is locked, planned, sent, tracked and kept from being told
twice as any other; its id is made of the email that failed, so the same report told twice is one
event. It says who was not reached; who is told instead is decided where all others are decided,
by settings and catalog: nobody can have emails sent to an address by writing such an event.
"""

import uuid
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.identity import NS_EVENT
from consumer.domain.rate_limit import is_summary

#: The target and type of a notification to the configured contact: no plan has it.
FALLBACK_CONTACT: Final = "ntFallbackContact"
FALLBACK_TYPE: Final = "fallbackContact"

#: Attributes of ours on an event; mails do not show them.
OWN_ATTRIBUTES: Final = "messenger."
_ADDRESS: Final = "messenger.unreached"
_WHY: Final = "messenger.unreached.why"
_EVENT: Final = "messenger.unreached.event"
_PREFIX: Final = "bounced-"


class Unreached(msgspec.Struct, frozen=True, kw_only=True):
    """An address that an email did not reach."""

    address: str
    #: In the provider's words.
    why: str
    #: The event that it was to be told of.
    event_id: str


def follow_up_id(event_id: str, address: str) -> str:
    """Id of the event that says that `address` was not told of `event_id`."""
    return _PREFIX + str(uuid.uuid5(NS_EVENT, f"{event_id}|{address}|bounce"))


def is_follow_up_id(event_id: str) -> bool:
    return event_id.startswith(_PREFIX)


def attributes_of(unreached: Unreached) -> dict[str, str]:
    """What a follow-up is recognised by."""
    return {_ADDRESS: unreached.address, _WHY: unreached.why, _EVENT: unreached.event_id}


def unreached_of(event: AlarmEvent) -> Unreached | None:
    """Who was not reached; None: it is an event like others."""
    found = event.attributes
    if not is_follow_up_id(event.id) or _ADDRESS not in found or _EVENT not in found:
        return None
    return Unreached(address=found[_ADDRESS], why=found.get(_WHY, ""), event_id=found[_EVENT])


def stands_alone(event: AlarmEvent) -> bool:
    """It is no change of its alarm's state: it neither waits for the right state nor makes one."""
    return event.test or unreached_of(event) is not None or is_summary(event)
