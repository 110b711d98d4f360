"""The door over HTTP: who comes in, with how much, and what is answered when."""

import gzip
import json
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consumer.formats import decode
from consumer.ingest.credentials import STRANGER
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.unit.ingest.rig import BEARER, BURST, LIMIT, PASSWORD, TOKEN, Hall

EVENT = json.loads(encode_event(make_event(id="e-0")))
OTHER = EVENT | {"id": "e-1", "alarm_id": "alOther"}


@pytest.fixture
def start() -> Iterator[Callable[..., Hall]]:
    started: list[Hall] = []

    def start_(**options: float) -> Hall:
        started.append(Hall(**options))
        return started[-1]

    yield start_
    for hall in started:
        hall.server.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[Hall]:
    """Ending a server takes longer than most of these tests."""
    hall = Hall()
    yield hall
    hall.server.stop()


@pytest.fixture
def hall(shared: Hall) -> Hall:
    shared.reset()
    return shared


def test_events_are_taken_and_counted(hall: Hall) -> None:
    said = hall.post([EVENT, OTHER])
    assert (said.status, said.body) == (200, {"message": "2 taken", "taken": 2})
    assert [decode(value)[0].id for _, _, value, _ in hall.sink.records] == ["e-0", "e-1"]
    ((door, client, answer),) = hall.answers
    assert (door, client, answer.taken) == ("events", "prometheus", 2)


def test_200_comes_after_kafka_has_acknowledged(hall: Hall) -> None:
    waiting, go = threading.Event(), threading.Event()

    def wait(_value: bytes | None) -> None:
        waiting.set()
        assert go.wait(10)

    hall.sink.refuse = wait
    statuses: list[int] = []
    poster = threading.Thread(target=lambda: statuses.append(hall.post(EVENT).status))
    poster.start()
    assert waiting.wait(10)
    assert not statuses
    go.set()
    poster.join(10)
    assert statuses == [200]


def test_many_at_once_are_each_answered(hall: Hall) -> None:
    statuses: list[int] = []

    def post(number: int) -> None:
        statuses.append(hall.post(EVENT | {"id": f"e-{number}"}).status)

    posters = [threading.Thread(target=post, args=[number]) for number in range(BURST)]
    for poster in posters:
        poster.start()
    for poster in posters:
        poster.join(10)
    assert statuses == [200] * BURST
    assert len(hall.sink.records) == BURST


def test_a_stop_waits_for_what_was_accepted(start: Callable[..., Hall]) -> None:
    hall = start()
    waiting, go = threading.Event(), threading.Event()

    def wait(_value: bytes | None) -> None:
        waiting.set()
        assert go.wait(10)

    hall.sink.refuse = wait
    statuses: list[int] = []
    poster = threading.Thread(target=lambda: statuses.append(hall.post(EVENT).status))
    poster.start()
    assert waiting.wait(10)
    stopper = threading.Thread(target=hall.server.stop)
    stopper.start()
    go.set()
    stopper.join(20)
    poster.join(10)
    assert (statuses, len(hall.sink.records)) == ([200], 1)


def test_basic_authentication_does_too(hall: Hall) -> None:
    basic = b64encode(f"grafana:{PASSWORD}".encode()).decode()
    assert hall.post(EVENT, headers={"Authorization": f"Basic {basic}"}).status == 200
    assert hall.answers[0][1] == "grafana"


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {TOKEN}x"}])
def test_nobody_else_comes_in_and_is_not_listened_to(hall: Hall, headers: dict[str, str]) -> None:
    said = hall.post(EVENT, headers=headers)
    assert (said.status, hall.sink.records) == (401, [])
    assert said.headers["WWW-Authenticate"].startswith("Bearer, Basic")
    with socket.create_connection(hall.place, 10) as peer:
        peer.sendall(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n")
        assert b" 401 " in peer.recv(200)
    assert {client for _, client, _ in hall.answers} == {STRANGER}


def test_whoever_comes_too_often_is_told_when_to_come_again(hall: Hall) -> None:
    assert {hall.post(EVENT).status for _ in range(BURST)} == {200}
    said = hall.post(EVENT)
    assert (said.status, said.headers["Retry-After"]) == (429, "2")
    hall.clock.advance(2)
    assert hall.post(EVENT).status == 200


def test_secrets_cannot_be_tried_out_and_that_disturbs_no_client(hall: Hall) -> None:
    statuses = [hall.post(EVENT, headers={}).status for _ in range(BURST + 1)]
    assert statuses == [401] * BURST + [429]
    assert hall.post(EVENT).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 9_000, [], {"version": "4"}, EVENT | {"state": None}]
)
def test_what_cannot_be_read_is_told_in_one_line(hall: Hall, body: Any) -> None:
    said = hall.post(body)
    assert (said.status, said.body["taken"], hall.sink.records) == (400, 0, [])
    assert "\n" not in said.body["message"]


