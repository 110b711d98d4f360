"""Whatever stands in the fields of an event, its email is harmless, bounded and whole."""

from email import message_from_bytes
from email.policy import SMTP
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.alarm import Metric, Observation, State
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Target, Zone
from consumer.domain.notification import Context, Email
from consumer.pipeline.create_email import Draft, create_email
from consumer.pipeline.mail.mime import mime_message
from consumer.pipeline.mail.renderer import Renderer
from tests.support.factories import make_context, make_event, make_notification

RENDERER = Renderer("alerts.example.com", "Alarms <alarms@alerts.example.com>")

HOSTILE = {
    "header injection": "x\r\nBcc: everybody@example.com\r\n\r\nbody",
    "line separators": "a\u2028b\u2029c\x85d\x0be",
    "null": "a\x00b\x1b[31mred\x7f",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;",
    "closing tags": "</title></style></bdi></td></table></body>-->",
    "template": "{{ 7*7 }}{% for x in range(9) %}{{ config }}{% endfor %}{# gone #}",
    "mailgun variables": "%recipient.name% %unsubscribe_url%",
    "format strings": "%s %(x)s {0} {} ${HOME}",
    "bidi": "\u202efdp.exe\u202c \u2066isolated\u2069 \u200f",
    "zero width": "a\u200bb\ufeffc\u00add\u2060e\U000e0041",
    "lone surrogate": "\ud800 and \udfff",
    "encoded word": "=?utf-8?q?a=0D=0ABcc=3A_x?=",
    "emoji": "🔥👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "right to left": "مرحبا بالعالم שלום",
    "combining": "Z" + "\u0351\u0300" * 500,
    "huge": "W" * 100_000,
    "huge quotes": '"' * 100_000,
    "huge emoji": "🔥" * 100_000,
    "many lines": "line\n" * 50_000,
    "blank": " \t\r\n\u00a0\u200b",
    "empty": "",
}


def hostile_draft(text: str) -> Draft:
    """A draft with `text` in every field that comes from outside."""
    # What a uuid5 is made of cannot hold surrogates; the decoder refuses them.
    identity = text.encode(errors="replace").decode()
    observation = Observation(
        monitoring_zone_id=text, state=text, status=text, timestamp=0, collector_state=text
    )
    event = make_event(
        id=text,
        event_id=text,
        tenant_id=text,
        entity_id=text,
        check_id=text,
        alarm_id=text,
        status=text,
        txn_id=text,
        target=text,
        link=text,
        metrics={f"{text}{n}": Metric(type=text, data=text, unit=text) for n in range(25)},
        observations=[observation] * 15,
        attributes={f"{text}{n}": text for n in range(25)},
        test=True,
        replay=True,
    )
    notification = make_notification(
        event=event, target_id=identity, type=identity, plan_id=text, recipient_name=text
    )
    return Draft(notification=notification, context=hostile_context(text), thread_event_id=identity)


def hostile_context(text: str) -> Context:
    return make_context(
        account=Account(id=text, label=text, template=text),
        entity=Entity(id=text, label=text, uri=text, ip_addresses={text: text}),
        check=Check(id=text, label=text, type=text, period=60, target_hostname=text),
        alarm=Alarm(id=text, label=text, criteria=text),
        plan=Plan(id=text, label=text),
        plan_id=text,
        targets={text: Target(id=text, type=text, label=text)},
        zones={text: Zone(id=text, label=text)},
        degraded=True,
    )


