"""The receiver over HTTP: what is answered when, and that nothing is answered too early."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from consumer.adapters.web_server import WebServer
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.reasons import Kind
from consumer.feedback.receiver import Receiver, ReceiverRules
from tests.support.feedback import Rig
from tests.support.reports import SIGNING_KEY, document, signature

PATH = "/webhooks/mailgun"
TOKEN = "0123456789abcdef0123456789abcdef0123456789abcdef01"


class Hook:
    """A running receiver, and who posts to it."""

    def __init__(self, rig: Rig, body_seconds: float = 5.0) -> None:
        self.rig = rig
        self.answers: list[tuple[int, str]] = []
        receiver = Receiver(
            ReceiverRules(path=PATH, max_age_seconds=43_200.0, max_body_bytes=10_000),
            signing_key=SecretStr(SIGNING_KEY),
            recorder=rig.recorder,
            clock=rig.clock,
            on_answer=lambda status, why: self.answers.append((status, why)),
            body_seconds=body_seconds,
        )
        self.server = WebServer(receiver.app, "127.0.0.1", 0)
        self.server.start()
        url = urlsplit(self.server.address)
        self.place = (url.hostname or "", url.port or 0)

    def post(self, body: Any, path: str = PATH, method: str = "POST") -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(*self.place, timeout=10)
        try:
            connection.request(method, path, raw, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()

    def signed(self, of: Any, token: str = TOKEN, age: float = 0.0) -> int:
        made = signature(self.rig.clock.now() - age, token)
        return self.post({"signature": made, "event-data": of})


@pytest.fixture
def start(rig: Rig) -> Iterator[Callable[..., Hook]]:
    started: list[Hook] = []

    def start_(**options: float) -> Hook:
        started.append(Hook(rig, **options))
        return started[-1]

    yield start_
    for hook in started:
        hook.server.stop()


@pytest.fixture
def hook(start: Callable[..., Hook]) -> Hook:
    return start()


def test_200_comes_after_the_record_is_acknowledged(rig: Rig, hook: Hook) -> None:
    rig.send()
    waiting, go = threading.Event(), threading.Event()

    def wait(_value: bytes | None) -> None:
        waiting.set()
        assert go.wait(10)

    rig.sink.refuse = wait
    statuses: list[int] = []
    poster = threading.Thread(target=lambda: statuses.append(hook.signed(document())))
    poster.start()
    assert waiting.wait(10)
    assert not statuses
    go.set()
    poster.join(10)
    assert statuses == [200]
    assert [record.kind for record in rig.sink.tracked] == [Kind.DELIVERED]


def test_many_at_once_are_each_recorded(rig: Rig, hook: Hook) -> None:
    rig.send()
    statuses: list[int] = []

    def post(number: int) -> None:
        of = document("opened", id=f"id-{number}")
        statuses.append(hook.signed(of, token=f"{TOKEN}{number}"))

    posters = [threading.Thread(target=post, args=[number]) for number in range(20)]
    for poster in posters:
        poster.start()
    for poster in posters:
        poster.join(10)
    assert statuses == [200] * 20
    assert len({record.id for record in rig.sink.tracked}) == 20


def test_what_is_not_stored_comes_again_and_is_taken_then(rig: Rig, hook: Hook) -> None:
    rig.send()
    rig.sink.refuse = lambda _: BrokerUnavailable("away")
    assert hook.signed(document()) == 503
    rig.sink.refuse = lambda _: None
    assert [hook.signed(document()) for _ in range(2)] == [200, 200]
    assert len(rig.sink.tracked) == 1
    assert hook.answers[0] == (503, "not stored, Kafka does not answer")


def test_a_defect_of_ours_is_no_end_either(
    rig: Rig, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig.recorder, "record", lambda _: 1 / 0)
    assert hook.signed(document()) == 500
    assert hook.answers == [(500, "ZeroDivisionError in the receiver")]


@pytest.mark.parametrize("of", [document("teleported"), document(message={}), document()])
def test_what_is_not_for_us_is_done(hook: Hook, of: dict[str, Any]) -> None:
    of = of | {"user-variables": {}}
    assert hook.signed(of) == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[" * 9_000,
        b"event=delivered&token=x",
        [],
        {"event-data": document()},
        {"signature": "x", "event-data": document()},
        {"signature": {}, "event-data": document()},
        {"signature": signature(1.0, TOKEN, "another"), "event-data": document()},
    ],
)
def test_what_mailgun_did_not_sign_never_comes_again(rig: Rig, hook: Hook, body: Any) -> None:
    rig.send()
    assert hook.post(body) == 406
    assert not rig.sink.records


@pytest.mark.parametrize("of", [None, [], {"event": "delivered"}])
def test_nor_does_what_was_signed_and_cannot_be_read(hook: Hook, of: Any) -> None:
    assert hook.signed(of) == 406


def test_a_body_beyond_the_limit_is_not_read_to_its_end(hook: Hook) -> None:
    assert hook.post(b"x" * 10_001) == 406
    with socket.create_connection(hook.place, 10) as peer:
        peer.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n".encode()
            + b"x" * 20_000
        )
        assert b" 406 " in peer.recv(200)


def test_a_body_that_does_not_come_may_come_again(start: Callable[..., Hook]) -> None:
    hook = start(body_seconds=0.05)
    with socket.create_connection(hook.place, 10) as peer:
        peer.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n".encode())
        assert b" 408 " in peer.recv(200)


def test_a_retry_hours_later_is_taken_and_a_day_later_it_is_not(rig: Rig, hook: Hook) -> None:
    """Whether Mailgun signs a retry anew is not known; it comes for some 8 hours."""
    rig.send()
    assert hook.signed(document(), age=9 * 3600) == 200
    assert hook.signed(document("opened"), f"{TOKEN}x", age=86_400) == 406
    assert hook.signed(document("opened"), f"{TOKEN}y", age=-3600) == 503


def test_one_signature_does_not_serve_for_another_document(rig: Rig, hook: Hook) -> None:
    rig.send()
    assert hook.signed(document()) == 200
    assert hook.signed(document("complained")) == 406
    assert hook.signed(document()) == 200
    assert [record.kind for record in rig.sink.tracked] == [Kind.DELIVERED]


def test_there_is_one_path_and_one_method(hook: Hook) -> None:
    assert hook.post({}, "/") == 404
    assert hook.post({}, PATH, "PUT") == 405


def test_the_key_is_in_no_answer_and_in_no_repr(rig: Rig, hook: Hook) -> None:
    hook.post({"signature": {}})
    assert SIGNING_KEY not in repr(hook.answers)
    rules = ReceiverRules(path=PATH, max_age_seconds=1.0, max_body_bytes=1)
    receiver = Receiver(
        rules, signing_key=SecretStr(SIGNING_KEY), recorder=rig.recorder, clock=rig.clock
    )
    assert SIGNING_KEY not in repr(vars(receiver))
