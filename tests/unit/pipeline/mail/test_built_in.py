"""The built-in templates keep to the language, though nobody watches them work."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import markupsafe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import PackageLoader

from consumer.domain.alarm import Observation, State
from consumer.domain.rate_limit import HeldNotification, Summary
from consumer.pipeline.mail.built_in import BuiltInEnvironment, escape, write
from consumer.pipeline.mail.language import MailEnvironment, values_with_budget
from consumer.pipeline.mail.renderer import HTML, SUBJECT, TEXT
from consumer.pipeline.mail.summary import summary_values
from consumer.pipeline.mail.view import recipient_values
from tests.support.factories import make_context, make_event, make_notification
from tests.unit.pipeline.emails import NOW, RENDERER
from tests.unit.pipeline.test_create_email_hostile import hostile_draft, text_of_any_kind

STRICT = MailEnvironment(PackageLoader("consumer.pipeline", "templates"), auto_reload=False)
BUILT_IN = BuiltInEnvironment()
ALARM_PARTS = (SUBJECT, TEXT, HTML)
SUMMARY_PARTS = ("summary_subject.txt", "summary.txt", "summary.html")


def assert_written_alike(values: Mapping[str, Any], parts: tuple[str, ...]) -> None:
    watched = [STRICT.get_template(part).render(values_with_budget(values)) for part in parts]
    assert write([BUILT_IN.get_template(part) for part in parts], values) == watched


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": None},
        {"status": "<b>&amp;\u202e\n{{ 7 * 7 }}" * 20, "test": True, "replay": True},
        {"observations": [Observation(state="CRITICAL"), Observation(timestamp=NOW - 1000)]},
        {"attributes": {"items": "x", "keys": "<y>"}, "link": "https://example.com/?a=1&b=2"},
    ],
)
def test_they_write_the_same_in_the_environment_that_watches(changes: dict[str, Any]) -> None:
    notification = make_notification(event=make_event(**changes))
    shared = RENDERER.shared_values(notification.event, make_context(), None, NOW)
    assert_written_alike(recipient_values(shared, notification, None), ALARM_PARTS)


@settings(max_examples=40, deadline=None)
@given(text=text_of_any_kind, state=st.sampled_from(State))
def test_they_do_so_whatever_the_values_are(text: str, state: State) -> None:
    draft = hostile_draft(text)
    event, context = draft.notification.event, draft.context
    shared = RENDERER.shared_values(event, context, state, NOW)
    target = context.targets[text]
    assert_written_alike(recipient_values(shared, draft.notification, target), ALARM_PARTS)
    held = HeldNotification(
        uid=text,
        atom=text,
        event_id=text,
        state=state,
        timestamp_ms=NOW,
        entity=text,
        check=text,
        alarm=text,
        status=text,
    )
    summary = Summary(
        id=text, tenant_id=text, destination=text, total=9, alarms=2, held=[held] * 7, now={}
    )
    values = summary_values(
        draft.notification, summary, context, now_ms=NOW, product_name=text, zone=UTC
    )
    assert_written_alike(values, SUMMARY_PARTS)


@given(st.one_of(text_of_any_kind, st.integers()))
def test_values_are_escaped_as_the_language_does_it(value: str | int) -> None:
    assert escape(value) == str(markupsafe.escape(value))


def test_no_built_in_template_may_ask_for_a_value_that_is_not_there() -> None:
    """Where an account's template tells its author, ours would be wrong for everybody."""
    with pytest.raises(KeyError, match="entiti"):
        write([BUILT_IN.from_string("{{ entiti.label }}")], {"entity": {"label": "x"}})
