"""Which offsets a replay reads, and how far it has come: kept in a group of its own.

With each offset the group commits goes a note: what was asked for, and where the replay ends. So a
replay that was stopped, or killed, goes on to the end it had when it was begun, and one name
cannot mean two selections.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from consumer.adapters.kafka.group_offsets import Committed, GroupOffsets, Partition
from consumer.domain.errors import SettingsError
from consumer.experiments.span import At, Beginning, Edge, Now, Offsets, Span

_NOTE: Final = "messenger replay 1"


class Section(msgspec.Struct, frozen=True):
    """A part of one partition: from `start`, which is in it, up to `end`, which is not."""

    start: int
    end: int
    #: Records behind the end that production has still to do.
    left_to_production: int = 0
    #: Records before the start are meant too, or may be, and are not there any more.
    cut: bool = False

    @property
    def records(self) -> int:
        return max(0, self.end - self.start)


class _Note(msgspec.Struct, frozen=True):
    what: str
    end: int
    selection: str


def fingerprint(*words: object) -> str:
    """A short name for a selection."""
    text = msgspec.json.encode([repr(word) for word in words])
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def sections(topics: Sequence[str], span: Span, offsets: GroupOffsets) -> dict[Partition, Section]:
    """What is to be read. `offsets` is production's group: what that has still to do is left to it.

    To send such a record ahead of production would make earlier ones of its alarm stale there.
    Raises SettingsError for an offset that is not there yet.
    """
    meant = [p for p in offsets.partitions(topics) if span.names(*p)]
    begins, done = offsets.begins(meant), offsets.committed(meant)
    ends = offsets.ends_reached(meant, done)

    def resolved(edge: Edge) -> Mapping[Partition, int]:
        match edge:
            case Beginning():
                return begins
            case At(milliseconds):
                return offsets.at(meant, milliseconds)
            case Offsets() as given:
                return {p: given.of(*p) or 0 for p in meant}
            case Now() | _:
                return ends

    starts, stops = resolved(span.start), ends if span.end is None else resolved(span.end)
    found = {}
    for partition in meant:
        start = max(starts[partition], begins[partition])
        end = min(stops[partition], ends[partition])
        if start > ends[partition]:
            name, number = partition
            raise SettingsError(
                [f"--from: {name} {number}/{start} is not there: it ends at {ends[partition]}"]
            )
        reached = done[partition].offset if partition in done else begins[partition]
        ours = max(start, min(end, reached))
        cut = _is_cut(span.start, starts[partition], begins[partition])
        found[partition] = Section(start, ours, max(0, end - ours), cut)
    return found


def _is_cut(edge: Edge, start: int, begin: int) -> bool:
    """Whether retention took what the span begins with. Of a moment before the first record that
    is there, nobody can say what was between them."""
    match edge:
        case At():
            return 0 < begin >= start
        case Offsets():
            return start < begin
        case _:
            return False


class Progress:
    """The replay's own committed offsets."""

    def __init__(self, offsets: GroupOffsets, selection: str) -> None:
        self._offsets = offsets
        self._selection = selection
        self._ends: dict[Partition, int] = {}

    def begin(
        self, topics: Sequence[str], wanted: Mapping[Partition, Section]
    ) -> tuple[dict[Partition, Section], bool]:
        """Where to read, and whether an earlier run is continued.

        Raises SettingsError when the name was used for another selection.
        """
        before = self._offsets.committed(self._offsets.partitions(topics))
        # The embedded broker keeps no notes. There it begins anew: the ledger knows what was sent.
        going_on = {p: (told.offset, _read(told.note)) for p, told in before.items() if told.note}
        if any(note is None or note.selection != self._selection for _, note in going_on.values()):
            raise SettingsError(
                [
                    "--name: a replay of this name was begun with other options; repeat those to "
                    "continue it, or take another name"
                ]
            )
        if going_on:
            found = {p: Section(at, note.end) for p, (at, note) in going_on.items() if note}
        else:
            found = dict(wanted)
        self._ends = {p: section.end for p, section in found.items()}
        if not going_on:
            self.commit({p: section.start for p, section in found.items()})
        return found, bool(going_on)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """All below these is done. Raises BrokerUnavailable."""
        if offsets:
            self._offsets.commit(
                {p: Committed(offset, self._note(p)) for p, offset in offsets.items()}
            )

    def _note(self, partition: Partition) -> str:
        note = _Note(_NOTE, self._ends.get(partition, 0), self._selection)
        return msgspec.json.encode(note).decode()


def _read(note: str) -> _Note | None:
    try:
        found = msgspec.json.decode(note, type=_Note)
    except msgspec.DecodeError:
        return None
    return found if found.what == _NOTE else None
