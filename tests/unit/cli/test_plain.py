"""Strangers' text on a terminal, and settings as TOML."""

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from consumer.cli.plain import as_json, plain, plain_text
from consumer.cli.toml_text import toml_text


@given(st.text())
def test_no_control_character_passes(text: str) -> None:
    for shown in (plain(text), plain_text(text).replace("\n", ""), as_json(text)):
        assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_loses_nothing(text: str) -> None:
    assert json.loads(as_json({"a": [text]})) == {"a": [text]}


_SCALARS = st.text(st.characters(exclude_categories=["Cs"])) | st.booleans() | st.integers(0, 9)
_SECTION = st.dictionaries(
    st.from_regex(r"[a-z_]{1,5}", fullmatch=True),
    _SCALARS
    | st.lists(_SCALARS)
    | st.dictionaries(st.text(st.characters(codec="ascii")), _SCALARS),
)


@given(_SECTION, st.lists(_SECTION, min_size=1))
def test_what_is_shown_reads_back_as_the_same(
    section: dict[str, object], several: list[dict[str, object]]
) -> None:
    settings = {"section": section, "routes": several}
    assert tomllib.loads(toml_text(settings)) == settings


def test_what_is_not_set_is_a_comment() -> None:
    text = toml_text({"kafka": {"group_instance_id": None}, "routes": []})
    assert text == "[kafka]\n# group_instance_id is not set\n"
