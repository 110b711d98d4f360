"""Stage `create_email`: in come notifications, out comes one finished email for each.

Pure but for the templates: the same draft gives the same email, and nothing can stop it. An
account's template that does not work is replaced by the built-in one, and the email says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consumer.domain.alarm import State
from consumer.domain.identity import message_id
from consumer.domain.notification import Context, Email, Notification
from consumer.domain.rate_limit import Summary
from consumer.pipeline.mail.clean import one_line
from consumer.pipeline.mail.headers import headers, tags, variables
from consumer.pipeline.mail.renderer import Rendered, Renderer
from consumer.pipeline.mail.view import recipient_values

#: The longest address SMTP can carry is shorter.
_ADDRESS_LIMIT = 320


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What an email is made of."""

    notification: Notification
    context: Context
    #: The event whose emails are the root of the atom's thread; None: this one starts it.
    thread_event_id: str | None = None
    #: The atom's last state, for events whose producer does not tell the previous one.
    previous_state: State | None = None


def create_email(drafts: Sequence[Draft], renderer: Renderer, now_ms: int) -> list[Email]:
    """One email for each draft, in order. `now_ms` (epoch milliseconds) is for ages in the text."""
    shared: dict[tuple[int, int, State | None], dict[str, Any]] = {}
    emails = []
    for draft in drafts:
        if draft.notification.summary is not None:
            emails.append(_summary(draft, draft.notification.summary, renderer, now_ms))
            continue
        event = draft.notification.event
        # Identity is enough: the drafts keep the objects alive, and a batch is short.
        key = (id(event), id(draft.context), draft.previous_state)
        if key not in shared:
            shared[key] = renderer.shared_values(event, draft.context, draft.previous_state, now_ms)
        emails.append(_email(draft, shared[key], renderer))
    return emails


def _email(draft: Draft, shared: Mapping[str, Any], renderer: Renderer) -> Email:
    notification, context = draft.notification, draft.context
    target = context.targets.get(notification.target_id)
    values = recipient_values(shared, notification, target)
    template = context.account.template if context.account else None
    return _of(
        notification,
        renderer.render(values, template),
        renderer,
        thread_event_id=draft.thread_event_id,
        counted_as=tags(notification, context),
    )


def _summary(draft: Draft, summary: Summary, renderer: Renderer, now_ms: int) -> Email:
    """Of no alarm's thread, and counted by itself."""
    notification = draft.notification
    rendered = renderer.render_summary(notification, summary, draft.context, now_ms)
    return _of(notification, rendered, renderer, thread_event_id=None, counted_as=("summary",))


def _of(
    notification: Notification,
    rendered: Rendered,
    renderer: Renderer,
    *,
    thread_event_id: str | None,
    counted_as: Sequence[str],
) -> Email:
    return Email(
        uid=notification.uid,
        message_id=message_id(notification.uid, renderer.mail_domain),
        sender=renderer.sender,
        to=one_line(notification.destination, _ADDRESS_LIMIT),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=headers(notification, thread_event_id, renderer.mail_domain),
        tags=counted_as,
        variables=variables(notification, renderer.installation),
        template_error=rendered.template_error,
    )
