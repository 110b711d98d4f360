"""The work of a batch grows with the batch, not with its square: counted in steps of SQLite's
machine, so that no clock is needed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from consumer.adapters.ledger import SqlLedger, open_ledger, upgrade
from consumer.domain.alarm import State
from consumer.domain.ledger import ClaimRequest, Closing, DeliveryState, SendingMark, Settlement
from consumer.domain.suppression import SuppressedAddress, SuppressionList

SMALL, LARGE = 200, 800
STEPS_PER_CALL = 50


class Counted:
    """A ledger whose database steps are counted."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        upgrade(url)
        self.ledger: SqlLedger = open_ledger(url)
        self.steps = 0
        event.listen(self.ledger._database._engine, "begin", self._count)

    def _count(self, opened: Connection) -> None:
        connection: Any = opened.connection.driver_connection

        def more() -> int:
            self.steps += 1
            return 0

        connection.set_progress_handler(more, STEPS_PER_CALL)

    def cost(self, call: Callable[[], object]) -> int:
        before = self.steps
        call()
        return self.steps - before


def whole_round(ledger: Counted, size: int) -> dict[str, int]:
    """Steps of each statement for so many atoms, all of them held by one owner."""
    names = [f"{size}-{n}" for n in range(size)]
    asked = [ClaimRequest(name, [f"e{name}"]) for name in names]
    marks = [
        SendingMark(
            uid=f"u{name}",
            event_id=f"e{name}",
            atom=name,
            fence=1,
            target_id="t",
            type="email",
            destination="oncall@example.com",
            message_id=f"<u{name}@example.com>",
            transport="mailgun",
            attempt=1,
        )
        for name in names
    ]
    results = [
        Settlement(
            uid=f"u{name}",
            atom=name,
            fence=1,
            state=DeliveryState.ACCEPTED,
            transport="mailgun",
        )
        for name in names
    ]
    ends = [
        Closing(
            event_id=f"e{name}",
            atom=name,
            outcome="accepted",
            timestamp_ms=1,
            state=State.CRITICAL,
            advances=True,
        )
        for name in names
    ]
    store = ledger.ledger
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: store.claim("one", asked, 1.0),
        "mark": lambda: store.mark_sending("one", marks, 1.0),
        "settle": lambda: store.settle("one", results, 1.0),
        "close": lambda: store.close_events(ends, 1.0),
        "claim again": lambda: store.claim("one", asked, 1.0),
        "release": lambda: store.release("one", names),
    }
    return {name: ledger.cost(call) for name, call in calls.items()}


@pytest.mark.parametrize(
    "statement", ["claim", "mark", "settle", "close", "claim again", "release"]
)
def test_four_times_the_batch_costs_about_four_times_the_steps(
    tmp_path: Path, statement: str
) -> None:
    counted = Counted(tmp_path)
    counted.ledger.heartbeat("one", 1.0, 1e9)
    small = whole_round(counted, SMALL)[statement]
    large = whole_round(counted, LARGE)[statement]
    counted.ledger.close()
    assert small
    assert large < 8 * small, f"{small} steps for {SMALL}, {large} for {LARGE}"


def test_who_gets_no_email_is_found_without_going_through_the_lists(tmp_path: Path) -> None:
    """What a batch pays does not grow with the entries there are."""
    counted = Counted(tmp_path)
    store = counted.ledger.suppressions

    def list_more(beginning: str, number: int) -> None:
        names = (f"{beginning}-{n}@example.com" for n in range(number))
        entries = [SuppressedAddress(list=SuppressionList.BOUNCES, address=name) for name in names]
        store.keep("alerts.example.com", entries)

    wanted = [f"few-{n}@example.com" for n in range(100)]
    list_more("few", 100)
    few = counted.cost(lambda: store.holding_back("alerts.example.com", wanted))
    list_more("many", 5_000)
    many = counted.cost(lambda: store.holding_back("alerts.example.com", wanted))
    counted.ledger.close()
    assert few
    assert many < 2 * few, f"{few} steps among 100, {many} among 5,100"
