"""What a consumer tells the ledger: complete, and changed by keyword."""

from typing import Any

from sqlalchemy import create_engine, delete

from consumer.adapters.ledger import SqlLedger
from consumer.adapters.ledger.schema import metadata
from consumer.domain.alarm import State
from consumer.domain.ledger import (
    AtomState,
    ClaimRequest,
    Closing,
    DeliveryState,
    SendingMark,
    Settlement,
)

NOW = 1_392_138_740.0
LEASE = 30.0
#: When a lease begun at NOW is over.
LATER = NOW + LEASE + 1
ATOM = "487000:enW3bSrv01:alBodyM4tc:chHttpW3b1"


def request(atom: str = ATOM, *event_ids: str) -> ClaimRequest:
    return ClaimRequest(atom, event_ids)


def win(ledger: SqlLedger, owner: str, atom: str = ATOM, now: float = NOW) -> AtomState:
    """Heartbeat and claim: `owner` holds the atom afterwards."""
    ledger.heartbeat(owner, now, LEASE)
    return ledger.claim(owner, [request(atom)], now).won[atom]


def mark(**changes: Any) -> SendingMark:
    values: dict[str, Any] = {
        "uid": "n1",
        "event_id": "e1",
        "atom": ATOM,
        "fence": 1,
        "target_id": "ntExAmPl02",
        "type": "email",
        "destination": "oncall@example.com",
        "message_id": "<n1@alerts.example.com>",
        "transport": "mailgun",
        "attempt": 1,
    }
    return SendingMark(**(values | changes))


def settlement(**changes: Any) -> Settlement:
    values: dict[str, Any] = {
        "uid": "n1",
        "atom": ATOM,
        "fence": 1,
        "state": DeliveryState.ACCEPTED,
        "transport": "mailgun",
        "provider_id": "<n1@alerts.example.com>",
        "reason": "queued",
        "message": "Queued. Thank you.",
        "code": 200,
    }
    return Settlement(**(values | changes))


def closing(**changes: Any) -> Closing:
    values: dict[str, Any] = {
        "event_id": "e1",
        "atom": ATOM,
        "outcome": "accepted",
        "timestamp_ms": 1_392_138_733_810,
        "state": State.CRITICAL,
        "advances": True,
    }
    return Closing(**(values | changes))


def forget_everything(url: str) -> None:
    """Empty the ledger's tables."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in metadata.tables.values():
            connection.execute(delete(table))
    engine.dispose()
