"""The examples, the schemas and the decoders say the same about what is valid."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from consumer.domain.errors import InvalidMessage
from consumer.formats import decode
from consumer.wire import decode_tracking
from tests.contract.schemas.files import EVENT, SCHEMAS, TRACKING, examples, schema, validator

DECODERS: dict[str, Callable[[bytes], object]] = {EVENT: decode, TRACKING: decode_tracking}

#: What a producer must not write and is read all the same: an alarm is worth more than its form.
READ_ALL_THE_SAME = {
    "timestamp-as-a-string": "a time in a string can only mean one thing",
    "timestamp-with-a-fraction": "producers that count in floats; the fraction is cut",
    "observations-is-null": "null for an optional field means that it is absent",
    "status-too-long": "the text is cut",
    "produced-at-in-seconds": "it only informs, and is cleared",
    "observation-time-in-seconds": "it only informs, and is cleared",
}


def cases(kind: str) -> list[object]:
    return [
        pytest.param(name, path, id=f"{name}/{path.stem}")
        for name in DECODERS
        for path in examples(name, kind)
    ]


@pytest.mark.parametrize("name", DECODERS)
def test_the_schema_is_a_schema(name: str) -> None:
    """Each file is JSON Schema 2020-12 and is named without a host."""
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$id"].startswith("urn:messenger:schema:")


@pytest.mark.parametrize(("name", "path"), cases("valid"))
def test_a_valid_example_validates_and_decodes(name: str, path: Path) -> None:
    validator(name).validate(json.loads(path.read_bytes()))
    assert DECODERS[name](path.read_bytes())


@pytest.mark.parametrize(("name", "path"), cases("invalid"))
def test_an_invalid_example_fails_in_the_schema_and_in_the_decoder(name: str, path: Path) -> None:
    assert not validator(name).is_valid(json.loads(path.read_bytes()))
    if path.stem in READ_ALL_THE_SAME:
        assert DECODERS[name](path.read_bytes())
        return
    with pytest.raises(InvalidMessage):
        DECODERS[name](path.read_bytes())


def test_each_listed_exception_has_its_example() -> None:
    """A leniency that no example shows is not part of the contract."""
    assert READ_ALL_THE_SAME.keys() <= {path.stem for path in examples(EVENT, "invalid")}


def test_every_example_belongs_to_a_schema() -> None:
    assert {folder.name for folder in (SCHEMAS / "examples").iterdir()} == set(DECODERS)
