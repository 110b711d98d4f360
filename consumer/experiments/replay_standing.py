"""Whether an event is to be replayed, by what the ledger says of it. Pure.

Who was told is the ledger's word alone. What it never heard of was never sent, as long as its
memory reaches back that far; what it has forgotten is left alone.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from consumer.domain.ledger import DeliveryRow, DeliveryState, EventRow
from consumer.domain.reasons import Kind


class Why(StrEnum):
    """Why an event that was asked for is not replayed."""

    ALREADY_SENT = "already sent"
    ALREADY_RESENT = "already resent by this replay"
    SUPERSEDED = "superseded before"
    SUPPRESSED = "suppressed; --suppressed asks again"
    DECIDED = "was not to be sent"
    FORGOTTEN = "older than the ledger remembers"
    UNREADABLE = "unreadable"


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of one event. Without `why` it goes."""

    why: Why | None = None
    #: It has ended, and has to be opened again.
    opens: bool = False
    #: It was to be sent before: that is not decided again.
    again: bool = False


#: Ends of a notification after which nothing is missing.
_FINAL: Final = frozenset({DeliveryState.ACCEPTED, DeliveryState.SUPERSEDED})
#: Ends of an event that was to be sent, and of which nobody was told.
_GIVEN_UP: Final = frozenset({Kind.FAILED, Kind.EXPIRED, Kind.IN_DOUBT, Kind.LOOKUP_FAILED})
_ENDS: Final = {
    Kind.ACCEPTED: Why.ALREADY_SENT,
    Kind.SUPERSEDED: Why.SUPERSEDED,
    Kind.SUPPRESSED: Why.SUPPRESSED,
}


def missing(
    ended: EventRow | None,
    rows: Iterable[DeliveryRow],
    *,
    is_remembered: bool,
    suppressed: bool = False,
    overtaken: bool = False,
) -> Verdict:
    """For a replay of what is missing. `ended`: how the event ended; `rows`: its notifications.

    `is_remembered`: had the ledger seen it, it would still know. `suppressed`, `overtaken`: what
    was suppressed, or came after a newer state, is asked for too.
    """
    states = {row.state for row in rows}
    if ended is None:
        return Verdict(again=bool(states)) if states or is_remembered else Verdict(Why.FORGOTTEN)
    is_asked_for = (suppressed and ended.outcome == Kind.SUPPRESSED) or (
        overtaken and ended.outcome == Kind.STALE
    )
    if states - _FINAL or ended.outcome in _GIVEN_UP or is_asked_for:
        return Verdict(opens=True, again=True)
    return Verdict(_end(ended))


def resendable(ended: EventRow | None) -> Verdict:
    """For a deliberate resend: all that was told, or was to be; not what nobody was to hear of."""
    if ended is None or ended.outcome in _GIVEN_UP or ended.outcome in _ENDS:
        return Verdict(again=True)
    return Verdict(Why.DECIDED)


def _end(ended: EventRow) -> Why:
    # A ledger of a later version may know other ends.
    return next((why for kind, why in _ENDS.items() if kind == ended.outcome), Why.DECIDED)
