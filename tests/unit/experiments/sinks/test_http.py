"""What is posted, what is tried again, and what is never told."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from consumer.experiments.sinks import SinkFailed
from consumer.experiments.sinks.http import Http, parse_address
from consumer.experiments.views import json_view
from tests.support.clock import ManualClock
from tests.unit.experiments.seen_rig import make_seen, make_unreadable

URL = "https://user:s3cret@hooks.example.com/in/s3cret?token=s3cret"


class Server(BaseAdapter):
    """Gives the answers, then 200 for ever; an exception is raised."""

    def __init__(self, *answers: int | Exception | dict[str, Any]) -> None:
        super().__init__()
        self._answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []
        self.options: dict[str, Any] = {}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override] # all by name
        self.requests.append(request)
        self.options = options
        answer = self._answers.pop(0) if self._answers else 200
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.raw = _Empty()
        response.request = request
        if isinstance(answer, dict):
            response.headers.update(answer)
            answer = int(answer["status"])
        response.status_code = answer
        return response

    def close(self) -> None:
        """Nothing is open."""

    @property
    def bodies(self) -> list[bytes]:
        return [bytes(request.body or b"") for request in self.requests]  # type: ignore[arg-type] # bytes


class _Empty:
    def read(self, size: int, *, decode_content: bool) -> bytes:
        return b""

    def release_conn(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is open."""


class Rig:
    def __init__(
        self,
        *answers: int | Exception | dict[str, Any],
        stop: Callable[[], bool] = lambda: False,
        token: str | None = None,
    ) -> None:
        self.server = Server(*answers)
        self.said: list[str] = []
        self.clock = ManualClock()
        self.sink = Http(
            parse_address(URL),
            json_view(["offset"]),
            clock=self.clock,
            stop=stop,
            say=self.said.append,
            token=token,
            adapter=self.server,
        )

    def put(self, count: int = 2) -> None:
        for offset in range(count):
            self.sink.put(make_seen(offset))

    def post(self, count: int = 2) -> None:
        self.put(count)
        self.sink.close()


def test_lines_go_together_when_they_have_waited_a_second() -> None:
    rig = Rig()
    rig.put(2)
    rig.sink.flush()
    assert rig.server.bodies == []
    rig.clock.advance(1.0)
    rig.sink.flush()
    assert rig.server.bodies == [b'{"offset":0}\n{"offset":1}\n']
    assert rig.server.requests[0].headers["Content-Type"] == "application/x-ndjson"
    assert (rig.sink.written, rig.sink.dropped) == (2, 0)


def test_a_full_batch_goes_at_once() -> None:
    rig = Rig()
    rig.put(1_001)
    assert [body.count(b"\n") for body in rig.server.bodies] == [500, 500]


def test_user_and_password_of_the_address_or_a_token_go_along() -> None:
    rig, with_token = Rig(), Rig(token="t0ken")
    rig.post()
    with_token.post()
    assert rig.server.requests[0].url == "https://hooks.example.com/in/s3cret?token=s3cret"
    assert str(rig.server.requests[0].headers["Authorization"]).startswith("Basic ")
    assert with_token.server.requests[0].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "answer", [500, 503, 429, 408, requests.ConnectionError("s3cret"), OSError("reset")]
)
def test_what_may_pass_is_tried_again_with_pauses(answer: int | Exception) -> None:
    rig = Rig(answer, answer, answer)
    rig.post()
    assert rig.server.bodies == [b'{"offset":0}\n{"offset":1}\n'] * 4
    assert rig.clock.waits == [0.5, 1.0, 2.0]
    assert (rig.sink.written, rig.sink.dropped) == (2, 0)
    assert [line.split("; ")[-1] for line in rig.said] == [
        "trying on",
        "https://hooks.example.com takes events again",
    ]


def test_a_server_that_asks_for_time_gets_it_up_to_a_minute() -> None:
    rig = Rig({"status": 429, "Retry-After": "7"}, {"status": 503, "Retry-After": "99999"})
    rig.post()
    assert rig.clock.waits == [7.0, 60.0]


def test_a_batch_that_is_too_large_is_halved() -> None:
    rig = Rig(413, 413)
    rig.post(4)
    assert [body.count(b"\n") for body in rig.server.bodies] == [4, 2, 1, 1, 2]
    assert (rig.sink.written, rig.sink.dropped) == (4, 0)


def test_a_batch_that_is_refused_is_dropped_and_counted() -> None:
    rig = Rig(422)
    rig.post()
    assert (rig.sink.written, rig.sink.dropped) == (0, 2)
    assert rig.said == ["https://hooks.example.com refuses events with 422: dropped"]


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404])
def test_an_address_that_is_wrong_ends_it_and_no_redirect_is_followed(status: int) -> None:
    rig = Rig({"status": status, "Location": "https://elsewhere.example.com/"})
    with pytest.raises(SinkFailed, match="answers"):
        rig.post()
    assert len(rig.server.requests) == 1
    assert rig.sink.dropped == 2


def test_when_it_has_to_stop_it_tries_once_and_says_what_it_drops() -> None:
    rig = Rig(503, stop=lambda: True)
    rig.post()
    assert len(rig.server.requests) == 1
    assert rig.sink.dropped == 2
    assert rig.said == ["https://hooks.example.com answers 503; dropped"]


def test_nothing_that_is_told_holds_a_secret() -> None:
    error = requests.ConnectionError(f"cannot reach {URL}")
    rig = Rig(error, error, 400)
    rig.post()
    address = parse_address(URL)
    assert "s3cret" not in " ".join([*rig.said, repr(address), address.host])


def test_what_a_view_cannot_show_is_counted() -> None:
    rig = Rig()
    rig.sink.put(make_unreadable())
    rig.sink.close()
    assert rig.sink.written == 1  # json shows it


@pytest.mark.parametrize(
    "text", ["ftp://x/", "http://", "https:///path", "http://[::1", "http://x:99999/"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        parse_address(text)


def test_an_address_with_an_unusual_host() -> None:
    address = parse_address("http://[::1]:8080?x=1")
    assert (address.url, address.host) == ("http://[::1]:8080/?x=1", "http://[::1]:8080")
