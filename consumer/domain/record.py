"""A record as Kafka gave it to us."""

from collections.abc import Sequence

import msgspec

Position = tuple[str, int, int]


class Record(msgspec.Struct, frozen=True):
    """One Kafka record. `timestamp` is the broker's or producer's, epoch milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 0

    @property
    def position(self) -> Position:
        return (self.topic, self.partition, self.offset)

    @property
    def size(self) -> int:
        """Bytes of key and value, as the back-pressure counts them."""
        return len(self.key or b"") + len(self.value or b"")


class Undelivered(msgspec.Struct, frozen=True, omit_defaults=True):
    """A notification that was given up: its uid, and the address that was not told."""

    #: Empty where the plan's notification led to no usable address.
    uid: str
    #: Empty where there is not even a broken one.
    destination: str
    #: The plan's notification, where there is no uid.
    target_id: str = ""
    #: And its event: the record may hold several.
    event_id: str = ""

    @property
    def name(self) -> str:
        """By which a person knows it."""
        return self.destination or self.target_id


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record on its way to the dead-letter topic, key and value as read."""

    record: Record
    reason: str
    error: str
    #: Epoch milliseconds at which we first saw the record.
    first_seen: int
    #: The notifications that it is about; none where the record got to no recipients.
    undelivered: Sequence[Undelivered] = ()
