"""From where to where a replay reads, and how a stopped one goes on."""

from collections.abc import Iterable, Mapping, Sequence

import pytest

from consumer.adapters.kafka.group_offsets import Committed, Partition
from consumer.domain.errors import SettingsError
from consumer.experiments.replay_span import Progress, Section, fingerprint, sections
from consumer.experiments.span import At, Beginning, Now, Offsets, Span

TOPIC = "alarm-events"
ZERO, ONE = (TOPIC, 0), (TOPIC, 1)


class Group:
    """Two partitions with the records 10 to 99; what is committed is kept."""

    def __init__(self, committed: Mapping[Partition, int] | None = None) -> None:
        self.offsets = {p: Committed(offset) for p, offset in (committed or {}).items()}

    def partitions(self, topics: Iterable[str]) -> list[Partition]:
        return [ZERO, ONE]

    def begins(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 10)

    def ends_reached(
        self, partitions: Sequence[Partition], reached: Mapping[Partition, Committed]
    ) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 100)

    def at(self, partitions: Sequence[Partition], milliseconds: int) -> dict[Partition, int]:
        return dict.fromkeys(partitions, milliseconds)

    def committed(self, partitions: Sequence[Partition]) -> dict[Partition, Committed]:
        return {p: self.offsets[p] for p in partitions if p in self.offsets}

    def commit(self, offsets: Mapping[Partition, Committed]) -> None:
        self.offsets |= offsets


def found(span: Span, committed: Mapping[Partition, int]) -> dict[Partition, Section]:
    return sections([TOPIC], span, Group(committed))  # type: ignore[arg-type]  # a stand-in


DONE = {ZERO: 100, ONE: 100}


@pytest.mark.parametrize(
    ("span", "section"),
    [
        (Span(start=Beginning()), Section(10, 100)),
        (Span(start=At(40)), Section(40, 100)),
        (Span(start=At(40), end=At(60)), Section(40, 60)),
        (Span(start=Beginning(), end=Now()), Section(10, 100)),
        (Span(start=Now()), Section(100, 100)),
    ],
)
def test_times_and_edges_become_offsets(span: Span, section: Section) -> None:
    assert found(span, DONE) == {ZERO: section, ONE: section}


def test_offsets_name_their_partitions_and_what_is_gone_is_passed() -> None:
    span = Span(start=Offsets({(None, 1): 3}), end=Offsets({(None, 1): 50}))
    assert found(span, DONE) == {ONE: Section(10, 50, cut=True)}


def test_what_retention_took_from_the_beginning_is_told() -> None:
    """Nobody knows what was between the moment and the first record that is still there."""
    assert found(Span(start=At(10)), DONE)[ZERO].cut
    assert not found(Span(start=At(11)), DONE)[ZERO].cut
    assert not found(Span(start=Beginning()), DONE)[ZERO].cut


def test_an_offset_that_is_not_there_yet_is_a_mistake() -> None:
    with pytest.raises(SettingsError, match="it ends at 100"):
        found(Span(start=Offsets({(None, 1): 101})), DONE)


def test_what_production_has_still_to_do_is_left_to_it() -> None:
    """Sent ahead of it, a new event would make an older one of its alarm stale there."""
    assert found(Span(start=At(20)), {ZERO: 60}) == {
        ZERO: Section(20, 60, left_to_production=40),
        ONE: Section(20, 20, left_to_production=80),
    }


def progress(group: Group, selection: str) -> Progress:
    return Progress(group, selection)  # type: ignore[arg-type]  # a stand-in


def test_a_replay_goes_on_from_its_own_offsets_to_the_end_it_had() -> None:
    group, wanted = Group(), {ZERO: Section(20, 60), ONE: Section(10, 10)}
    first = progress(group, "all")
    assert first.begin([TOPIC], wanted) == (wanted, False)
    first.commit({ZERO: 35})
    later = {ZERO: Section(20, 90), ONE: Section(10, 70)}
    second = progress(group, "all")
    assert second.begin([TOPIC], later) == ({ZERO: Section(35, 60), ONE: Section(10, 10)}, True)
    second.commit({ZERO: 40})
    third = progress(group, "all")
    assert third.begin([TOPIC], later) == ({ZERO: Section(40, 60), ONE: Section(10, 10)}, True)


def test_one_name_is_one_selection() -> None:
    group, wanted = Group(), {ZERO: Section(20, 60)}
    progress(group, fingerprint("2h", None)).begin([TOPIC], wanted)
    with pytest.raises(SettingsError, match="take another name"):
        progress(group, fingerprint("3h", None)).begin([TOPIC], wanted)


def test_offsets_that_somebody_else_committed_are_no_replay() -> None:
    group = Group()
    group.commit({ZERO: Committed(20, "by somebody else")})
    with pytest.raises(SettingsError, match="take another name"):
        progress(group, "all").begin([TOPIC], {ZERO: Section(10, 60)})


def test_where_the_broker_keeps_no_notes_a_replay_begins_anew() -> None:
    """The embedded one keeps none. The ledger knows what was sent by this name."""
    group, wanted = Group({ZERO: 20}), {ZERO: Section(10, 60)}
    assert progress(group, "all").begin([TOPIC], wanted) == (wanted, False)
