"""A running door, and who posts to it."""

import http.client
import json
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from consumer.adapters.web_server import WebServer
from consumer.formats import DEFAULTS
from consumer.ingest.credentials import STRANGER, Credentials, Proofs
from consumer.ingest.door import Answer, Doors
from consumer.ingest.rates import Rates
from consumer.ingest.reading import Door
from consumer.ingest.writer import Writer
from tests.support.clock import ManualClock
from tests.support.worker_fakes import FakeSink

TOKEN = "t0ken-hush-of-prometheus"
PASSWORD = "passw0rd-hush-of-grafana"
LIMIT = 20_000
BURST = 20
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Said(NamedTuple):
    """An answer, as the sender sees it."""

    status: int
    body: Any
    headers: HTTPMessage


class Hall:
    """All doors on one server, before a sink in memory."""

    def __init__(self, body_seconds: float = 5.0) -> None:
        self.sink = FakeSink()
        self.clock = ManualClock()
        self.writer = Writer(self.sink, "events")
        self.writer.back()
        self.answers: list[tuple[Door, str, Answer]] = []
        clients = {
            "prometheus": Proofs(token=SecretStr(TOKEN)),
            "grafana": Proofs(password=SecretStr(PASSWORD)),
        }
        self.doors = Doors(
            credentials=Credentials(clients),
            rates=Rates([*clients, STRANGER], per_second=0.5, burst=BURST, clock=self.clock),
            writer=self.writer,
            clock=self.clock,
            mappings=DEFAULTS,
            max_body_bytes=LIMIT,
            on_answer=lambda *told: self.answers.append(told),
            body_seconds=body_seconds,
        )
        self.server = WebServer(self.doors.app, "127.0.0.1", 0, name="ingest")
        self.server.start()
        url = urlsplit(self.server.address)
        self.place = (url.hostname or "", url.port or 0)

    def reset(self) -> None:
        """As it was at first, an hour later."""
        self.sink.refuse = lambda _: None
        self.sink.records.clear()
        self.answers.clear()
        self.writer.back()
        self.clock.advance(3600)

    def post(
        self,
        body: Any,
        path: str = "/events",
        headers: Mapping[str, str] = BEARER,
        method: str = "POST",
    ) -> Said:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(*self.place, timeout=10)
        try:
            connection.request(method, path, raw, dict(headers))
            answer = connection.getresponse()
            text = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            return Said(answer.status, json.loads(text) if is_json else text, answer.headers)
        finally:
            connection.close()
