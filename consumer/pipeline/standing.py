"""Within the lock: what an event means that is said again and again with one id and one time.

It is one of three: an event like any; the same state once more; or a change that looks like an old
event, because the alarm was something else in between. An old record that is read again is none of
the last two: it was said no later than what the alarm was told since.
"""

from collections.abc import Container
from typing import NamedTuple, Protocol

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.lasting import again_id, counts_at, said_at, told_again


class Standing(Protocol):
    """How an alarm stands."""

    @property
    def last_event_id(self) -> str | None: ...
    @property
    def last_state(self) -> State | None: ...
    @property
    def last_timestamp_ms(self) -> int | None:
        """Until when it is known to stand so: when its last event was said, or happened."""


class Meaning(NamedTuple):
    """What an event is to count as."""

    event: AlarmEvent
    #: It was seen before, or is part of what was.
    is_known: bool
    #: Until when it says how the alarm stands, epoch milliseconds.
    at: int
    #: The alarm stood as it does when this was said, too; nothing else is new.
    confirms: bool = False


def meaning(
    event: AlarmEvent, now: Standing, known: Container[str], begun: Container[str]
) -> Meaning:
    """What the event counts as, with the alarm as it stands.

    `known` are ids of events that have ended or are on their way, `begun` those of which something
    was sent, or was to be, and that have not ended.
    """
    is_known, at = event.id in known, counts_at(event)
    said, again = said_at(event), again_id(event)
    if said is None or now.last_timestamp_ms is None:
        return Meaning(event, is_known, at)
    if again == now.last_event_id or again in known or again in begun:
        # Its own record, read once more.
        return Meaning(told_again(event), again in known, said)
    is_open_again = event.id == now.last_event_id and not is_known
    looks_old = is_known or event.timestamp < now.last_timestamp_ms
    # Told under one id twice at one moment: a record that is read again.
    is_late = said < now.last_timestamp_ms or (is_known and said == now.last_timestamp_ms)
    if is_open_again or not looks_old or is_late:
        return Meaning(event, is_known, at)
    if event.state is now.last_state:
        return Meaning(event, is_known=True, at=at, confirms=True)
    return Meaning(told_again(event), is_known=False, at=said)
