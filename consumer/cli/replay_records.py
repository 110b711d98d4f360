"""Which records a replay reads, and where it notes how far it has come."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from consumer.adapters.clock import SystemClock
from consumer.adapters.kafka.group_offsets import GroupOffsets, Partition
from consumer.cli.common import complain, fail
from consumer.experiments.reading import ReadingTold, TopicReader
from consumer.experiments.replay_file import FileReader
from consumer.experiments.replay_source import Reader
from consumer.experiments.replay_span import Progress, Section, sections
from consumer.experiments.span import Offsets, Place, Span
from consumer.settings import Settings
from consumer.wiring import kafka_settings

Commit = Callable[[Mapping[Partition, int]], None]


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """What is read, and what is done when a part of it is done."""

    reader: Reader
    ends: Mapping[Partition, int] = {}
    commit: Commit
    #: Records to read; None: nobody knows.
    total: int | None = None
    #: Records that production has still to do, which are not read.
    left_to_production: int = 0
    #: An earlier run of the same name goes on.
    continued: bool = False


@contextmanager
def records_of_file(file: Path) -> Iterator[Records]:
    """Its lines. How far it came is in the ledger alone: what was sent is not sent again."""
    try:
        with file.open("rb") as opened:
            reader = FileReader(file.name, opened)
            yield Records(reader=reader, commit=_nowhere)
    except OSError as error:
        raise fail(f"--file {file}: {error.strerror}", 2) from error


@contextmanager
def records_of_topics(
    settings: Settings,
    span: Span,
    selection: str,
    name: str | None,
    told: ReadingTold | None = None,
) -> Iterator[Records]:
    """The events topics' records. `name`: the replay's, whose progress is kept in a group of its
    own; None: nothing is kept."""
    kafka = kafka_settings(settings.kafka)
    topics = settings.kafka.events_topics
    with ExitStack() as stack:
        with GroupOffsets(kafka) as production:
            wanted = sections(topics, span, production)
        if not wanted:
            raise fail(f"nothing to read: no such partition of {', '.join(topics)}", 2)
        commit: Commit = _nowhere
        continued = False
        left = sum(section.left_to_production for section in wanted.values())
        if name is not None:
            own = msgspec.structs.replace(kafka, group_id=replay_group(kafka.group_id, name))
            progress = Progress(stack.enter_context(GroupOffsets(own)), selection)
            wanted, continued = progress.begin(topics, wanted)
            commit = progress.commit
        if not continued:
            _tell_cut(wanted)
        reader = TopicReader(kafka, topics, _span(wanted), SystemClock(), told)
        yield Records(
            reader=stack.enter_context(reader),
            ends={partition: section.end for partition, section in wanted.items()},
            commit=commit,
            total=sum(section.records for section in wanted.values()),
            left_to_production=0 if continued else left,
            continued=continued,
        )


def replay_group(group_id: str, name: str) -> str:
    """The group that holds a replay's progress, beside production's."""
    return f"{group_id}-replay-{name}"


def _tell_cut(wanted: Mapping[Partition, Section]) -> None:
    for (topic, number), section in wanted.items():
        if section.cut:
            complain(f"{topic} {number}: what was before {number}/{section.start} is gone")


def _span(wanted: Mapping[Partition, Section]) -> Span:
    starts: dict[Place, int] = {p: section.start for p, section in wanted.items()}
    ends: dict[Place, int] = {p: max(s.start, s.end) for p, s in wanted.items()}
    return Span(start=Offsets(starts), end=Offsets(ends))


def _nowhere(_offsets: Mapping[Partition, int]) -> None:
    """Nothing is kept."""
