"""So many emails an hour to one recipient; what is above that is told together, in a summary.

A recipient is one address of one tenant: a tenant's storm must not hold back what another tenant
has to tell the same address. Each notification is decided once, by its uid, so an event that is
read again counts once. The first that is held back opens a summary; what follows joins it until
the summary is written. The summary is an event of its own: it is locked, sent, tracked and kept
from being sent twice as any other, and its id is made of the notification that opened it. It
says nothing of whom to tell or of what: that is in the ledger, so nobody can have emails sent by
writing such an event.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.identity import NS_EVENT, notification_uid

#: The target and type of a summary's notification: no plan has it.
SUMMARY_TARGET: Final = "ntRateLimitSummary"
SUMMARY_TYPE: Final = "rateLimitSummary"
#: What emails are counted over.
WINDOW_SECONDS: Final = 3600.0
#: The order in which a summary tells of alarms.
WORST_FIRST: Final = (State.CRITICAL, State.WARNING, State.UNKNOWN, State.OK)

_SOURCE: Final = "messenger/recipient-limit"
_PREFIX: Final = "summary-"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A notification that is about to become an email, and what a summary would say of it."""

    uid: str
    tenant_id: str
    #: Normalised.
    destination: str
    atom: str
    event_id: str
    state: State
    timestamp_ms: int
    #: So many emails an hour to its recipient, itself included; None: it goes whatever the number.
    at_most: int | None
    #: For people: labels, and the alarm's message.
    entity: str = ""
    check: str = ""
    alarm: str = ""
    status: str = ""

    @property
    def recipient(self) -> str:
        """Who is counted."""
        return recipient_of(self.tenant_id, self.destination)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things are with one recipient."""

    #: Emails of the last hour, summaries not counted.
    sent: int = 0
    #: Id of the summary that is still open.
    summary_id: str | None = None
    #: A summary was written and is not out yet.
    under_way: bool = False


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A summary whose time has come."""

    id: str
    tenant_id: str
    destination: str


class HeldNotification(msgspec.Struct, frozen=True, kw_only=True):
    """One notification that a summary tells of."""

    uid: str
    atom: str
    event_id: str
    state: State
    timestamp_ms: int
    entity: str
    check: str
    alarm: str
    status: str


class AlarmNow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest that is known of an alarm."""

    state: State
    timestamp_ms: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All that was held back from one recipient, as it is known when the email is written."""

    id: str
    tenant_id: str
    destination: str
    #: How many notifications, of how many alarms; `held` may have fewer.
    total: int
    alarms: int
    #: First the newest of each alarm, worst first, and then what went before; of one alarm newest
    #: first.
    held: Sequence[HeldNotification]
    #: By atom, whoever was told of it.
    now: Mapping[str, AlarmNow]
    #: The limit they were above; None: there is none any more.
    at_most: int | None = None


def decide(asked: Sequence[Asked], standings: Mapping[str, Standing]) -> dict[str, str | None]:
    """Which may be sent (None), and in which summary the others are told. Pure.

    In order; earlier ones count for later ones. While a summary is open or on its way, what can
    be held back is: an email must not tell a newer state than the summary that follows it.
    """
    now = dict(standings)
    decided: dict[str, str | None] = {}
    for each in asked:
        if each.uid in decided:
            continue
        standing = now.get(each.recipient, Standing())
        waits = standing.summary_id is not None or standing.under_way
        if each.at_most is None or (standing.sent < each.at_most and not waits):
            decided[each.uid] = None
            standing = msgspec.structs.replace(standing, sent=standing.sent + 1)
        else:
            summary_id = standing.summary_id or summary_id_of(each.uid)
            decided[each.uid] = summary_id
            standing = msgspec.structs.replace(standing, summary_id=summary_id)
        now[each.recipient] = standing
    return decided


def recipient_of(tenant_id: str, destination: str) -> str:
    """Name of a recipient; an address holds no blank, so no two share one. Of an address the case
    is the receiver's business by the book, and nobody's in practice."""
    return f"{tenant_id} {destination.lower()}"


def summary_id_of(opened_by: str) -> str:
    """Id of the summary's event, by the uid of the first notification that was held back."""
    return _PREFIX + str(uuid.uuid5(NS_EVENT, f"{opened_by}|summary"))


def summary_uid(summary_id: str, destination: str) -> str:
    """Uid of the notification that tells of what was held back, however its address is written."""
    return notification_uid(summary_id, SUMMARY_TARGET, SUMMARY_TYPE, destination.lower())


def is_summary(event: AlarmEvent) -> bool:
    """Whether it makes a summary be written, and is no alarm's."""
    return event.source == _SOURCE and event.id.startswith(_PREFIX)


def summary_event(owed: Owed, now_ms: int) -> AlarmEvent:
    """The event that makes a summary be written.

    Its snapshots stand in for a catalog that knows no such alarm; its state is no alarm's either.
    To whoever takes it for an alarm's event its actions are disabled.
    """
    return AlarmEvent(
        id=owed.id,
        source=_SOURCE,
        tenant_id=owed.tenant_id,
        entity_id="summary",
        check_id="recipient-limit",
        alarm_id=owed.destination.lower(),
        state=State.UNKNOWN,
        timestamp=now_ms,
        produced_at=now_ms,
        entity={"label": "Summary"},
        check={"label": "What was held back"},
        alarm={"label": owed.destination},
        actions_enabled=False,
    )
