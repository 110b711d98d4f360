"""A person has an event told once more, deliberately: as an event of its own.

Its id is made of the old one and of the name of the replay, so that the same replay, begun again
after it was killed, resends nothing twice. It says which event it repeats, and why.
"""

import uuid
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.identity import NS_EVENT

_PREFIX: Final = "resent-"
#: Attributes of ours on an event; mails do not show them.
_OF: Final = "messenger.resent"
_WHY: Final = "messenger.resent.reason"
_BY: Final = "messenger.resent.replay"


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """What a resent event repeats."""

    #: The id of the event that it repeats.
    event_id: str
    #: In the words of the person who asked for it.
    reason: str
    #: The replay's name.
    replay: str


def resend_id(event_id: str, replay: str) -> str:
    """Id of the event that repeats `event_id`; the same within one replay."""
    return _PREFIX + str(uuid.uuid5(NS_EVENT, f"{event_id}|{replay}|resend"))


def resend(event: AlarmEvent, replay: str, reason: str) -> AlarmEvent:
    """The event once more. Its mails say that it may have been told before."""
    told = {_OF: event.id, _WHY: reason, _BY: replay}
    return msgspec.structs.replace(
        event,
        id=resend_id(event.id, replay),
        replay=True,
        attributes=event.attributes | told,
    )


def resent_of(event: AlarmEvent) -> Resent | None:
    """What it repeats; None: it is an event like others."""
    found = event.attributes
    if not (event.id.startswith(_PREFIX) and _OF in found):
        return None
    return Resent(event_id=found[_OF], reason=found.get(_WHY, ""), replay=found.get(_BY, ""))
