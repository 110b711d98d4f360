"""Stage receive: each record becomes events or one reason why not."""

import json

import pytest

from consumer.domain.alarm import Emits
from consumer.domain.errors import SettingsError
from consumer.domain.reasons import Reason
from consumer.domain.record import Record
from consumer.formats import DEFAULTS, FormatMapping, overlaid
from consumer.pipeline.receive import ReceiveSettings, receive
from consumer.wire import UNREADABLE_HEADER
from tests.unit.formats.payloads import own, rackspace
from tests.unit.formats.samples.alertmanager import alert, group


def record(value: bytes | None, offset: int = 0, topic: str = "alarm-events") -> Record:
    return Record(topic, 0, offset, b"key", value)


def test_each_record_has_one_answer_in_the_order_of_the_batch() -> None:
    batch = [
        record(json.dumps(own()).encode(), 7),
        record(b"{", 8),
        record(json.dumps(rackspace()).encode(), 9),
        record(None, 10),
    ]
    answers = receive(batch, ReceiveSettings())
    assert [answer.record.offset for answer in answers] == [7, 8, 9, 10]
    assert [answer.format for answer in answers] == ["alarm-state-event", None, "rackspace", None]
    assert [len(answer.events) for answer in answers] == [1, 0, 1, 0]
    assert [answer.invalid and answer.invalid.reason for answer in answers] == [
        None,
        Reason.NOT_JSON,
        None,
        Reason.EMPTY,
    ]


def test_an_invalid_record_tells_the_ids_that_could_be_read() -> None:
    (answer,) = receive([record(json.dumps(own(state="ALARM")).encode())], ReceiveSettings())
    assert answer.invalid is not None
    assert answer.salvaged is not None
    assert answer.salvaged.tenant_id == "487000"


def test_the_format_set_for_a_topic_is_used_there_only() -> None:
    value = json.dumps(own(schema=...)).encode()
    settings = ReceiveSettings(formats={"alarm-events": "alarm-state-event"})
    here, there = receive([record(value), record(value, topic="other")], settings)
    assert here.events
    assert there.invalid is not None
    assert there.invalid.reason is Reason.UNKNOWN_FORMAT


def test_the_size_limit_is_the_operators() -> None:
    value = json.dumps(own()).encode()
    (answer,) = receive([record(value)], ReceiveSettings(max_bytes=100))
    assert answer.invalid is not None
    assert answer.invalid.reason is Reason.TOO_LARGE


def test_an_unknown_format_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(SettingsError, match="format 'avro' of topic 'alarm-events' is not one of"):
        ReceiveSettings(formats={"alarm-events": "avro"})


def test_what_kafka_could_not_read_says_why() -> None:
    lost = Record("t", 0, 7, None, None, [(UNREADABLE_HEADER, b"damaged")])
    (received,) = receive([lost], ReceiveSettings())
    assert received.invalid is not None
    assert received.invalid.reason is Reason.EMPTY
    assert "cannot be read from Kafka: damaged" in received.invalid.detail


def test_whoever_only_says_so_is_read() -> None:
    """The header means something on a record without a value."""
    said = Record("t", 0, 7, None, b"{", [(UNREADABLE_HEADER, b"damaged")])
    (received,) = receive([said], ReceiveSettings())
    assert received.invalid is not None
    assert received.invalid.reason is Reason.NOT_JSON


def test_a_group_that_is_partly_broken_has_events_and_says_what_is_wrong() -> None:
    value = json.dumps(group(alert(), {}, truncatedAlerts=3)).encode()
    (received,) = receive([record(value)], ReceiveSettings())
    assert (len(received.events), received.parts, received.left_out) == (1, 2, 3)
    assert received.invalid is not None
    assert received.invalid.detail == "alerts[1].status: missing"


def test_what_is_set_for_a_topic_wins_over_what_is_set_for_a_format() -> None:
    value = json.dumps(group(alert(labels={"tenant": None, "pod": "shop-0"}))).encode()
    given = FormatMapping(default_tenant="1", entity=("pod",))
    settings = ReceiveSettings(
        mappings=overlaid(DEFAULTS, {"alertmanager": given}),
        topic_mappings={"eu": FormatMapping(default_tenant="2", source="am/eu")},
    )
    here, there = receive([record(value), record(value, topic="eu")], settings)
    found = [
        (each.source, each.tenant_id, each.entity_id) for each in (*here.events, *there.events)
    ]
    assert found == [("alertmanager", "1", "shop-0"), ("am/eu", "2", "shop-0")]


def test_sources_that_repeat_are_known_by_their_names() -> None:
    settings = ReceiveSettings(
        formats={"us": "monasca"},
        topic_mappings={
            "eu": FormatMapping(source="am/eu"),
            "us": FormatMapping(source="m/us", emits=Emits.REPEATS),
        },
    )
    assert {"alertmanager", "grafana", "am/eu", "m/us"} <= settings.repeating_sources()
    assert "monasca" not in settings.repeating_sources()


def test_a_type_of_a_format_that_does_not_exist_is_a_mistake_in_the_settings() -> None:
    mapping = FormatMapping(types={"com.example.alarm": "avro"})
    with pytest.raises(SettingsError, match="format 'avro' of type 'com"):
        ReceiveSettings(topic_mappings={"eu": mapping})
