"""Dead letters as lines for a person, and as JSON for other programs."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from rich.text import Text

from consumer.cli.common import console
from consumer.cli.plain import as_json, plain
from consumer.dead_letters import Letter
from consumer.domain.ledger import EventRow
from consumer.explaining import moment

#: The events of a letter and their ends; None: the ledger was not asked.
Ends = Mapping[str, EventRow | None] | None

_INDENT: Final = "      "


def print_line(letter: Letter, ends: Ends) -> None:
    """A letter in a list: where and why, then what it is about."""
    dead = letter.dead
    topic, partition, offset = dead.record.position
    head = f"{letter.name:<8} {moment(letter.at)}  {plain(dead.reason)}"
    console.print(Text(f"{head}  {plain(topic)} {partition}/{offset}"))
    for line in (f"key {_text(dead.record.key)}", *_events(letter, ends), plain(dead.error)):
        console.print(Text(f"{_INDENT}{line}", style="dim"))


def print_letter(letter: Letter, ends: Ends) -> None:
    """All of one letter."""
    for line in _lines(letter, ends):
        console.print(line)


def _lines(letter: Letter, ends: Ends) -> Iterator[Text]:
    dead, record = letter.dead, letter.dead.record
    yield Text(f"dead letter {letter.name}", style="bold")
    told = [
        ("written", f"{moment(letter.at)} UTC"),
        ("first seen", f"{moment(dead.first_seen)} UTC"),
        ("reason", plain(dead.reason)),
        ("error", plain(dead.error)),
        ("source", f"{plain(record.topic)}, partition {record.partition}, offset {record.offset}"),
        ("at", f"{moment(record.timestamp)} UTC"),
        ("key", _text(record.key)),
        *(("header", f"{plain(name)}: {_text(value)}") for name, value in record.headers),
        *(("", line) for line in _events(letter, ends)),
    ]
    for name, value in told:
        yield Text(f"  {name:<12}{value}")
    yield Text(f"  value, {len(record.value or b'')} bytes", style="bold")
    content = _content(record.value)
    yield Text(content if isinstance(content, str) else as_json(content))


def _events(letter: Letter, ends: Ends) -> Iterator[str]:
    if letter.redriven_at is not None:
        yield f"had been redriven at {moment(letter.redriven_at)}, and failed again"
    for id_, row in (ends or {}).items():
        if row is None:
            yield f"event {plain(id_)}: has not ended"
        else:
            closed = moment(row.closed_at * 1000)
            yield f"event {plain(id_)}: ended as {plain(row.outcome)}, {closed}"


def letter_data(letter: Letter, ends: Ends) -> dict[str, Any]:
    """The same for other programs. Bytes that are no text are escaped."""
    dead, record = letter.dead, letter.dead.record
    return {
        "position": letter.name,
        "at": letter.at,
        "first_seen": dead.first_seen,
        "reason": dead.reason,
        "error": dead.error,
        "source": record.position,
        "source_timestamp": record.timestamp,
        "key": None if record.key is None else escaped(record.key),
        "redriven_at": letter.redriven_at,
        "events": None if ends is None else [{"id": i, "ended": row} for i, row in ends.items()],
    }


def whole_data(letter: Letter, ends: Ends) -> dict[str, Any]:
    """With headers and value; a value that is JSON is given as such."""
    record = letter.dead.record
    return letter_data(letter, ends) | {
        "headers": [[name, escaped(value)] for name, value in record.headers],
        "value": _content(record.value),
    }


def escaped(value: bytes) -> str:
    """Bytes as text in which all that is not visible is written as in Python."""
    text = value.decode("utf-8", "backslashreplace")
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def _content(value: bytes | None) -> Any:
    """What a value says, if it is JSON; its text otherwise."""
    if value is None:
        return None
    try:
        content = msgspec.json.decode(value)
        as_json(content)
    except (ValueError, RecursionError):
        return escaped(value)
    return content


def _text(value: bytes | None) -> str:
    return "-" if value is None else plain(escaped(value))
