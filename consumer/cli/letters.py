"""Dead letters as lines for a person, and as JSON for other programs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.text import Text

from consumer.cli.common import console
from consumer.cli.plain import as_json, plain
from consumer.dead_letters import Letter, Standing, State, named
from consumer.domain.ledger import EventRow
from consumer.domain.record import Undelivered
from consumer.explaining import moment

_INDENT: Final = "      "
#: Told one by one.
_MOST_EVENTS: Final = 5


def print_line(letter: Letter, standing: Standing) -> None:
    """A letter in a list: where, how it stands and why, then what it is about."""
    dead = letter.dead
    topic, partition, offset = dead.record.position
    head = f"{letter.name:<8} {moment(letter.at)}  {standing.state:<8}  {plain(dead.reason)}"
    console.print(Text(f"{head}  {plain(topic)} {partition}/{offset}"))
    told = [f"key {_text(dead.record.key)}", *_story(letter, standing)]
    if dead.undelivered:
        told.append("for " + ", ".join(plain(each.name) for each in dead.undelivered))
    for line in (*told, plain(dead.error)):
        console.print(Text(f"{_INDENT}{line}", style="dim"))


def standing_text(standing: Standing) -> str:
    """When, or by what: to be put behind the words for how a letter stands."""
    if standing.replaced_by is not None:
        return f": {named(standing.replaced_by)}"
    if standing.state is State.REDRIVEN and standing.redriven_at is not None:
        return f" at {moment(standing.redriven_at)}, not ended yet"
    rows = [row for row in (standing.events or {}).values() if row is not None]
    if not (rows and standing.is_settled):
        return ""
    if standing.untold:
        closed = moment(rows[0].closed_at * 1000)
        return f": {_names(standing.untold)} not told, its event ended at {closed}"
    return f": {plain(rows[0].outcome)} at {moment(rows[0].closed_at * 1000)}"


def print_letter(letter: Letter, standing: Standing) -> None:
    """All of one letter."""
    for line in _lines(letter, standing):
        console.print(line)


def _lines(letter: Letter, standing: Standing) -> Iterator[Text]:
    dead, record = letter.dead, letter.dead.record
    yield Text(f"dead letter {letter.name}", style="bold")
    told = [
        ("written", f"{moment(letter.at)} UTC"),
        ("first seen", f"{moment(dead.first_seen)} UTC"),
        ("stands", standing.state),
        ("reason", plain(dead.reason)),
        ("error", plain(dead.error)),
        ("source", f"{plain(record.topic)}, partition {record.partition}, offset {record.offset}"),
        ("at", f"{moment(record.timestamp)} UTC"),
        ("key", _text(record.key)),
        *(("header", f"{plain(name)}: {_text(value)}") for name, value in record.headers),
        *(("for", plain(_whom(to))) for to in dead.undelivered),
        *(("", line) for line in _story(letter, standing)),
    ]
    for name, value in told:
        yield Text(f"  {name:<12}{value}")
    yield Text(f"  value, {len(record.value or b'')} bytes", style="bold")
    content = _content(record.value)
    yield Text(content if isinstance(content, str) else as_json(content))


def _whom(to: Undelivered) -> str:
    return ", ".join(filter(None, (to.destination, to.uid or to.target_id)))


def _names(untold: Sequence[str]) -> str:
    return ", ".join(map(plain, untold))


def _story(letter: Letter, standing: Standing) -> Iterator[str]:
    if letter.redriven_at is not None:
        yield f"had been redriven at {moment(letter.redriven_at)}, and failed again"
    if standing.redriven_at is not None:
        yield f"redriven at {moment(standing.redriven_at)}"
    if standing.replaced_by is not None:
        yield f"replaced by {named(standing.replaced_by)}, a later letter of the same record"
    yield from _ends(standing.events or {})
    if standing.untold:
        yield f"not told since: {_names(standing.untold)}"


def _ends(events: Mapping[str, EventRow | None]) -> Iterator[str]:
    """Event by event, or counted: a message may have thousands, and what is told below this is
    why it is a dead letter."""
    if len(events) > _MOST_EVENTS:
        words = Counter("not ended" if row is None else row.outcome for row in events.values())
        counts = ", ".join(f"{count} {plain(word)}" for word, count in words.most_common())
        yield f"{len(events)} events: {counts}"
        return
    for id_, row in events.items():
        if row is None:
            yield f"event {plain(id_)}: has not ended"
        else:
            closed = moment(row.closed_at * 1000)
            yield f"event {plain(id_)}: ended as {plain(row.outcome)}, {closed}"


def letter_data(letter: Letter, standing: Standing) -> dict[str, Any]:
    """The same for other programs. Bytes that are no text are escaped."""
    dead, record, later = letter.dead, letter.dead.record, standing.replaced_by
    ends = standing.events
    return {
        "position": letter.name,
        "state": standing.state,
        "at": letter.at,
        "first_seen": dead.first_seen,
        "reason": dead.reason,
        "error": dead.error,
        "source": record.position,
        "source_timestamp": record.timestamp,
        "key": None if record.key is None else escaped(record.key),
        "undelivered": dead.undelivered,
        "redriven_at": letter.redriven_at,
        "redriven_since": standing.redriven_at,
        "untold": standing.untold,
        "replaced_by": None if later is None else named(later),
        "events": None if ends is None else [{"id": i, "ended": row} for i, row in ends.items()],
    }


def whole_data(letter: Letter, standing: Standing) -> dict[str, Any]:
    """With headers and value; a value that is JSON is given as such."""
    record = letter.dead.record
    return letter_data(letter, standing) | {
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
