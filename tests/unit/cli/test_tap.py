"""`messenger tap`: what it refuses before it reads anything, and what it says in the end."""

import sys
from pathlib import Path

import pytest

from consumer.adapters.kafka.config import KafkaSettings
from consumer.cli.stream_options import span_of
from consumer.cli.tap_sinks import size_of
from consumer.cli.tap_telling import summary
from consumer.experiments.filters import Filter
from consumer.experiments.sinks import SinkFailed
from consumer.experiments.span import At, Beginning, Edge, Now, Offsets
from consumer.experiments.tap import TapCounts
from tests.unit.cli.conftest import Run
from tests.unit.experiments.seen_rig import ListSink, make_seen

COMMAND = sys.modules["consumer.cli.tap"]
TOPICS = ["alarm-events", "more"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--filter", "tenant == 1"], "--filter: no name 'tenant'"),
        (["--state", "red"], "--state: 'red' is no state"),
        (["--sample", "0"], "--sample: '0' is no share"),
        (["--from", "soon"], "--from 'soon': write beginning, now, 2h"),
        (["--from", "2099-01-01"], "is in the future"),
        (["--from", "1/2/3/4"], "--from '1/2/3/4': write"),
        (["--from", "other/0/1"], "other is none of alarm-events"),
        (["--to", "beginning"], "nothing lies between --from now and --to beginning"),
        (["--to", "1h"], "--to 1h is over; say with --from where to begin"),
        (["--from", "1h", "--to", "2h"], "--from 1h is not before --to 2h"),
        (["--from", "0/10", "--to", "0/10"], "no partition has anything between --from 0/10 and"),
        (["--from", "0/10", "--to", "1/20"], "no partition has anything between"),
        (["--topic", "a b"], "--topic 'a b': use letters"),
        (["--fields", "state,zone"], "--fields: no field 'zone'; there are: tenant_id"),
        (["--into", "copy"], "--into: write file:PATH, topic:NAME or"),
        (["--into", "topic:alarm-events"], "production works on it"),
        (["--into", "topic:notification-tracking"], "production works on it"),
        (["--into", "topic:alarm-events-dead-letter"], "production works on it"),
        (["--topic", "other", "--into", "topic:other"], "it is what is tapped"),
        (["--into", "topic:a b"], "use letters"),
        (["--into", "http:///x"], "--into: is no address"),
        (["--rotate-size", "3"], "--rotate-size '3': write 100MB"),
    ],
)
def test_what_cannot_be_meant_is_told_before_kafka_is_asked(
    run: Run, config: Path, options: list[str], told: str
) -> None:
    ran = run("tap", *options, "-c", config)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--into", "topic:copy", "--json"], "leave out --as and --fields"),
        (["--into", "http://h/", "--token-file", "/nowhere"], "No such file"),
        (["--token-file", "/nowhere"], "goes with --into http"),
        (["--as", "event", "--fields", "state"], "leave out --fields"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], told: str
) -> None:
    monkeypatch.setattr(COMMAND, "missing_topics", lambda *_: {})
    monkeypatch.setattr(COMMAND, "stop_on_signals", lambda _: None)
    ran = run("tap", *options, "-c", config)
    assert ran.code == 2
    assert told in ran.err


def test_topics_that_are_not_there_are_told(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: KafkaSettings, names: list[str]) -> dict[str, str | None]:
        return {names[-1]: None}

    monkeypatch.setattr(COMMAND, "missing_topics", missing)
    assert (
        "topic alarm-events: does not exist; run `messenger topics" in run("tap", "-c", config).err
    )
    assert (
        "topic other: does not exist; correct --topic"
        in run("tap", "--topic", "other", "-c", config).err
    )
    ran = run("tap", "--into", "topic:copy", "-c", config)
    assert "--into topic:copy: does not exist; create it first" in ran.err


def test_a_broker_that_is_away_is_its_own_exit_code(run: Run, config: Path) -> None:
    assert run("tap", "-c", config).code == 3


@pytest.mark.parametrize(
    ("from_", "to", "start", "end"),
    [
        ("now", None, Now(), None),
        ("beginning", "now", Beginning(), Now()),
        ("2h", "30m", At(2_800_000), At(8_200_000)),
        ("1970-01-01T00:00:01Z", "1h", At(1_000), At(6_400_000)),
        ("now", "1970-01-02", Now(), At(86_400_000)),
        ("more/0/5, more/1/6", None, Offsets({("more", 0): 5, ("more", 1): 6}), None),
    ],
)
def test_spans_as_people_write_them(
    from_: str, to: str | None, start: Edge, end: Edge | None
) -> None:
    span = span_of(from_, to, TOPICS, now=10_000.0)
    assert (span.start, span.end) == (start, end)


def test_offsets_name_their_topic_only_where_there_are_several() -> None:
    span = span_of("3/7", None, ["alarm-events"], now=10_000.0)
    assert span.names("alarm-events", 3)
    assert not span.names("alarm-events", 4)


@pytest.mark.parametrize(
    ("text", "size"), [("100MB", 100_000_000), ("1k", 1_000), ("2.5kB", 2_500)]
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert size_of(text) == size


def test_the_account_is_given_also_where_the_end_fails() -> None:
    class Broken(ListSink):
        def close(self) -> None:
            raise SinkFailed("full")

    told: list[str] = []
    with pytest.raises(SinkFailed):
        COMMAND._close(Broken(), lambda: told.append("account"))
    assert told == ["account"]


def test_the_summary_accounts_for_all_that_was_read() -> None:
    wanted = Filter('labels.rack == "7"')
    wanted.matches(make_seen(3))
    counts = TapCounts(
        records=9,
        events=7,
        unreadable=2,
        unreadable_left_out=1,
        filtered=3,
        not_sampled=2,
        over_rate=1,
        taken=2,
    )
    assert summary(counts, ListSink(), wanted) == (
        "tap: 9 records read, 7 events; 2 records unreadable, 1 of them left out by the filter; "
        "3 not meant by the filter; 1 could not be asked (the first: alarm-events 0/3: there is "
        "no 'rack'; has(…) asks whether there is); 2 not in the sample; 1 dropped over the rate; "
        "0 written"
    )
