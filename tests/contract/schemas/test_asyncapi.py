"""The AsyncAPI document describes the topics that we use, in the words that we use."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from consumer.domain.record import Record, Undelivered
from consumer.settings import Kafka
from consumer.wire import (
    DEAD_LETTER_HEADERS,
    UNDELIVERED_HEADER,
    redriven_headers,
    redriven_note,
)
from tests.contract.schemas.files import SCHEMAS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())
    return loaded


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for child in value:
            yield from refs(child)


def test_it_is_version_3(document: dict[str, Any]) -> None:
    assert document["asyncapi"].startswith("3.0.")


def test_its_topics_are_the_default_ones(document: dict[str, Any]) -> None:
    kafka = Kafka()
    defaults = {kafka.events_topic, kafka.tracking_topic, kafka.dead_letter_topic}
    assert {channel["address"] for channel in document["channels"].values()} == defaults


def test_every_ref_resolves(document: dict[str, Any]) -> None:
    """To a place in the document, or to a file beside it."""
    for ref in refs(document):
        file, _, place = ref.partition("#/")
        if file:
            assert (SCHEMAS / file).is_file(), ref
            continue
        value = document
        for key in place.split("/"):
            assert key in value, ref
            value = value[key]


def test_both_schemas_are_payloads(document: dict[str, Any]) -> None:
    files = {ref for ref in refs(document) if not ref.startswith("#")}
    assert files == {path.name for path in SCHEMAS.glob("*.json")}


def test_every_topic_has_an_operation(document: dict[str, Any]) -> None:
    used = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert used == {f"#/channels/{name}" for name in document["channels"]}


def test_dead_letter_headers_are_the_ones_we_write(document: dict[str, Any]) -> None:
    headers = document["components"]["schemas"]["deadLetterHeaders"]
    assert tuple(headers["properties"]) == (*DEAD_LETTER_HEADERS, UNDELIVERED_HEADER)
    assert tuple(headers["required"]) == DEAD_LETTER_HEADERS


def test_notes_have_the_headers_that_we_write(document: dict[str, Any]) -> None:
    headers = document["components"]["schemas"]["noteHeaders"]
    written = [name for name, _ in redriven_note(0, 1, 2)]
    assert list(headers["properties"]) == headers["required"] == written


def test_input_may_carry_the_headers_of_redriven_records(document: dict[str, Any]) -> None:
    schemas, messages = document["components"]["schemas"], document["components"]["messages"]
    written = redriven_headers(
        Record("t", 0, 1, None, b"", (), 1), 2, [Undelivered("u1", "a@example.com")]
    )
    assert list(schemas["redrivenHeaders"]["properties"]) == [name for name, _ in written]
    for name in ("alarmStateEvent", "rackspaceWebhook"):
        assert messages[name]["headers"]["$ref"].endswith("/redrivenHeaders")
