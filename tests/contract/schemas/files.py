"""The schema files and their examples, as the tests use them."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[3] / "schemas"

EVENT = "alarm-state-event.v1"
TRACKING = "notification-tracking-event.v1"


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text())
    return loaded


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def examples(name: str, kind: str) -> list[Path]:
    """The example files of a schema, `kind` is `valid` or `invalid`."""
    found = sorted((SCHEMAS / "examples" / name / kind).glob("*.json"))
    assert found, f"no {kind} examples of {name}"
    return found
