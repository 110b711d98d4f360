"""The schemas list the fields, the required ones and the words that the code has, and no others."""

from enum import StrEnum
from typing import Any

import msgspec
import pytest

from consumer.domain.alarm import EVENT_SCHEMA, AlarmEvent, Metric, Observation, State
from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import (
    TRACKING_SCHEMA,
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)
from tests.contract.schemas.files import EVENT, TRACKING, schema

STRUCTS = [
    (EVENT, "", AlarmEvent),
    (EVENT, "metric", Metric),
    (EVENT, "observation", Observation),
    (TRACKING, "", TrackingEvent),
    (TRACKING, "event", TrackedEvent),
    (TRACKING, "notification", TrackedNotification),
    (TRACKING, "provider", TrackedProvider),
    (TRACKING, "outcome", Outcome),
]
ENUMS = [
    (EVENT, "state", State),
    (TRACKING, "state", State),
    (TRACKING, "kind", Kind),
    (TRACKING, "reason", Reason),
]


def part(name: str, definition: str) -> dict[str, Any]:
    """The whole schema, or one of its definitions."""
    found = schema(name)
    return found["$defs"][definition] if definition else found


@pytest.mark.parametrize(("name", "definition", "struct"), STRUCTS)
def test_properties_are_the_fields(name: str, definition: str, struct: type) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(struct)}
    properties = set(part(name, definition)["properties"])
    where = f"properties of {definition or 'the object'} in schemas/{name}.json"
    assert not fields - properties, f"add {sorted(fields - properties)} to the {where}"
    assert not properties - fields, f"{struct.__name__} lost {sorted(properties - fields)}: {where}"


@pytest.mark.parametrize(("name", "definition", "struct"), STRUCTS)
def test_required_are_the_fields_without_default(name: str, definition: str, struct: type) -> None:
    """`schema` has a default for the writer's convenience, and is always on the wire."""
    required = {
        field.encode_name
        for field in msgspec.structs.fields(struct)
        if field.required or field.name == "schema"
    }
    assert set(part(name, definition).get("required", [])) == required


@pytest.mark.parametrize(("name", "definition", "words"), ENUMS)
def test_enums_have_the_same_words(name: str, definition: str, words: type[StrEnum]) -> None:
    listed = part(name, definition)["enum"]
    where = f"$defs.{definition}.enum of schemas/{name}.json"
    for word in words:
        assert word.value in listed, f"add {word.value!r} to {where}"
    for word in listed:
        assert word in set(words), f"{words.__name__} no longer has {word!r}, which is in {where}"


@pytest.mark.parametrize(("name", "written"), [(EVENT, EVENT_SCHEMA), (TRACKING, TRACKING_SCHEMA)])
def test_the_version_we_write_is_the_one_of_the_file(name: str, written: str) -> None:
    base, version = name.split(".v")
    assert written == f"{base}/{version}"


@pytest.mark.parametrize("name", [EVENT, TRACKING])
def test_everything_is_described(name: str) -> None:
    """Each property says what it means, itself or through its definition."""
    parts = [schema(name), *schema(name)["$defs"].values()]
    for one in parts:
        assert one["description"]
        for field, value in one.get("properties", {}).items():
            assert "description" in value or "$ref" in value, field
