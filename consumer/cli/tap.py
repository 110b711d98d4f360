"""`messenger tap`: look into the stream, or lead a part of it elsewhere, beside production."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Literal

import typer

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.config import KafkaSettings
from consumer.adapters.kafka.topics import missing_topics
from consumer.cli.common import ConfigOption, complain, fail
from consumer.cli.stopping import stop_on_signals
from consumer.cli.store_checks import no_topic
from consumer.cli.stream_options import (
    AlarmOption,
    EntityOption,
    FilterOption,
    SampleOption,
    StateOption,
    TenantOption,
    filter_of,
    sample_of,
    span_of,
)
from consumer.cli.tap_sinks import Destination, open_sink, parse_destination, size_of
from consumer.cli.tap_telling import TellOfReading, summary
from consumer.configuration import load_settings
from consumer.domain.record import Record
from consumer.experiments.reading import TopicReader
from consumer.experiments.reading_edges import SpanError
from consumer.experiments.seen import Seen, see_events, see_tracking
from consumer.experiments.sinks import Sink, SinkClosed
from consumer.experiments.sinks.dropping import Dropping
from consumer.experiments.tap import Tap, TapPlan
from consumer.experiments.views import known_fields
from consumer.settings import Settings, is_topic_name
from consumer.wiring import kafka_settings, pipeline_rules


def tap(
    config: ConfigOption = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic",
            help="Another topic than the events': tracking, dead letters; may be repeated.",
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", help="beginning, now, 2h, ISO 8601, or PARTITION/OFFSET,…")
    ] = "now",
    to: Annotated[
        str | None, typer.Option("--to", help="Likewise; default: follow.", show_default=False)
    ] = None,
    tenant: TenantOption = None,
    entity: EntityOption = None,
    alarm: AlarmOption = None,
    state: StateOption = None,
    condition: FilterOption = None,
    sample: SampleOption = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, help="Events a second, at most.", show_default=False),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="End after so many.", show_default=False),
    ] = None,
    fields: Annotated[
        str | None,
        typer.Option(help="What to show, by field: time,state,labels.", show_default=False),
    ] = None,
    view: Annotated[
        Literal["line", "json", "event"] | None,
        typer.Option(
            "--as",
            help="line: for people; json: all there is; event: the event alone, to be produced "
            "or replayed again. Default: line on standard output, json elsewhere.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --as json.")] = False,
    into: Annotated[
        str | None,
        typer.Option(
            help="file:PATH, topic:NAME or http(s)://HOST/PATH; default: standard output.",
            show_default=False,
        ),
    ] = None,
    when_slow: Annotated[
        Literal["wait", "drop"],
        typer.Option(help="Where events go slower than they come: fall behind, or drop some."),
    ] = "wait",
    rotate_size: Annotated[str, typer.Option(help="A file's size, at most.")] = "100MB",
    rotate_keep: Annotated[
        int, typer.Option(min=0, max=1_000, help="Rotated files that are kept.")
    ] = 10,
    token_file: Annotated[
        str | None,
        typer.Option(help="Holds a bearer token for the HTTP address.", show_default=False),
    ] = None,
) -> None:
    """Follow the stream as it is, outside the production group: nothing is committed or locked.

    A condition (--filter) is written in CEL, over the fields that a wrong name lists.
    """
    settings = load_settings(config)
    topics = _topics(topic, settings)
    clock = SystemClock(stopping := threading.Event())
    span = span_of(from_, to, topics, clock.now())
    wanted = filter_of(condition, tenant, entity, alarm, state)
    plan = TapPlan(sample=sample_of(sample), rate=rate, limit=limit, drop=when_slow == "drop")
    destination = Destination(
        target=parse_destination(into, topics, settings),
        view="json" if as_json else view,
        fields=tuple(_fields(fields)),
        most_bytes=size_of(rotate_size),
        keep=rotate_keep,
        token_file=token_file,
    )
    kafka = kafka_settings(settings.kafka, client_id="messenger-tap")
    _require(topics, destination.target.topics, kafka, given=bool(topic))
    stop_on_signals(stopping.set)
    sink = open_sink(destination, kafka, clock, stopping.is_set)
    sink = Dropping(sink) if plan.drop else sink
    running = Tap(_see(topics, settings), wanted, plan, sink, clock)
    try:
        with TopicReader(kafka, topics, span, clock, TellOfReading()) as reader:
            if span.end is None:
                complain(f"tap: following {', '.join(topics)}; Ctrl-C ends it")
            try:
                running.run(reader, stopping.is_set)
            finally:
                _close(sink, lambda: complain(summary(running.counts, sink, wanted)))
    except SpanError as error:
        raise fail(str(error), 2) from None


def _require(
    tapped: Sequence[str], target: Sequence[str], kafka: KafkaSettings, *, given: bool
) -> None:
    for missing, nearest in missing_topics(kafka, [*tapped, *target]).items():
        if missing in target:
            raise fail(f"--into topic:{missing}: does not exist; create it first", 2)
        if given:
            hint = "" if nearest is None else f": there is {nearest}"
            raise fail(f"topic {missing}: does not exist; correct --topic{hint}", 2)
        raise fail(f"topic {missing}: {no_topic(nearest)}", 2)


def _close(sink: Sink, account: Callable[[], None]) -> None:
    try:
        sink.close()
    except SinkClosed:
        return  # whoever read has seen enough
    finally:
        account()


def _topics(given: Sequence[str] | None, settings: Settings) -> list[str]:
    topics = list(dict.fromkeys(given or settings.kafka.events_topics))
    for name in topics:
        if not is_topic_name(name):
            raise fail(f"--topic {name!r}: use letters, digits, dots, dashes and underscores", 2)
    return topics


def _fields(text: str | None) -> list[str]:
    try:
        return known_fields([name.strip() for name in (text or "").split(",") if name.strip()])
    except ValueError as error:
        raise fail(f"--fields: {error}", 2) from None


def _see(topics: Sequence[str], settings: Settings) -> Callable[[Sequence[Record]], list[Seen]]:
    """How the records of these topics are read: as production does, or as tracking records."""
    tracking = settings.kafka.tracking_topic
    events = partial(see_events, rules=pipeline_rules(settings).receive)
    if tracking not in topics:
        return events
    return lambda records: [
        seen
        for record in records
        for seen in (see_tracking if record.topic == tracking else events)([record])
    ]
