"""From the options of `messenger tap` to where its events go."""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.sink import KafkaSink
from consumer.cli.common import complain, console, fail
from consumer.experiments.sinks import Sink
from consumer.experiments.sinks.file import RotatingFile
from consumer.experiments.sinks.http import Address, Http, parse_address
from consumer.experiments.sinks.output import Output
from consumer.experiments.sinks.topic import Topic
from consumer.experiments.views import View, event_view, json_view, line_view
from consumer.ports import Clock
from consumer.settings import Settings, is_topic_name

_SIZE: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMG]?)B?", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
#: Bytes: below that a file would rotate with each event.
_SMALLEST: Final = 1_000
#: A token is a line.
_LONGEST_TOKEN: Final = 8_192


class Target(msgspec.Struct, frozen=True):
    """One of these, or standard output."""

    file: Path | None = None
    topic: str | None = None
    address: Address | None = None

    @property
    def topics(self) -> list[str]:
        return [] if self.topic is None else [self.topic]


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where events go, and as what."""

    target: Target
    view: Literal["line", "json", "event"] | None
    fields: Sequence[str]
    most_bytes: int
    keep: int
    token_file: str | None


def parse_destination(text: str | None, tapped: Sequence[str], settings: Settings) -> Target:
    """What --into says; ends the command for what it cannot mean."""
    if text is None or text == "-":
        return Target()
    kind, _, rest = text.partition(":")
    match kind:
        case "file" if rest:
            return Target(file=Path(rest))
        case "topic" if rest:
            return Target(topic=_free_topic(rest, tapped, settings))
        case "http" | "https":
            try:
                return Target(address=parse_address(text))
            except ValueError as error:
                raise fail(f"--into: {error}", 2) from None
    # What was given may hold a password, so it is not repeated.
    raise fail("--into: write file:PATH, topic:NAME or http(s)://HOST/PATH", 2)


def open_sink(
    destination: Destination, kafka: KafkaSettings, clock: Clock, stop: Callable[[], bool]
) -> Sink:
    """The sink. Raises SinkFailed; ends the command where options do not go together."""
    target, token = destination.target, _token(destination)
    if target.topic is not None:
        if destination.view is not None or destination.fields:
            raise fail("--into topic: copies records as they are: leave out --as and --fields", 2)
        return Topic(KafkaSink(kafka), target.topic, clock=clock, stop=stop, say=complain)
    if target.file is not None:
        return RotatingFile(
            target.file,
            _view(destination, "json"),
            most_bytes=destination.most_bytes,
            keep=destination.keep,
            say=complain,
        )
    if target.address is not None:
        view = _view(destination, "json")
        return Http(target.address, view, clock=clock, stop=stop, say=complain, token=token)
    view = _view(destination, "line")
    if sys.stdout is None:
        raise fail("standard output is closed; say with --into where events go", 2)
    return Output(sys.stdout.fileno(), view, stop)


def size_of(text: str) -> int:
    """Bytes, of `100MB` or `500k`; ends the command for anything else."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if size < _SMALLEST:
        raise fail(f"--rotate-size {text!r}: write 100MB or 500kB, at least 1kB", 2)
    return size


def _view(destination: Destination, default: Literal["line", "json"]) -> View:
    match destination.view or default:
        case "event":
            if destination.fields:
                raise fail("--as event shows the whole event: leave out --fields", 2)
            return event_view
        case "json":
            return json_view(destination.fields)
        case _:
            seen = destination.target == Target() and console.is_terminal
            colour = seen and console.color_system is not None
            width = console.width if seen else None
            return line_view(destination.fields, colour=colour, width=width)


def _free_topic(name: str, tapped: Sequence[str], settings: Settings) -> str:
    """A topic that neither production nor this tap reads or writes."""
    if not is_topic_name(name):
        raise fail(f"--into topic:{name}: use letters, digits, dots, dashes and underscores", 2)
    kafka = settings.kafka
    ours = [*kafka.events_topics, kafka.tracking_topic, kafka.dead_letter_topic]
    if name in ours:
        raise fail(f"--into topic:{name}: production works on it; name a topic of your own", 2)
    if name in tapped:
        raise fail(f"--into topic:{name}: it is what is tapped; name another one", 2)
    return name


def _token(destination: Destination) -> str | None:
    if destination.token_file is None:
        return None
    if destination.target.address is None:
        raise fail("--token-file goes with --into http(s)://…", 2)
    try:
        with Path(destination.token_file).open(encoding="ascii") as file:
            token = file.read(_LONGEST_TOKEN).strip()
    except OSError as error:
        raise fail(f"--token-file {destination.token_file}: {error.strerror}", 2) from None
    except UnicodeDecodeError:
        token = ""
    if not token.isprintable() or not token:
        raise fail(f"--token-file {destination.token_file}: holds no token", 2)
    return token
