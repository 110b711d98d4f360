"""An event as one line: for a person, or for a program."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from rich.cells import cell_len, set_cell_size

from consumer.domain.alarm import State
from consumer.experiments.fields import FIELDS
from consumer.experiments.seen import Seen
from consumer.pipeline.mail.clean import one_line

#: An event as a line with its end; None: it cannot be shown in this view.
View = Callable[[Seen], bytes | None]

#: Of one field in a line for a person.
_LONGEST: Final = 200
#: Colours of terminals: red, yellow, green; magenta for what is none of ours.
_COLOURS: Final = {State.CRITICAL: "31;1", State.WARNING: "33", State.OK: "32"}
_OTHER, _UNREADABLE, _DIM = "35", "35;1", "2"
#: As wide as the longest state, and `unreadable`.
_STATE_WIDTH: Final = 10

#: What a line for a person shows of itself, in this order.
LINE: Final = ("time", "state", "tenant_id", "entity", "alarm", "status")
#: What a name may also be filled from, so that a line says what there is.
_INSTEAD: Final[Mapping[str, tuple[str, ...]]] = {
    "entity": ("entity_label", "entity_id"),
    "check": ("check_label", "check_type", "check_id"),
    "alarm": ("alarm_label", "alarm_id"),
}
_CONTROLS: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def known_fields(names: Sequence[str]) -> list[str]:
    """The names, if there are such fields. Raises ValueError, in one line."""
    unknown = [name for name in names if name not in FIELDS]
    if unknown:
        raise ValueError(f"no field {unknown[0]!r}; there are: {', '.join(FIELDS)}")
    return list(names)


def line_view(names: Sequence[str] = (), *, colour: bool = False, width: int | None = None) -> View:
    """One line for a person, cut at `width` columns; nothing in it moves the cursor."""
    shown = tuple(names) or LINE

    def view(seen: Seen) -> bytes:
        parts = [(_shown(seen, name), _style(seen, name)) for name in shown]
        if seen.problem is not None and "problem" not in shown:
            parts += [(_where(seen), ""), (one_line(seen.problem, _LONGEST), _UNREADABLE)]
        if seen.tracking is not None and not names:
            parts += [(_step(seen), "")]
        return _joined(parts, colour, width)

    return view


def json_view(names: Sequence[str] = ()) -> View:
    """One JSON object with all there is, or with the named fields."""

    def view(seen: Seen) -> bytes:
        if names:
            return _encoded({name: FIELDS[name](seen) for name in names})
        return _encoded(_whole(seen))

    return view


def event_view(seen: Seen) -> bytes | None:
    """The event alone, in our own format: it can be produced or replayed again."""
    return None if seen.event is None else _encoded(seen.event)


def _shown(seen: Seen, name: str) -> str:
    if name == "state":
        state = str(FIELDS["state"](seen))
        return (state if seen.readable else "unreadable").ljust(_STATE_WIDTH)
    for each in _INSTEAD.get(name, (name,)):
        value = FIELDS[each](seen)
        if value not in ("", {}):
            return _text(value)
    return "-"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds").removesuffix("+00:00")
    if isinstance(value, dict):
        value = " ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, bool):
        value = "true" if value else "false"
    return one_line(value, _LONGEST)


def _style(seen: Seen, name: str) -> str:
    if name == "state":
        if not seen.readable:
            return _UNREADABLE
        state = seen.known.state if seen.event is None else seen.event.state
        return _COLOURS.get(state, _OTHER) if state else _OTHER
    return _DIM if name == "time" else ""


def _where(seen: Seen) -> str:
    topic, partition, offset = seen.record.position
    return f"{one_line(topic, _LONGEST)} {partition}/{offset}"


def _step(seen: Seen) -> str:
    fields = (FIELDS[name](seen) for name in ("kind", "reason", "destination"))
    return "  ".join(one_line(value, _LONGEST) for value in fields if value)


def _joined(parts: Sequence[tuple[str, str]], colour: bool, width: int | None) -> bytes:
    left = width
    told: list[str] = []
    for text, style in parts:
        part = text if not told else f"  {text}"
        if left is not None:
            part = _cut(part, left)
            left -= cell_len(part)
        told.append(f"\x1b[{style}m{part}\x1b[0m" if colour and style and part else part)
    return ("".join(told).rstrip() + "\n").encode(errors="replace")


def _cut(text: str, cells: int) -> str:
    """At most so many columns: a letter of the East takes two."""
    return text if cell_len(text) <= cells else set_cell_size(text, cells).rstrip()


def _whole(seen: Seen) -> dict[str, Any]:
    record = seen.record
    told: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "record_timestamp": record.timestamp,
        "key": FIELDS["key"](seen),
        # A name may be there several times.
        "headers": [(n, v.decode(errors="backslashreplace")) for n, v in record.headers],
        "readable": seen.readable,
    }
    if seen.event is not None:
        return told | {"format": seen.format, "atom": seen.atom, "event": seen.event}
    if seen.tracking is not None:
        return told | {"format": seen.format, "atom": seen.atom, "tracking": seen.tracking}
    problem = seen.problem
    return told | {
        "problem": None if problem is None else {"reason": problem.reason, "text": problem.detail},
        "known": {n: v for n, v in msgspec.structs.asdict(seen.known).items() if v is not None},
        "value": None if record.value is None else record.value.decode(errors="backslashreplace"),
    }


def _encoded(value: Any) -> bytes:
    line = msgspec.json.encode(value) + b"\n"
    if b"\x7f" in line or b"\xc2" in line:
        # Some terminals obey these; JSON escapes only those below a blank.
        return line.decode().translate(_CONTROLS).encode()
    return line
