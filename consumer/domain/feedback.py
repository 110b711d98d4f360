"""What the ledger knows of an email that a provider reports on."""

import msgspec

from consumer.domain.alarm import State
from consumer.domain.ledger import DeliveryRow


class SentEmail(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, and of its event what is kept once it has ended."""

    row: DeliveryRow
    state: State | None = None
    #: Epoch milliseconds.
    timestamp_ms: int | None = None
