"""What the ledger answers and is told. Times are epoch seconds unless a name ends in `_ms`."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from consumer.domain.alarm import State


class DeliveryState(StrEnum):
    """How far one notification got. SENDING is durable before the request is written."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    DEFERRED = "deferred"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class ClaimRequest(msgspec.Struct, frozen=True):
    """An atom one wants to work on, and the ids of the events waiting for it."""

    atom: str
    event_ids: Sequence[str]


class AtomState(msgspec.Struct, frozen=True, kw_only=True):
    """An atom that is ours: its fence, and the last event that was closed on it."""

    atom: str
    fence: int
    last_event_id: str | None = None
    last_state: State | None = None
    #: Epoch milliseconds of the last closed event.
    last_timestamp_ms: int | None = None
    #: The event whose mails are the root of the atom's mail thread.
    thread_event_id: str | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An atom that another consumer works on, until `lease_until` if that one died."""

    atom: str
    owner: str
    lease_until: float


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One notification as the ledger has it."""

    uid: str
    event_id: str
    atom: str
    #: The plan's notification that led to this one, and its type.
    target_id: str
    type: str
    destination: str
    message_id: str
    transport: str
    state: DeliveryState
    attempt: int
    owner: str
    fence: int
    provider_id: str | None = None
    reason: str | None = None
    message: str | None = None
    code: int | None = None
    #: The provider could not say whether an earlier attempt was accepted.
    possible_duplicate: bool = False
    #: The route by which its last attempt went; None: not known, or none was named.
    route: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was closed, with the kind it ended as."""

    id: str
    atom: str
    outcome: str
    timestamp_ms: int
    state: State
    closed_at: float


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one claim: atoms won, atoms held elsewhere, what is known of the events."""

    won: Mapping[str, AtomState]
    held: Mapping[str, Held]
    #: Closed events by id; an event that is not here has not ended.
    events: Mapping[str, EventRow]
    #: Deliveries by notification uid, for the events asked about that have not ended.
    deliveries: Mapping[str, DeliveryRow]


class SendingMark(msgspec.Struct, frozen=True, kw_only=True):
    """Told before the request is written: this notification is about to be sent."""

    uid: str
    event_id: str
    atom: str
    fence: int
    #: The plan's notification that leads to this one, and its type.
    target_id: str
    type: str
    destination: str
    message_id: str
    transport: str
    attempt: int
    #: The name of its route; empty: of none.
    route: str = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """Told after the answer: what became of one attempt."""

    uid: str
    atom: str
    fence: int
    state: DeliveryState
    transport: str
    provider_id: str | None = None
    reason: str | None = None
    message: str | None = None
    code: int | None = None
    #: The provider could not say whether an earlier attempt was accepted; once true it stays.
    possible_duplicate: bool = False


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """Told when every tracking record of an event is acknowledged: the event has ended."""

    event_id: str
    atom: str
    outcome: str
    timestamp_ms: int
    state: State
    #: Whether the event moves the atom on; duplicates, stale and test events do not.
    advances: bool
    #: The event by which the atom stands afterwards as it does; None: this one.
    last_event_id: str | None = None
    #: Set as the atom's thread root if it has none yet.
    thread_event_id: str | None = None
