"""What feedback needs from the outside, beside the ports of the pipeline."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from consumer.domain.feedback import EventsPage, SentEmail
from consumer.domain.suppression import SuppressedAddress, SuppressionList, SuppressionPage


class FeedbackStore(Protocol):
    """What was told of reports, kept in the ledger's database. Every method is one transaction.

    All raise LedgerUnavailable; each may be repeated.
    """

    def sent(self, uids: Collection[str]) -> Mapping[str, SentEmail]:
        """The emails of these notifications, by uid; one that is missing is not ours, or old."""

    def told(self, ids: Collection[str]) -> Collection[str]:
        """Those of the tracking records that were acknowledged before."""

    def used(self, tokens: Collection[str]) -> Mapping[str, str]:
        """Those of the webhooks' tokens that came before, each with what it came with."""

    def note(self, ids: Collection[str], tokens: Mapping[str, str], now: float) -> None:
        """These records are acknowledged, and these tokens are used. The first word stays."""

    def take_turn(self, name: str, owner: str, seconds: float) -> bool:
        """Be the one who reads this feed for so long, by the database's clock; False: another is.

        Whose turn it is may take it again, to have it longer.
        """

    def leave_turn(self, name: str, owner: str) -> None:
        """Let another one read; changes nothing when it is not the owner's turn."""

    def place(self, name: str) -> float | None:
        """Up to when everything was read, epoch seconds; None: nothing was, so far."""

    def move(self, name: str, owner: str, place: float) -> bool:
        """Everything was read up to `place`. False: it is no longer the owner's turn."""

    def prune(self, before: float, limit: int) -> int:
        """Delete up to `limit` rows noted before `before`; returns how many."""


class ProviderEvents(Protocol):
    """A provider's records of what happened to emails."""

    def page(self, begin: float, end: float, after: str | None = None) -> EventsPage:
        """The events from `begin` to `end`, epoch seconds, oldest first; `after` leads on.

        Raises LookupUnavailable.
        """

    def opens_in(self) -> float:
        """Seconds for which the provider asked not to be called; 0: it may be."""

    def close(self) -> None: ...


class SuppressionStore(Protocol):
    """The provider's lists as the ledger has them. Every method is one transaction.

    All raise LedgerUnavailable; each may be repeated. Addresses compare without case.
    """

    def now(self) -> float:
        """The database's clock, which all processes share."""

    def keep(self, domain: str, entries: Collection[SuppressedAddress]) -> None:
        """These are on their lists, as of now."""

    def drop_older(self, domain: str, of: SuppressionList, before: float) -> int:
        """Forget what was last heard of before `before`; returns how many."""

    def remove(self, domain: str, of: SuppressionList, address: str) -> bool:
        """Forget one; False: it was not there."""

    def listed(self, domain: str, of: SuppressionList) -> Sequence[SuppressedAddress]:
        """One list, by address."""

    def holding_back(
        self, domain: str, addresses: Collection[str]
    ) -> Mapping[str, SuppressedAddress]:
        """Those of the addresses that get no email, by address in lower case."""


class ProviderSuppressions(Protocol):
    """A provider's lists of addresses that it keeps emails from.

    All raise LookupUnavailable when the provider does not answer, or does not let us, and
    MessengerError when it refuses this very entry.
    """

    def page(self, of: SuppressionList, after: str | None = None) -> SuppressionPage:
        """Some entries of a list; `after` leads on."""

    def add(self, entry: SuppressedAddress) -> None:
        """Put an address on its list; it may be there already."""

    def remove(self, of: SuppressionList, address: str) -> bool:
        """Take an address off a list; False: it was not there."""

    def opens_in(self) -> float:
        """Seconds for which the provider asked not to be called; 0: it may be."""

    def close(self) -> None: ...
