"""One report of a provider: what happened to one email after it was accepted."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from consumer.domain.identity import tracking_id
from consumer.domain.reasons import Kind, Reason


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report on an email that is perhaps ours; the ledger or its variables say whether it is."""

    #: ACCEPTED tells only that the provider has the email; all others are told in tracking.
    kind: Kind
    reason: Reason
    #: The provider's own word for it.
    event: str
    #: The provider's id of the event, unique within one day.
    event_id: str
    #: Epoch seconds, by the provider's clock.
    at: float
    #: The notification it is about.
    uid: str
    #: Without brackets.
    message_id: str | None = None
    recipient: str | None = None
    code: int | None = None
    enhanced_code: str | None = None
    #: One line for people.
    message: str = ""
    #: Epoch seconds of the provider's next attempt.
    next_attempt_at: float | None = None
    #: What the email carried to be recognised by.
    variables: Mapping[str, str] = {}

    @property
    def identity(self) -> str:
        """What is the same whoever brings the report. Not the time itself: a webhook has it in
        microseconds, the Logs API in milliseconds."""
        return f"{self.event_id}@{datetime.fromtimestamp(int(self.at), UTC):%Y-%m-%d}"

    @property
    def tracking_id(self) -> str:
        """The id of its tracking record."""
        return tracking_id(self.uid, self.kind, self.identity)

    @property
    def says_it_was_accepted(self) -> bool:
        """Whatever befell the email later, the provider had taken it. A rejected one it threw
        away, so that is no word for a send in doubt."""
        return self.kind is not Kind.REJECTED


class NoReport(msgspec.Struct, frozen=True):
    """A document that tells us nothing, and why: a word for metrics."""

    why: str


#: Not understood: a document without an event, an id or a time.
UNREADABLE = NoReport("unreadable")
#: An event whose word we do not know, or that is not about an email we sent.
UNKNOWN = NoReport("unknown")
#: About an email that is not ours: others may send by the same domain.
FOREIGN = NoReport("foreign")
