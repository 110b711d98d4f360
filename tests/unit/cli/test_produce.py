"""`messenger produce`: what it takes, where to, and what it says when there is nothing to take."""

import io
import sys
from pathlib import Path

import pytest

from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.support.worker_fakes import FakeSink
from tests.unit.cli.conftest import Run

COMMAND = sys.modules["consumer.cli.produce"]


class Stdin(io.TextIOWrapper):
    """Standard input that may be a terminal."""

    def __init__(self, content: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(content))
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> FakeSink:
    made = FakeSink()
    monkeypatch.setattr(COMMAND, "KafkaSink", lambda _kafka: made)
    monkeypatch.setattr(COMMAND, "missing_topics", lambda *_: {})
    return made


def test_events_go_to_their_topic_keyed_by_atom(run: Run, config: Path, sink: FakeSink) -> None:
    event = make_event()
    (config.parent / "events.ndjson").write_bytes(b"\n" + encode_event(event) + b"\n{\n")
    ran = run("produce", config.parent / "events.ndjson", "-c", config, "--json")
    assert ran.code == 1
    assert "line 3: not_json" in ran.err
    ((topic, key, value, _),) = sink.records
    assert (topic, key) == ("alarm-events", event.atom.encode())
    assert value == encode_event(event)


@pytest.mark.parametrize("terminal", [True, False])
def test_whoever_gives_nothing_is_told_what_to_give(
    run: Run, config: Path, sink: FakeSink, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b"\n", terminal=terminal))
    ran = run("produce", "-c", config)
    assert (ran.code, sink.records) == (0, [])
    assert "`messenger sandbox traffic | messenger produce`" in ran.err
    assert ("Ctrl-D ends it" in ran.err) == terminal


def test_a_topic_that_is_not_there_is_wrong_usage(
    run: Run, config: Path, sink: FakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(COMMAND, "missing_topics", lambda *_: {"alarm-evnts": "alarm-events"})
    monkeypatch.setattr("sys.stdin", Stdin(b""))
    ran = run("produce", "--topic", "alarm-evnts", "-c", config)
    assert (ran.code, sink.records) == (2, [])
    assert "topic alarm-evnts: does not exist" in ran.err
    assert "there is alarm-events" in ran.err
