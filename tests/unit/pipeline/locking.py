"""Events, atoms and the ledger's answers, as the tests of the lock use them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.ledger import AtomState, Claims, EventRow, Held
from consumer.pipeline.lock import LockRules
from tests.support.factories import make_event

#: When the atom's last event was, in the tests that have one.
LAST = 1_392_138_733_810
#: Our clock: some seconds later.
NOW_MS = LAST + 6_190
ATOM = make_event().atom
NEW = AtomState(atom=ATOM, fence=7)
WAS_OK, WAS_WARNING, WAS_CRITICAL = (
    AtomState(
        atom=ATOM,
        fence=7,
        last_event_id="last",
        last_state=state,
        last_timestamp_ms=LAST,
        thread_event_id="root",
    )
    for state in (State.OK, State.WARNING, State.CRITICAL)
)
RULES = LockRules(repeating_sources=frozenset({"alertmanager"}))


def event(state: State, later: int = 1, **changes: Any) -> AlarmEvent:
    """An event `later` milliseconds after the atom's last one, from a producer that says little."""
    values = {"id": "new", "state": state, "timestamp": LAST + later, "previous_state": None}
    return make_event(**(values | changes))


def claims(
    *won: AtomState, held: Sequence[Held] = (), ended: Sequence[str] | dict[str, str] = ()
) -> Claims:
    """What the ledger says: these atoms are ours, those held, and the events that have
    ended (by id, or id and atom)."""
    row = EventRow(
        id="", atom=ATOM, outcome="accepted", timestamp_ms=LAST, state=State.OK, closed_at=0
    )
    return Claims(
        won={state.atom: state for state in won},
        held={one.atom: one for one in held},
        events={
            id_: msgspec.structs.replace(row, id=id_, atom=atom)
            for id_, atom in (
                ended if isinstance(ended, dict) else dict.fromkeys(ended, ATOM)
            ).items()
        },
        deliveries={},
    )
