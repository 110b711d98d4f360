"""A later minor version may only add optional fields: the files are held against version 1.0.

The files in `schemas/frozen/` are never edited. What breaks a reader or a writer of 1.0 needs a
new major version: a new file, and a decoder that reads both.
"""

import copy
import json
from typing import Any

import pytest

from tests.contract.schemas.files import EVENT, SCHEMAS, TRACKING, schema

#: Words for people; they may change at any time.
PROSE = {"title", "description", "$comment", "examples", "default"}


def frozen(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / "frozen" / f"{name}.0.json").read_text())
    return loaded


def breaks(old: Any, new: Any, path: str = "") -> list[str]:
    """What a minor version must not do, one line each."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [f"{path}: changed from {old!r} to {new!r}"]
    found: list[str] = []
    for key in sorted((old.keys() | new.keys()) - PROSE):
        here = f"{path}.{key}".lstrip(".")
        if key in ("properties", "$defs"):
            found += _lost_or_changed(old.get(key, {}), new.get(key, {}), here)
        elif key == "required":
            found += _required_changes(old.get(key, []), new.get(key, []), here)
        elif key == "enum":
            lost = [word for word in old.get(key, []) if word not in new.get(key, [])]
            found += [f"{here}: lost {word!r}" for word in lost]
        else:
            found += breaks(old.get(key), new.get(key), here)
    return found


def _lost_or_changed(old: dict[str, Any], new: dict[str, Any], path: str) -> list[str]:
    found = [f"{path}.{name}: removed" for name in old if name not in new]
    for name in old.keys() & new.keys():
        found += breaks(old[name], new[name], f"{path}.{name}")
    return found


def _required_changes(old: list[str], new: list[str], path: str) -> list[str]:
    added = [f"{path}: {name} became required" for name in new if name not in old]
    return added + [f"{path}: {name} is no longer required" for name in old if name not in new]


@pytest.mark.parametrize("name", [EVENT, TRACKING])
def test_the_schema_only_adds_optional_fields_to_version_1_0(name: str) -> None:
    assert breaks(frozen(name), schema(name)) == []


def change(*path: str, value: Any = None) -> dict[str, Any]:
    """The tracking schema of 1.0 with the value at `path` set, or taken out for None."""
    changed = copy.deepcopy(frozen(TRACKING))
    place = changed
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (change("properties", "attempt"), "properties.attempt: removed"),
        (
            change("properties", "at", "type", value="string"),
            "properties.at.type: changed from 'integer' to 'string'",
        ),
        (
            change("$defs", "provider", "required", value=["name", "code"]),
            "$defs.provider.required: code became required",
        ),
        (
            change("$defs", "provider", "required", value=[]),
            "$defs.provider.required: name is no longer required",
        ),
        (change("$defs", "state", "enum", value=["OK"]), "$defs.state.enum: lost 'WARNING'"),
        (
            change("$defs", "outcome", "additionalProperties", value=False),
            "$defs.outcome.additionalProperties: changed from None to False",
        ),
    ],
)
def test_a_breaking_change_is_named(changed: dict[str, Any], complaint: str) -> None:
    assert complaint in breaks(frozen(TRACKING), changed)


def test_a_new_optional_field_a_new_word_and_new_prose_are_allowed() -> None:
    changed = change("properties", "colour", value={"type": "string"})
    changed["$defs"]["kind"]["enum"].append("recalled")
    changed["description"] = "Better words."
    assert breaks(frozen(TRACKING), changed) == []
