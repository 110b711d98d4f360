"""The events of `messenger shadow`: of a past interval, of a file, or as they come."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import BinaryIO

import msgspec

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.topics import missing_topics
from consumer.cli.common import complain, fail
from consumer.cli.moments import parse_seconds
from consumer.cli.stopping import stop_on_signals
from consumer.cli.store_checks import no_topic
from consumer.cli.stream_options import span_of
from consumer.cli.tap_telling import TellOfReading
from consumer.domain.record import Record
from consumer.experiments.reading import TopicReader
from consumer.experiments.reading_edges import SpanError
from consumer.experiments.shadow_source import Choosing, TooMany, from_file, live, past
from consumer.experiments.span import Span
from consumer.settings import Settings
from consumer.wiring import kafka_settings

Stopping = Callable[[], bool]
Reading = Callable[[TopicReader, Choosing, int, Stopping], Iterator[Record]]


class Follow(msgspec.Struct, frozen=True, kw_only=True):
    """How long the live stream is followed: by time or by number of records."""

    seconds: float | None = None
    records: int | None = None


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Which events were asked for."""

    from_: str | None = None
    to: str | None = None
    follow: Follow | None = None
    file: Path | None = None
    at_most: int

    @property
    def words(self) -> str:
        """For a person."""
        if self.file is not None:
            return f"file {self.file.name}"
        if self.follow is None:
            return f"from {self.from_} to {self.to or 'now'}"
        if self.follow.seconds is None:
            return f"the stream as it came, {self.follow.records} records at the most"
        return (
            f"the stream as it came, for {self.follow.seconds:g} s, "
            f"{self.at_most:,} records at the most"
        )


def stream_of(
    from_: str | None, to: str | None, follow: str | None, file: Path | None, at_most: int
) -> Stream:
    """What the options say together; ends the command for what they cannot mean."""
    given = [name for name, value in _ways(from_, follow, file) if value is not None]
    if not given:
        raise fail(
            "which events? Give --from 24h (and --to), --follow 10m, or --file events.ndjson", 2
        )
    if len(given) > 1 or (to is not None and from_ is None):
        names = given if len(given) > 1 else [*given, "--to"]
        raise fail(f"{' and '.join(names)} do not go together", 2)
    following = None if follow is None else _follow(follow)
    return Stream(from_=from_, to=to, follow=following, file=file, at_most=at_most)


@contextmanager
def open_stream(given: Settings, asked: Stream, choosing: Choosing) -> Iterator[Iterator[Record]]:
    """The records, in the order in which they are decided. Raises BrokerUnavailable."""
    try:
        if asked.file is not None:
            with _opened(asked.file) as file:
                # As if read from the topic: its format and its mapping count.
                yield from_file(file, given.kafka.events_topics[0], choosing)
        else:
            with _reader(given, asked) as (reader, stop, read):
                yield read(reader, choosing, _most(asked), stop)
    except (SpanError, TooMany) as error:
        raise fail(str(error), 2) from None


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise fail(f"--file {file}: {error.strerror}", 2) from None


@contextmanager
def _reader(given: Settings, asked: Stream) -> Iterator[tuple[TopicReader, Stopping, Reading]]:
    kafka = kafka_settings(given.kafka, client_id="messenger-shadow")
    topics = given.kafka.events_topics
    clock = SystemClock()
    begin = asked.from_ or "now"
    end = (asked.to or "now") if asked.follow is None else None
    span: Span = span_of(begin, end, topics, clock.now())
    for missing, nearest in missing_topics(kafka, topics).items():
        raise fail(f"topic {missing}: {no_topic(nearest)}", 2)
    stopping = threading.Event()
    with TopicReader(kafka, topics, span, clock, TellOfReading()) as reader:
        if asked.follow is None:
            yield reader, stopping.is_set, past
            return
        stop_on_signals(stopping.set)
        complain("following the stream; Ctrl-C ends it, and reports")
        seconds = asked.follow.seconds
        until = inf if seconds is None else clock.monotonic() + seconds
        yield reader, lambda: stopping.is_set() or clock.monotonic() >= until, live


def _most(asked: Stream) -> int:
    followed = None if asked.follow is None else asked.follow.records
    return asked.at_most if followed is None else followed


def _ways(from_: str | None, follow: str | None, file: Path | None) -> list[tuple[str, object]]:
    return [("--from", from_), ("--follow", follow), ("--file", file)]


def _follow(text: str) -> Follow:
    text = text.strip()
    try:
        number = parse_seconds(text)
    except ValueError:
        number = 0.0
    if number and text.isdecimal():
        return Follow(records=int(text))
    if not number or text[-1].isdecimal():
        raise fail(f"--follow {text!r}: write a time such as 90s or 10m, or a number of records", 2)
    return Follow(seconds=number)
