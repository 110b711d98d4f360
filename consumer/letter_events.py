"""Which events of its record a dead letter is about, by the ids that the ledger has them by.

A record says an event's first id. Where its state was told once more, the ledger has that under an
id of its own (see `domain/lasting.py`), and the first one ended long before.
"""

from collections.abc import Mapping, Sequence

from consumer.domain.alarm import AlarmEvent
from consumer.domain.lasting import again_id
from consumer.domain.ledger import EventRow
from consumer.domain.reasons import Reason
from consumer.domain.record import DeadLetter
from consumer.ports import Ledger


def meant_by(
    letter: DeadLetter,
    events: Sequence[AlarmEvent],
    ended: Mapping[str, EventRow],
    ledger: Ledger,
) -> list[str]:
    """The ids of the record's events; `ended` are those of all their ids that have ended.

    Raises LedgerUnavailable.
    """
    ids = [
        again
        if (again := again_id(event)) is not None and _was_told(again, letter, ended, ledger)
        else event.id
        for event in events
    ]
    if letter.reason == Reason.NOT_IN_CATALOG and all(_before(letter, ended.get(i)) for i in ids):
        # Of what could not be looked up the ledger knows nothing: it was none of these.
        return [again_id(event) or event.id for event in events]
    return ids


def _was_told(
    again: str, letter: DeadLetter, ended: Mapping[str, EventRow], ledger: Ledger
) -> bool:
    """It has ended, or it has been opened to be redriven."""
    named = any(each.event_id == again for each in letter.undelivered)
    return named or again in ended or bool(ledger.find_deliveries(event_id=again, limit=1))


def _before(letter: DeadLetter, row: EventRow | None) -> bool:
    """It had ended when the record was read for the first time."""
    return row is not None and row.closed_at * 1000 < letter.first_seen
