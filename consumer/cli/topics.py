"""`messenger topics`: create and describe the topics of the settings."""

from typing import Annotated, Any

import typer
from rich.table import Table

from consumer.adapters.kafka.topics import TopicAdmin, TopicState
from consumer.cli.common import ConfigOption, JsonOption, console, fail
from consumer.cli.plain import print_data
from consumer.configuration import load_settings
from consumer.settings import Kafka
from consumer.wiring import kafka_settings

topics = typer.Typer(name="topics", help="Create and describe the topics.", no_args_is_help=True)


@topics.command("create")
def create(
    config: ConfigOption = None,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each topic.")] = 4,
    replication: Annotated[
        int, typer.Option(min=1, help="Copies of each partition; 3 in production.")
    ] = 1,
) -> None:
    """Create the topics that are missing; those that exist stay as they are."""
    kafka = load_settings(config).kafka
    with TopicAdmin(kafka_settings(kafka)) as admin:
        created = admin.create(_names(kafka), partitions, replication)
    for name in _names(kafka):
        console.print(f"{name}: {'created' if name in created else 'exists'}")


@topics.command("describe")
def describe(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Partitions, their ends, and how far the group has committed."""
    kafka = load_settings(config).kafka
    with TopicAdmin(kafka_settings(kafka)) as admin:
        states = admin.describe(_names(kafka))
    if as_json:
        print_data(states)
        return
    table = Table("topic", "partition", "first", "end", "committed", "lag")
    for state in states:
        table.add_row(*(str(value) for value in _row(state)))
    console.print(table)
    missing = sorted(set(_names(kafka)) - {state.topic for state in states})
    if missing:
        raise fail(f"missing: {', '.join(missing)}; run `messenger topics create`")


def _row(state: TopicState) -> tuple[Any, ...]:
    committed = "-" if state.committed is None else state.committed
    return (state.topic, state.partition, state.first, state.end, committed, state.lag)


def _names(kafka: Kafka) -> list[str]:
    return [*kafka.events_topics, kafka.tracking_topic, kafka.dead_letter_topic]
