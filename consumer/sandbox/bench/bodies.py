"""What Messenger posts for some events: made by its own stages, without Kafka and ledger."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from consumer.adapters.catalog import open_catalog
from consumer.adapters.mailgun.payload import encode, form_of
from consumer.configuration import load_settings
from consumer.domain.notification import Context
from consumer.formats import decode
from consumer.pipeline.create_email import Draft, create_email
from consumer.pipeline.lookup import lookup
from consumer.pipeline.plan import plan
from consumer.ports import Clock
from consumer.wiring import make_renderer, pipeline_rules


def bodies_of(values: Iterable[bytes], config: Path, clock: Clock) -> list[bytes]:
    """The forms, urlencoded, in the order of the events."""
    settings = load_settings(config, {})
    now_ms = int(clock.now() * 1000)
    events = [event for value in values for event in decode(value)]
    with closing(open_catalog(settings.catalog.url.get_secret_value(), clock=clock)) as catalog:
        contexts = lookup(events, catalog, now_ms)
    drafts = [
        Draft(notification=notification, context=context)
        for event, context in zip(events, contexts, strict=True)
        if isinstance(context, Context)
        for notification in plan(event, context).notifications
    ]
    options = pipeline_rules(settings).default_options
    emails = create_email(drafts, make_renderer(settings), now_ms)
    return [encode(form_of(email, options).fields) for email in emails]
