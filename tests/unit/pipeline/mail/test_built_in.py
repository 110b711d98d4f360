"""The built-in templates keep to the language, though nobody watches them work."""

from typing import Any

import pytest
from jinja2 import PackageLoader

from consumer.domain.alarm import Observation
from consumer.pipeline.mail.language import MailEnvironment, values_with_budget
from consumer.pipeline.mail.renderer import HTML, SUBJECT, TEXT
from consumer.pipeline.mail.view import recipient_values
from tests.support.factories import make_context, make_event, make_notification
from tests.unit.pipeline.emails import NOW, RENDERER

STRICT = MailEnvironment(PackageLoader("consumer.pipeline", "templates"), auto_reload=False)


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
    values = recipient_values(shared, notification, None)
    rendered = RENDERER.render(values, None)
    watched = {
        part: STRICT.get_template(part).render(values_with_budget(values))
        for part in (SUBJECT, TEXT, HTML)
    }
    assert (rendered.text, rendered.html) == (watched[TEXT], watched[HTML])
    assert rendered.subject == watched[SUBJECT].strip()