def test_what_is_good_beside_it_is_taken_and_the_answer_says_so(hall: Hall) -> None:
    said = hall.post([EVENT, OTHER | {"timestamp": "yesterday"}])
    assert (said.status, said.body["taken"]) == (400, 1)
    assert said.body["message"].startswith("1 taken; refused: event 2 (e-1): timestamp: ")
    assert [decode(value)[0].id for _, _, value, _ in hall.sink.records] == ["e-0"]


def test_while_kafka_is_away_it_has_to_come_again_and_is_taken_then(hall: Hall) -> None:
    hall.sink.refuse = lambda _: TimeoutError("no leader")
    for _ in range(2):
        said = hall.post([EVENT, {}])
        assert (said.status, said.headers["Retry-After"], said.body["taken"]) == (503, "5", 0)
    hall.sink.refuse = lambda _: None
    hall.writer.back()
    assert hall.post(EVENT).status == 200


def test_a_defect_of_ours_is_no_end_either(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hall.writer, "write", lambda _: 1 / 0)
    assert hall.post(EVENT).status == 500
    assert hall.answers[0][2].said == "ZeroDivisionError in the door"


def test_a_packed_body_is_unpacked(hall: Hall) -> None:
    packed = gzip.compress(json.dumps([EVENT, OTHER]).encode())
    assert hall.post(packed, headers=BEARER | {"Content-Encoding": "gzip"}).body["taken"] == 2


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"[" + b" " * LIMIT + b"]", mtime=0), "gzip", 413),
        (b" " * (LIMIT + 1), "identity", 413),
        (b"{}", "gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-1], "gzip", 400),
        (b"{}", "br", 415),
        (b"{}", "gzip, gzip", 415),
    ],
)
def test_a_bad_package_is_refused(hall: Hall, body: bytes, encoding: str, status: int) -> None:
    said = hall.post(body, headers=BEARER | {"Content-Encoding": encoding})
    assert (said.status, hall.sink.records) == (status, [])


def test_a_body_beyond_the_limit_is_not_read_to_its_end(hall: Hall) -> None:
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(hall.place, 10) as peer:
        peer.sendall(f"{head}Content-Length: 999999999\r\n\r\n".encode() + b"x" * 2 * LIMIT)
        assert b" 413 " in peer.recv(200)


def test_a_body_that_does_not_come_may_come_again(start: Callable[..., Hall]) -> None:
    hall = start(body_seconds=0.05)
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(hall.place, 10) as peer:
        peer.sendall(f"{head}Content-Length: 5\r\n\r\n".encode())
        assert b" 408 " in peer.recv(200)


def test_there_are_these_doors_and_one_method(hall: Hall) -> None:
    assert hall.post({}, "/").status == 404
    assert hall.post({}, "/events", method="PUT").status == 405


def test_no_secret_is_in_an_answer_or_a_repr(hall: Hall) -> None:
    bodies: list[Any] = [{}, b"x"]
    said = [hall.post(body, headers=headers) for body in bodies for headers in (BEARER, {})]
    seen = f"{said} {hall.answers} {vars(hall.doors)}"
    assert "hush" not in seen
