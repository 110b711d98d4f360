"""What a format makes of a message: events, and what else there is to say of it."""

from collections.abc import Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage

Headers = Sequence[tuple[str, bytes]]


class LeftOut(msgspec.Struct, frozen=True):
    """So many alarms the sender knew of and did not put into its message."""

    count: int


class Wrapped(msgspec.Struct, frozen=True):
    """A message inside another. `format` is its name; None: it is detected."""

    value: bytes
    format: str | None = None


#: A message may hold many events. One that is broken stands among them as the reason why.
Part = AlarmEvent | InvalidMessage | LeftOut
Contents = Sequence[Part] | Wrapped
