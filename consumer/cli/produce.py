"""`messenger produce`: events from NDJSON into the events topic, keyed by atom."""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer
from rich.progress import Progress

from consumer.adapters.kafka.sink import KafkaSink
from consumer.adapters.kafka.topics import missing_topics
from consumer.cli.common import (
    ConfigOption,
    JsonOption,
    complain,
    fail,
    progress_console,
)
from consumer.cli.plain import print_data
from consumer.cli.store_checks import no_topic
from consumer.configuration import load_settings
from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import BrokerUnavailable, InvalidMessage
from consumer.formats import FORMATS, decode
from consumer.settings import is_topic_name
from consumer.wiring import kafka_settings, receive_settings

#: The events in a line; raises InvalidMessage.
Decode = Callable[[bytes], list[AlarmEvent]]

#: Bad lines that are told one by one; the rest is only counted.
_TOLD = 20

#: For whoever gave nothing.
_HOW = (
    "events come from a file or from standard input, one JSON document a line: try "
    "`messenger sandbox traffic | messenger produce`"
)


class Produced(msgspec.Struct, kw_only=True):
    """What came of the lines."""

    produced: int = 0
    rejected: int = 0
    failed: int = 0


def produce(
    file: Annotated[str, typer.Argument(help="NDJSON file, one event a line; - for stdin.")] = "-",
    config: ConfigOption = None,
    topic: Annotated[str | None, typer.Option(help="Another topic than the settings'.")] = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Input format; default: detected by line.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write events to the events topic. Bad lines are told with their number and left out."""
    settings = load_settings(config).kafka
    if format_ is not None and format_ not in FORMATS:
        raise fail(f"--format {format_}: write one of {', '.join(FORMATS)}", 2)
    if topic is not None and not is_topic_name(topic):
        raise fail(f"--topic {topic!r}: use letters, digits, dots, dashes and underscores", 2)
    with _lines(file) as lines:
        kafka, into = kafka_settings(settings), topic or settings.events_topics[0]
        for missing, nearest in missing_topics(kafka, [into]).items():
            raise fail(f"topic {missing}: {no_topic(nearest)}", 2)
        sink = KafkaSink(kafka)
        mappings = receive_settings(settings).mappings_on(into)
        try:
            counts = _produce(sink, into, lines, partial(decode, fixed=format_, mappings=mappings))
        finally:
            sink.close(5.0)
    if file == "-" and counts == Produced():
        complain(_HOW)
    if as_json:
        print_data(counts)
    else:
        progress_console.print(
            f"{counts.produced} produced, {counts.rejected} rejected, {counts.failed} failed"
        )
    if counts.failed:
        raise fail("Kafka did not take all events; produce the same file again", 3)
    if counts.rejected:
        raise typer.Exit(1)


def _produce(sink: KafkaSink, topic: str, lines: Iterable[bytes], decoded: Decode) -> Produced:
    counts = Produced()
    left = threading.Semaphore(0)

    def acknowledged(error: Exception | None) -> None:
        if error is not None:
            counts.failed += 1
        left.release()

    sent = 0
    with Progress(console=progress_console, transient=True) as progress:
        task = progress.add_task("producing", total=None)
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                events = decoded(line)
            except InvalidMessage as error:
                counts.rejected += 1
                if counts.rejected <= _TOLD:
                    complain(f"line {number}: {error}")
                continue
            sink.send(topic, events[0].atom.encode(), line.strip(), (), acknowledged)
            sent += 1
            progress.update(task, completed=sent, description=f"producing, {sent} events")
        try:
            sink.flush(60.0)
        except BrokerUnavailable as error:
            complain(str(error))
        for _ in range(sent):
            left.acquire(timeout=60.0)
    if counts.rejected > _TOLD:
        complain(f"… and {counts.rejected - _TOLD} more bad lines")
    counts.produced = sent - counts.failed
    return counts


@contextmanager
def _lines(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        if sys.stdin.isatty():
            complain(f"{_HOW}; reading from the terminal, Ctrl-D ends it")
        yield sys.stdin.buffer
        return
    try:
        with Path(file).open("rb") as opened:
            yield opened
    except OSError as error:
        raise fail(f"{file}: {error.strerror}", 2) from error
