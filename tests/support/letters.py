"""Dead letters as they lie in their topic."""

from collections.abc import Sequence
from typing import Any

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.reasons import Reason
from consumer.domain.record import DeadLetter, Record, Undelivered
from consumer.wire import dead_letter_headers, encode_event, redriven_note
from tests.support.factories import make_event

#: When the first of the letters was written, epoch milliseconds.
T0 = 1_392_138_740_000


def letter_record(
    offset: int,
    event: AlarmEvent | None = None,
    reason: str = Reason.NOT_IN_CATALOG,
    undelivered: Sequence[Undelivered] = (),
    **changes: Any,
) -> Record:
    """A record of the dead-letter topic; `changes` are of the record as it was read.

    Letters are a second apart.
    """
    event = event or make_event(id=f"e{offset}")
    read = Record("alarm-events", 3, 100 + offset, event.atom.encode(), encode_event(event))
    source = msgspec.structs.replace(read, **({"timestamp": T0} | changes))
    dead = DeadLetter(
        record=source,
        reason=reason,
        error=f"says {reason}",
        first_seen=T0,
        undelivered=undelivered,
    )
    headers = tuple(dead_letter_headers(dead))
    at = T0 + 1000 * offset
    return Record("dead", 0, offset, source.key, source.value, headers, at)


def note_record(offset: int, letter: int, at: int = T0 + 500_000) -> Record:
    """A note of the dead-letter topic: the letter at this offset was redriven."""
    headers = tuple(redriven_note(0, letter, at))
    return Record("dead", 0, offset, None, b"", headers, at)
