"""The headers, tags and variables of a mail."""

from typing import Final

from consumer.domain.alarm import State
from consumer.domain.identity import message_id, notification_uid
from consumer.domain.notification import Context, Notification
from consumer.pipeline.mail.clean import header_value, one_line, token

#: Mailgun: at most 10 tags of at most 128 ASCII characters.
_TAG: Final = 128
_VARIABLE: Final = 128


def headers(
    notification: Notification, thread_event_id: str | None, mail_domain: str
) -> tuple[tuple[str, str], ...]:
    """All headers beside From, To, Subject and Message-Id.

    There is no `Precedence: bulk` and no `List-Id`: both make filters file a mail with the
    newsletters, and what keeps answering machines quiet is said by Auto-Submitted (RFC 3834) and
    by the header that Exchange knows. `Importance` is for CRITICAL only; `X-Priority` adds
    nothing to it but points with spam filters.
    """
    event = notification.event
    found = [
        *_threading(notification, thread_event_id, mail_domain),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Alarm-Tenant", header_value(event.tenant_id)),
        ("X-Alarm-Entity", header_value(event.entity_id)),
        ("X-Alarm-Check", header_value(event.check_id)),
        ("X-Alarm-Id", header_value(event.alarm_id)),
        ("X-Alarm-State", str(event.state)),
        ("X-Alarm-Event", header_value(event.id)),
    ]
    if event.state is State.CRITICAL:
        found.append(("Importance", "high"))
    return tuple((name, value) for name, value in found if value)


def tags(notification: Notification, context: Context) -> tuple[str, ...]:
    """For the provider's statistics: the state, the type of check, `test` for a test event."""
    event = notification.event
    check_type = token(context.check.type if context.check else None, _TAG)
    found = (event.state.lower(), check_type, "test" if event.test else "")
    return tuple(tag for tag in found if tag)


def variables(notification: Notification, installation: str) -> tuple[tuple[str, str], ...]:
    """What finds the event again from a provider's report. `uid` alone is enough for ours, while
    the ledger has it.

    Together about 1 kB at the most: Mailgun cuts them off above 4 kB in what it reports.
    """
    event = notification.event
    found = (
        ("uid", notification.uid),
        ("event_id", one_line(event.id, _VARIABLE)),
        ("tenant_id", one_line(event.tenant_id, _VARIABLE)),
        ("entity_id", one_line(event.entity_id, _VARIABLE)),
        ("check_id", one_line(event.check_id, _VARIABLE)),
        ("alarm_id", one_line(event.alarm_id, _VARIABLE)),
        ("state", str(event.state)),
        ("target_id", one_line(notification.target_id, _VARIABLE)),
        ("installation", installation),
    )
    return tuple((name, value) for name, value in found if value)


def _threading(
    notification: Notification, thread_event_id: str | None, mail_domain: str
) -> list[tuple[str, str]]:
    """All mails of one alarm to one destination answer the first one, so they are one thread.

    The root need not have reached the mailbox: mail programs thread by the id alone.
    """
    if thread_event_id is None:
        return []
    root = notification_uid(
        thread_event_id, notification.target_id, notification.type, notification.destination
    )
    if root == notification.uid:
        return []
    root_id = message_id(root, mail_domain)
    return [("In-Reply-To", root_id), ("References", root_id)]
