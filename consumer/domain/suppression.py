"""Addresses that a provider keeps emails from: its own lists, as far as we know them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec


class SuppressionList(StrEnum):
    """Mailgun's lists, by the names of their paths."""

    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    #: Keeps addresses and whole domains off the list of bounces; it keeps nothing from anybody.
    ALLOWLIST = "whitelists"


#: An unsubscribe from everything.
ALL_TAGS: Final = "*"


class SuppressedAddress(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of one list."""

    list: SuppressionList
    #: In lower case, as the provider compares them; of the allowlist perhaps a domain.
    address: str
    #: Epoch seconds; None: the provider did not say.
    since: float | None = None
    #: In the provider's words; may be empty.
    why: str = ""
    #: Which emails an unsubscribe is about; `*`: all.
    tags: tuple[str, ...] = (ALL_TAGS,)

    @property
    def holds_back(self) -> bool:
        """Whether no email reaches the address. What is about some tags only is the provider's
        affair, which knows all tags of an email."""
        return self.list is not SuppressionList.ALLOWLIST and ALL_TAGS in self.tags


class SuppressionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some entries of one list."""

    entries: Sequence[SuppressedAddress]
    #: Where the next page is; None: this was the last one.
    after: str | None = None


#: Of these addresses, those that get no email, by address in lower case.
FindSuppressed = Callable[[Collection[str]], Mapping[str, SuppressedAddress]]
