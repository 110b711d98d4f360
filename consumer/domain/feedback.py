"""What a provider reports, page by page, and what the ledger knows of an email it reports on."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consumer.domain.alarm import State
from consumer.domain.ledger import DeliveryRow


class SentEmail(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, and of its event what is kept once it has ended."""

    row: DeliveryRow
    state: State | None = None
    #: Epoch milliseconds.
    timestamp_ms: int | None = None


class EventsPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a provider's events, as its documents have them, oldest first."""

    items: Sequence[Mapping[str, Any]]
    #: Where the next page is; None: this was the last one.
    after: str | None = None
