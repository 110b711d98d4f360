"""A notification (one event to one destination), its email, and what became of sending it."""

from collections.abc import Sequence

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Target, Zone
from consumer.domain.follow_up import Unreached
from consumer.domain.rate_limit import Summary
from consumer.domain.reasons import Kind, Reason


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What the lookups found for one event; None where catalog and snapshots know nothing."""

    account: Account | None
    entity: Entity | None
    check: Check | None
    alarm: Alarm | None
    #: The plan in force, and the id it was asked by.
    plan: Plan | None
    plan_id: str | None
    #: Ids the plan lists for the new state, and the targets found by all of the plan's lists; one
    #: that is not among them is unknown.
    listed: Sequence[str] = ()
    targets: dict[str, Target] = {}
    #: Ids of the suppressions in force.
    suppressed_by: Sequence[str] = ()
    zones: dict[str, Zone] = {}
    #: True: a snapshot or an out-of-date answer stood in for the catalog.
    degraded: bool = False
    #: False: the catalog has nothing of it. It is another system's alarm, with the names of that.
    in_catalog: bool = True


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One event to one destination."""

    uid: str
    event: AlarmEvent
    #: Id of the plan's target (Rackspace: notification id) and its type.
    target_id: str
    type: str
    #: Normalised address.
    destination: str
    plan_id: str | None
    #: Whom the address belongs to, for the "why you got this" line; may be empty.
    recipient_name: str = ""
    #: Who was to be told and could not be reached.
    instead_of: Unreached | None = None
    #: What was held back from the recipient, where it tells of that and of no alarm.
    summary: Summary | None = None


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """A finished email. Header values hold no CR or LF; `message_id` has its angle brackets."""

    uid: str
    message_id: str
    sender: str
    to: str
    subject: str
    text: str
    html: str
    #: Further MIME headers, in order: threading, Auto-Submitted, X-Alarm-*.
    headers: Sequence[tuple[str, str]] = ()
    tags: Sequence[str] = ()
    #: Custom data that the provider hands back with its reports.
    variables: Sequence[tuple[str, str]] = ()
    #: The account's own template did not render, the built-in one was used: why.
    template_error: str | None = None

    @property
    def size(self) -> int:
        """Roughly the bytes held while it waits."""
        return len(self.subject) + len(self.text) + len(self.html) + 1024


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a route says about how to send, beside the email itself."""

    transport: str = "mailgun"
    #: Name of the route that says so; empty: of none.
    route: str = ""
    test_mode: bool = False
    tags: Sequence[str] = ()
    tracking: bool = False


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a transport says of one attempt.

    `kind` is ACCEPTED, FAILED (never again), DEFERRED (surely not accepted; again at `retry_at`)
    or IN_DOUBT (may have been accepted: to be looked up before anything is sent again).
    """

    kind: Kind
    reason: Reason
    message: str
    transport: str
    #: The provider's id of the message, with brackets where it has some.
    provider_id: str | None = None
    #: HTTP or SMTP status, where there was one.
    code: int | None = None
    #: RFC 3463's finer word beside an SMTP status: `5.1.1`.
    enhanced_code: str | None = None
    #: Epoch seconds before which another attempt is useless; None: the sender decides.
    retry_at: float | None = None
    #: Milliseconds from the first byte of the request to the answer.
    duration_ms: int = 0
    #: How many calls this result took (the retry layer may have made several).
    calls: int = 1


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """An event, or one of its destinations, that ends without a send: what and why."""

    kind: Kind
    reason: Reason
    message: str
    #: The destination it is about; None when it is the whole event.
    target_id: str | None = None
    type: str | None = None
    destination: str | None = None
    #: The uid of the notification that tells of it later.
    summary_uid: str | None = None
