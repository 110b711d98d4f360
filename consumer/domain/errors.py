"""Everything that can go wrong, as one tree.

MessengerError
├── InvalidMessage           this record can never be processed: dead-letter topic
├── SettingsError            the configuration is wrong; `problems` lists all of it at once
└── DependencyError          something outside does not answer; wait and go on
    ├── BrokerUnavailable
    ├── LedgerUnavailable
    ├── CatalogUnavailable
    └── LookupUnavailable
"""

from collections.abc import Sequence

from consumer.domain.reasons import Reason


class MessengerError(Exception):
    """Base of all our errors. The text is one line that a user can act on."""


class InvalidMessage(MessengerError):
    """The record is broken and stays broken: it goes to the dead-letter topic with `reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class SettingsError(MessengerError):
    """The configuration cannot be used."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class DependencyError(MessengerError):
    """A system we depend on cannot be reached; the same call may succeed later."""


class BrokerUnavailable(DependencyError):
    """Kafka does not answer."""


class LedgerUnavailable(DependencyError):
    """The ledger's database does not answer. Nothing is sent unlocked."""


class CatalogUnavailable(DependencyError):
    """The catalog's source does not answer, and no earlier answer is at hand."""


class LookupUnavailable(DependencyError):
    """The provider cannot say at the moment what became of a message."""
