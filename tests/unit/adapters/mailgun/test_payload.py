"""What goes into the form, and that it comes out as it went in."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.mailgun.payload import OPTIONS_LIMIT_BYTES, Form, encode, form_of
from consumer.domain.notification import SendOptions
from tests.support.factories import make_email


def form(options: SendOptions | None = None, **changes: Any) -> Form:
    return form_of(make_email(**changes), options or SendOptions())


def values(made: Form, name: str) -> list[str]:
    return [value for field, value in made.fields if field == name]


def test_an_email_becomes_these_fields_in_this_order() -> None:
    assert form().fields == [
        ("from", "Alarms <alarms@alerts.example.com>"),
        ("to", "oncall@example.com"),
        ("subject", "** CRITICAL: shop front page on shop-load-balancer **"),
        ("text", "The page did not contain the expected text."),
        ("html", "<p>The page did not contain the expected text.</p>"),
        ("h:Message-Id", "<3ea90999-0802-5011-8804-564c26bd77b7@alerts.example.com>"),
        ("o:tracking", "no"),
        ("o:tracking-clicks", "no"),
        ("o:tag", "critical"),
        ("h:Auto-Submitted", "auto-generated"),
        ("h:X-Alarm-Id", "alBodyM4tc"),
        ("v:uid", "3ea90999-0802-5011-8804-564c26bd77b7"),
    ]


def test_test_mode_is_asked_for_only_when_the_route_says_so() -> None:
    assert values(form(), "o:testmode") == []
    assert values(form(SendOptions(test_mode=True)), "o:testmode") == ["yes"]


def test_with_tracking_on_the_domains_own_settings_hold() -> None:
    made = form(SendOptions(tracking=True))
    assert values(made, "o:tracking") == values(made, "o:tracking-clicks") == []


def test_an_empty_part_is_not_sent() -> None:
    assert values(form(html=""), "html") == []
    assert values(form(text=""), "text") == []


@pytest.mark.parametrize("name", ["Message-Id", "message-id", "MESSAGE-ID"])
def test_the_message_id_is_sent_once(name: str) -> None:
    made = form(headers=((name, "<other@example.com>"),))
    assert [field for field, _ in made.fields if field.lower() == "h:message-id"] == [
        "h:Message-Id"
    ]


@pytest.mark.parametrize(
    ("email_tags", "route_tags", "sent"),
    [
        ((), (), []),
        (("critical",), ("phase-1",), ["critical", "phase-1"]),
        (("critical", "Critical"), ("CRITICAL",), ["critical"]),
        (("h\u00f6he",), (), ["h?he"]),
        (("", "  ", " a "), (), ["a"]),
        (("x" * 200,), (), ["x" * 128]),
        ([f"t{n}" for n in range(8)], ["a", "b", "c"], [f"t{n}" for n in range(8)] + ["a", "b"]),
    ],
)
def test_tags_are_merged_and_kept_within_mailguns_limits(
    email_tags: Any, route_tags: Any, sent: list[str]
) -> None:
    assert values(form(SendOptions(tags=route_tags), tags=email_tags), "o:tag") == sent


def test_variables_are_left_out_first_and_the_message_id_never() -> None:
    made = form(
        headers=(("References", "r" * 9_000), ("X-Alarm-Id", "al1")),
        variables=(("big", "v" * 9_000), ("uid", "u-1")),
    )
    assert made.dropped == ["v:big"]
    assert values(made, "h:Message-Id")
    assert values(made, "v:uid") == ["u-1"]
    assert values(made, "h:References") == ["r" * 9_000]


def test_a_header_too_large_for_all_options_is_left_out() -> None:
    made = form(headers=(("References", "r" * 20_000),))
    assert made.dropped == ["h:References"]


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
_PAIRS = st.lists(st.tuples(_TEXT, _TEXT), max_size=8)


@given(_PAIRS)
def test_the_body_decodes_to_what_went_in(fields: list[tuple[str, str]]) -> None:
    assert parse_qsl(encode(fields).decode("ascii"), keep_blank_values=True) == fields


@given(_PAIRS)
def test_the_body_is_what_the_standard_library_would_write(fields: list[tuple[str, str]]) -> None:
    assert encode(fields).decode() == urlencode(fields)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("H\u00f6he 90 %", b"t=H%C3%B6he+90+%25"),
        ("100%25 %recipient%", b"t=100%2525+%25recipient%25"),
        ("a+b&c=d;e", b"t=a%2Bb%26c%3Dd%3Be"),
        ('"it\'s"', b"t=%22it%27s%22"),
        ("one\r\ntwo\t\x00", b"t=one%0D%0Atwo%09%00"),
        ("\u706b\u4e8b\U0001f525", b"t=%E7%81%AB%E4%BA%8B%F0%9F%94%A5"),
        ("half a pair \ud83d", b"t=half+a+pair+%3F"),
    ],
)
def test_special_characters_survive(text: str, encoded: bytes) -> None:
    assert encode([("t", text)]) == encoded


@given(
    headers=st.lists(st.tuples(_TEXT, st.text(max_size=9_000)), max_size=6),
    variables=st.lists(st.tuples(_TEXT, st.text(max_size=9_000)), max_size=6),
    tags=st.lists(st.text(max_size=300), max_size=15),
)
def test_options_stay_within_the_limit_whatever_is_asked(
    headers: list[tuple[str, str]], variables: list[tuple[str, str]], tags: list[str]
) -> None:
    made = form(headers=headers, variables=variables, tags=tags)
    options = [pair for pair in made.fields if pair[0][:2] in ("o:", "h:", "v:")]
    assert sum(len("".join(pair).encode(errors="replace")) for pair in options) <= (
        OPTIONS_LIMIT_BYTES
    )
    assert values(made, "h:Message-Id")