class Tags(HTMLParser):
    """Collects the tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_harmless(email: Email) -> None:
    one_liners = [email.subject, email.to, email.message_id, *email.tags]
    one_liners += [part for pair in (*email.headers, *email.variables) for part in pair]
    for line in one_liners:
        assert len(line.splitlines()) <= 1
        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line)
    for _, value in email.headers:
        assert value.isascii()
    assert 0 < len(email.subject) <= 200
    assert "=?" not in email.subject
    assert len(email.text) <= 64_000
    assert len(email.html) <= 200_000
    # Mailgun takes 16 kB of options, headers and variables.
    pairs = (*email.headers, *email.variables)
    assert sum(len(name) + len(value.encode()) for name, value in pairs) < 8_000
    assert len(email.tags) <= 10
    assert all(tag.isascii() and 0 < len(tag) <= 128 for tag in email.tags)
    everything = email.subject + email.text + email.html
    assert not set(everything) & set("\x00\x1b\u202e\u2066\u200b\ufeff\u00ad\ud800\udfff")
    everything.encode("utf-8")
    seen = Tags()
    seen.feed(email.html)
    assert not seen.tags & {"script", "img", "iframe", "object", "form"}
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert_mime(email)


def assert_mime(email: Email) -> None:
    message = message_from_bytes(mime_message(email).as_bytes(), policy=SMTP)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    names = [name.lower() for name in message]
    assert len(names) == len(set(names))
    assert "bcc" not in names
    assert len(str(message["Subject"]).splitlines()) == 1


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_in_every_field(text: str) -> None:
    assert_harmless(create_email([hostile_draft(text)], RENDERER, 1_392_138_740_000)[0])


def test_template_syntax_in_data_is_text() -> None:
    text = HOSTILE["template"]
    email = create_email([hostile_draft(text)], RENDERER, 0)[0]
    assert "{{ 7*7 }}" in email.subject
    assert "{{ 7*7 }}" in email.text
    assert "{{ 7*7 }}" in email.html


def test_provider_variables_in_data_stay_as_they_are() -> None:
    email = create_email([hostile_draft("%recipient.name%")], RENDERER, 0)[0]
    assert "%recipient.name%" in email.text
    assert "%recipient.name%" in email.html


def test_long_status_is_cut_visibly() -> None:
    event = make_event(status="x" * 5_000)
    draft = Draft(notification=make_notification(event=event), context=make_context())
    email = create_email([draft], RENDERER, 0)[0]
    assert "x" * 1_999 + "…" in email.text
    assert "x" * 1_999 + "…" in email.html


def test_status_cannot_pretend_to_be_lines_of_ours() -> None:
    event = make_event(status="fine\nEntity:  another-box\n\n--- Observations ---\nOK")
    draft = Draft(notification=make_notification(event=event), context=make_context())
    lines = create_email([draft], RENDERER, 0)[0].text.splitlines()
    assert "Entity:  another-box" not in lines
    assert "  Entity:  another-box" in lines


text_of_any_kind = st.text(
    st.one_of(st.characters(codec=None), st.sampled_from("\r\n\t\x00<>&\"'{}%=?\u202e\u2028\ud800"))
)
json_value: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), text_of_any_kind
)


@settings(max_examples=60, deadline=None)
@given(text=text_of_any_kind)
def test_any_text_in_every_field(text: str) -> None:
    assert_harmless(create_email([hostile_draft(text)], RENDERER, 0)[0])


@settings(max_examples=60, deadline=None)
@given(
    state=st.sampled_from(State),
    data=json_value,
    unit=st.sampled_from(["bytes", "milliseconds", "seconds", "percent", "unknown", None, "x"]),
    kind=st.sampled_from([None, "i", "I", "l", "L", "n", "s"]),
    timestamp=st.integers(-(2**63), 2**63 - 1),
    now_ms=st.integers(0, 2**53),
)
def test_any_numbers(
    state: State, data: Any, unit: str | None, kind: str | None, timestamp: int, now_ms: int
) -> None:
    event = make_event(
        state=state,
        timestamp=timestamp,
        metrics={"m": Metric(type=kind, data=data, unit=unit)},
        observations=[Observation(timestamp=timestamp), Observation(timestamp=now_ms)],
    )
    draft = Draft(notification=make_notification(event=event), context=make_context())
    assert_harmless(create_email([draft], RENDERER, now_ms)[0])
