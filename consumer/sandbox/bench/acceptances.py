"""The fake's own record of what it accepted, and when: a line each, in the order of acceptance."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = "accepted.txt"


class Acceptance(NamedTuple):
    """One email that was accepted."""

    #: Epoch seconds when its request had been read; the same for all of one call.
    at: float
    event_id: str
    message_id: str


class AcceptanceFile:
    """Read while the fake goes on writing it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._place = 0
        self.all: list[Acceptance] = []

    def __len__(self) -> int:
        """How many there are by now."""
        with self._path.open("rb") as file:
            file.seek(self._place)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._place += len(whole)
        self.all += map(_parsed, whole.decode().splitlines())
        return len(self.all)


def line_of(accepted: Acceptance) -> str:
    """As it is written."""
    return f"{accepted.at!r} {accepted.event_id} {accepted.message_id}\n"


def _parsed(line: str) -> Acceptance:
    at, event_id, message_id = line.split(" ")
    return Acceptance(float(at), event_id, message_id)


def span(accepted: Sequence[Acceptance]) -> float:
    """Seconds from the first to the last."""
    return accepted[-1].at - accepted[0].at if accepted else 0.0


def rate(accepted: Sequence[Acceptance]) -> float | None:
    """Emails in a second, from the first call to the last. Those of the first call had their time
    before. None: there was but one call."""
    seconds = span(accepted)
    if not seconds:
        return None
    first = accepted[0].at
    return sum(1 for each in accepted if each.at > first) / seconds


def doubled(accepted: Iterable[Acceptance]) -> int:
    """Emails that were accepted although they had been."""
    return sum(times - 1 for times in Counter(each.message_id for each in accepted).values())


def out_of_order(accepted: Iterable[Acceptance], turns: Mapping[str, tuple[bytes, int]]) -> int:
    """Emails that came after one of a later event of the same alarm.

    `turns` has the alarm of each event, and its place among the alarm's events.
    """
    latest: dict[bytes, int] = {}
    late = 0
    for each in accepted:
        alarm, turn = turns[each.event_id]
        late += turn < latest.get(alarm, turn)
        latest[alarm] = max(turn, latest.get(alarm, turn))
    return late
