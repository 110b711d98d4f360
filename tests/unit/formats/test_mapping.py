"""Labels, words, times and ids as other systems write them."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import Emits, State
from consumer.formats import DEFAULTS, FORMATS, FormatMapping, overlaid, repeating_sources
from consumer.formats.mapping import first_of, texts_of
from consumer.formats.naming import identifier
from consumer.formats.times import seconds_or_milliseconds, written_time
from consumer.settings.mapping import MappingSettings


def test_what_is_given_wins_and_words_are_added() -> None:
    base = FormatMapping(
        source="a", tenant=("x",), states={"low": State.OK, "high": State.CRITICAL}
    )
    given = FormatMapping(tenant=("y", "z"), states={"low": State.WARNING, "p1": State.CRITICAL})
    both = base.overlaid(given)
    assert (both.source, both.tenant) == ("a", ("y", "z"))
    assert [both.state_of(word) for word in ("low", "HIGH ", "P1", "else")] == [
        State.WARNING,
        State.CRITICAL,
        State.CRITICAL,
        None,
    ]


def test_the_first_word_that_is_known_counts_and_then_the_default() -> None:
    mapping = FormatMapping(states={"a": State.OK}, default_state=State.UNKNOWN)
    assert mapping.state_of(None, "x", "a") is State.OK
    assert mapping.state_of("x") is mapping.state_of() is State.UNKNOWN


def test_nothing_given_leaves_the_defaults() -> None:
    assert overlaid(DEFAULTS, {}) == DEFAULTS
    assert overlaid(DEFAULTS, {"alertmanager": FormatMapping()}) == DEFAULTS


def test_labels_are_tried_in_their_order() -> None:
    labels = {"host": "h", "pod": "p", "empty": ""}
    assert first_of(labels, ("empty", "pod", "host")) == "p"
    assert first_of(labels, ()) is first_of(labels, None) is None
    assert texts_of({"a": "one", "b": " one ", "c": "two"}, ("a", "b", "x", "c")) == "one\ntwo"
    assert texts_of({"a": " "}, ("a",)) is None


def test_who_repeats_is_told_by_the_source() -> None:
    assert {"alertmanager", "grafana"} <= repeating_sources(DEFAULTS)
    given = {
        "alertmanager": FormatMapping(source="am/eu"),
        "grafana": FormatMapping(emits=Emits.CHANGES),
        "monasca": FormatMapping(emits=Emits.REPEATS),
        # Its events say their source themselves.
        "alarm-state-event": FormatMapping(source="x", emits=Emits.REPEATS),
    }
    found = repeating_sources(overlaid(DEFAULTS, given))
    assert {"am/eu", "monasca"} <= found
    assert found.isdisjoint({"alertmanager", "grafana", "x"})


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2014-02-11T17:12:13.810Z", 1_392_138_733_810),
        ("2014-02-11T18:12:13.810999999+01:00", 1_392_138_733_810),
        ("2014-02-11t17:12:13z", 1_392_138_733_000),
        ("2014-02-11 12:12:13.81-0500", 1_392_138_733_810),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("2014-02-11", None),
        ("2014-02-11T17:12:13", None),
        ("2014-02-30T17:12:13Z", None),
        ("2014-02-11T25:12:13Z", None),
        ("2014-02-11T17:12:13+99:00", None),
        ("1392138733", None),
        ("", None),
        (None, None),
        (1_392_138_733_810, None),
    ],
)
def test_times_in_writing(text: object, milliseconds: int | None) -> None:
    assert written_time(text) == milliseconds


def test_small_numbers_are_seconds() -> None:
    assert seconds_or_milliseconds(1_392_138_733) == 1_392_138_733_000
    assert seconds_or_milliseconds(1_392_138_733.81) == 1_392_138_733_810
    assert seconds_or_milliseconds(1_392_138_733_810) == 1_392_138_733_810


def test_any_text_becomes_an_id() -> None:
    assert identifier("web-1:9100") == "web-1:9100"
    long, other = identifier("ä" * 300), identifier("ä" * 301)
    assert long != other
    assert len(long.encode()) <= 200
    assert identifier("two\nlines").startswith("two lines~")


PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
BLOCKS = [
    (name, block)
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for name, block in tomllib.loads(text).get("kafka", {}).get("mapping", {}).items()
]


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_the_page_shows_the_defaults(name: str, block: dict[str, Any]) -> None:
    shown = MappingSettings.model_validate(block).as_mapping()
    defaults = DEFAULTS[name]
    assert shown.emits in (None, FORMATS[name].emits)
    assert (shown.default_tenant or "") == (defaults.default_tenant or "")
    rest = {"emits": None, "default_tenant": None}
    assert msgspec.structs.replace(shown, **rest) == msgspec.structs.replace(defaults, **rest)


def test_every_format_is_in_the_page() -> None:
    assert [name for name in FORMATS if f"\n| `{name}`" not in PAGE] == []
    with_keys = {name for name, mapping in DEFAULTS.items() if mapping.given()}
    assert with_keys == {name for name, _ in BLOCKS}
