"""Webhooks of Alertmanager and Grafana through the door: an event for each alert, each time the
same, and nothing is lost beside what is broken."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.record import Record
from consumer.formats import DEFAULTS, decode
from consumer.formats.reading import PARSE_LIMIT_BYTES
from consumer.ingest.door import Answer
from consumer.ingest.reading import Door, contents
from consumer.pipeline.receive import Received, ReceiveSettings, receive
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.unit.ingest.rig import BURST, Hall

Maker = Callable[..., dict[str, Any]]


def alert(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {
            "alertname": "HighLatency",
            "instance": f"web-{number}",
            "job": "http",
            "severity": "critical",
            "tenant": "487000",
        },
        "annotations": {"summary": "p99 above 2 s"},
        "startsAt": "2014-02-11T17:12:13.810Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"1a30ba71cca2921{number}",
    } | changes


def alertmanager(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    message = {"version": "4", "receiver": "messenger", "truncatedAlerts": 0, "alerts": alerts}
    return message | changes


def grafana(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return alertmanager(*alerts, version="1", orgId=1, state="alerting") | changes


DOORS = pytest.mark.parametrize(
    ("path", "webhook"),
    [("/alertmanager", alertmanager), ("/grafana", grafana)],
    ids=["alertmanager", "grafana"],
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.server.stop()


@pytest.fixture
def hall(shared: Hall) -> Hall:
    shared.reset()
    return shared


def written(hall: Hall) -> list[AlarmEvent]:
    """What the consumer makes of the topic."""
    return [event for received in read_back(hall) for event in received.events]


def read_back(hall: Hall) -> list[Received]:
    records = [
        Record(topic, 0, offset, key, value)
        for offset, (topic, key, value, _) in enumerate(hall.sink.records)
    ]
    return receive(records, ReceiveSettings())


def last(hall: Hall) -> Answer:
    return hall.answers[-1][2]


@DOORS
def test_each_alert_is_an_event_in_our_format_keyed_by_its_atom(
    hall: Hall, path: str, webhook: Maker
) -> None:
    said = hall.post(webhook(alert(1), alert(2)), path)
    assert (said.status, said.body) == (200, {"message": "2 taken", "taken": 2})
    events = written(hall)
    assert [event.entity_id for event in events] == ["web-1", "web-2"]
    assert {event.state for event in events} == {State.CRITICAL}
    for event, (_, key, value, _) in zip(events, hall.sink.records, strict=True):
        assert key == event.atom.encode()
        assert decode(value, (), "alarm-state-event") == [event]


@DOORS
def test_what_is_sent_again_has_the_ids_of_the_first_time(
    hall: Hall, path: str, webhook: Maker
) -> None:
    ended = {"status": "resolved", "endsAt": "2014-02-11T17:20:00Z"}
    for message in (
        webhook(alert(1)),
        webhook(alert(2), alert(1), receiver="messenger"),
        webhook(alert(1, **ended), alert(2)),
        webhook(alert(1, **ended)),
    ):
        assert hall.post(message, path).status == 200
        hall.clock.advance(60)
    ids = {(event.entity_id, event.state): set[str]() for event in written(hall)}
    for event in written(hall):
        ids[event.entity_id, event.state].add(event.id)
    assert set(ids) == {("web-1", "CRITICAL"), ("web-2", "CRITICAL"), ("web-1", "OK")}
    assert [len(each) for each in ids.values()] == [1, 1, 1]


@DOORS
def test_a_broken_alert_is_told_and_kept_and_the_others_are_taken(
    hall: Hall, path: str, webhook: Maker
) -> None:
    """The message goes to the topic as well, with what is broken in it alone."""
    said = hall.post(webhook(alert(1), alert(2, startsAt="yesterday"), alert(3)), path)
    assert (said.status, said.body["taken"]) == (200, 2)
    assert said.body["message"].startswith("2 taken; as a dead letter: alerts[1].startsAt: ")
    assert (last(hall).taken, last(hall).refused) == (2, 1)
    *events, rest = read_back(hall)
    taken = [event.entity_id for received in events for event in received.events]
    assert taken == ["web-1", "web-3"]
    assert not rest.events
    assert rest.record.key is None
    assert rest.invalid is not None
    assert "alerts[0].startsAt: yesterday" in rest.invalid.detail


def test_a_webhook_may_be_larger_than_a_record() -> None:
    """In an outage of everything all alerts may stand in one group."""
    many = [alert(n, annotations={"summary": "x" * 200}) for n in range(4_000)]
    body = json.dumps(alertmanager(*many, alert(4_000, startsAt="yesterday"))).encode()
    assert len(body) > PARSE_LIMIT_BYTES
    found = contents(Door.ALERTMANAGER, body, DEFAULTS)
    assert (len(found.events), len(found.refused)) == (4_000, 1)
    assert found.rest is not None
    assert len(found.rest) < 2_000


@DOORS
def test_where_nothing_can_be_read_nothing_is_written(
    hall: Hall, path: str, webhook: Maker
) -> None:
    bad = alert(1, startsAt=None)
    of_later = webhook(alert(1), version="9")
    messages: list[Any] = [webhook(bad, bad), webhook(), of_later, [], {"a": 1}]
    for message in messages:
        said = hall.post(message, path)
        assert (said.status, said.body["taken"]) == (400, 0)
        assert said.body["message"].startswith("0 taken; refused: ")
    assert hall.sink.records == []


@DOORS
def test_what_the_sender_left_out_is_reported(hall: Hall, path: str, webhook: Maker) -> None:
    said = hall.post(webhook(alert(1), truncatedAlerts=7), path)
    assert (said.status, last(hall).left_out) == (200, 7)
    assert said.body["message"] == "1 taken; 7 alerts were left out by the sender"


@DOORS
def test_kafka_away_is_no_end_of_a_message_that_is_partly_broken(
    hall: Hall, path: str, webhook: Maker
) -> None:
    message = webhook(alert(1), alert(2, status="burning"))
    hall.sink.refuse = lambda _: TimeoutError("no leader")
    assert hall.post(copy.deepcopy(message), path).status == 503
    hall.reset()
    assert hall.post(message, path).body["taken"] == 1


@DOORS
def test_one_that_comes_too_often_is_told_so_in_a_way_that_it_heeds(
    hall: Hall, path: str, webhook: Maker
) -> None:
    """Alertmanager comes again at once after 5xx, and after 4xx perhaps five minutes later."""
    assert {hall.post(webhook(alert(n)), path).status for n in range(BURST)} == {200}
    said = hall.post(webhook(alert(1)), path)
    assert (said.status, said.body["message"]) == (503, "too many requests")
    assert said.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    ("message", "wrong", "right"),
    [
        (grafana(alert(1)), "/alertmanager", "/grafana"),
        (alertmanager(alert(1)), "/grafana", "/alertmanager"),
        (alertmanager(alert(1)), "/events", "/alertmanager"),
        (json.loads(encode_event(make_event())), "/alertmanager", "/events"),
    ],
    ids=["grafana", "alertmanager", "alertmanager as an event", "event"],
)
def test_whoever_posts_to_another_path_is_told_which_it_is(
    hall: Hall, message: Any, wrong: str, right: str
) -> None:
    said = hall.post(message, wrong)
    assert said.status == 400
    assert said.body["message"].endswith(f", which goes to {right}")
