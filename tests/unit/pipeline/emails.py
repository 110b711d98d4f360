"""Emails made of little, as the tests of what they say use them."""

from typing import Any

from consumer.domain.notification import Context, Email, Notification
from consumer.pipeline.create_email import Draft, create_email
from consumer.pipeline.mail.renderer import Renderer
from tests.support.factories import make_context, make_event, make_notification

RENDERER = Renderer("alerts.example.com", "Alarms <alarms@alerts.example.com>")
TIMESTAMP = 1_392_138_733_810
NOW = TIMESTAMP + 4_200


def email_of(
    notification: Notification | None = None,
    context: Context | None = None,
    now_ms: int = NOW,
    **draft: Any,
) -> Email:
    made = Draft(
        notification=notification or make_notification(),
        context=context or make_context(),
        **draft,
    )
    return create_email([made], RENDERER, now_ms)[0]


def event_email(context: Context | None = None, now_ms: int = NOW, **changes: Any) -> Email:
    return email_of(make_notification(event=make_event(**changes)), context, now_ms)
