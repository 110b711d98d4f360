"""What is in a body: events that can be written, and one line for each thing that cannot.

A webhook is one message of its format, with many alerts in it. Our own events come alone, as a
list, or one on a line; they are told apart by how the body begins.

Whoever sends events is told what is broken, and mends it. A webhook's sender has not written what
it sends, and Alertmanager takes a refusal for all of it: of an alert that ends before its beginning
was taken, it does not tell the end either. So a webhook with a broken alert is taken: good alerts
as events, and beside them the message with its broken alerts alone, which becomes a dead letter.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import Mappings, detect, read, salvage

#: Events in one request: what is refused is told one by one, and has to have an end.
MOST_EVENTS: Final = 10_000
#: Lines that are told; the rest is counted.
_TOLD: Final = 3

_OWN: Final = "alarm-state-event"
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ONE: Final = msgspec.json.Decoder(msgspec.Raw)
_WEBHOOK: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Door(StrEnum):
    """What comes in where; the value is the last part of the path."""

    EVENTS = "events"
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What one request brought."""

    events: Sequence[AlarmEvent] = ()
    #: For each thing that is broken: which, and why.
    refused: Sequence[str] = ()
    #: The message without what is in `events`, where what is broken in it has to be kept.
    rest: bytes | None = None
    #: Alerts that the sender knew of and did not put in.
    left_out: int = 0


#: The format that each takes.
_FORMATS: Final = {Door.EVENTS: _OWN, Door.ALERTMANAGER: "alertmanager", Door.GRAFANA: "grafana"}


def contents(door: Door, body: bytes, mappings: Mappings) -> Contents:
    """All that is in the body; raises nothing."""
    found = _own(body, mappings) if door is Door.EVENTS else _webhook(door, body, mappings)
    if found.events or not found.refused:
        return found
    refused = [*found.refused[:-1], found.refused[-1] + _belongs(door, body)]
    return msgspec.structs.replace(found, refused=refused)


def _belongs(door: Door, body: bytes) -> str:
    """A hint for whoever set up the sender with the wrong path; "" where it is none of ours."""
    try:
        name = detect(body)
    except InvalidMessage:
        return ""
    other = next((other for other, taken in _FORMATS.items() if taken == name), door)
    return "" if other is door else f"; by its looks it is {name}, which goes to /{other}"


def _webhook(door: Door, body: bytes, mappings: Mappings) -> Contents:
    try:
        # The door has measured it.
        decoded = read(body, (), _FORMATS[door], mappings=mappings, parse_limit=len(body))
    except InvalidMessage as invalid:
        return Contents(refused=[invalid.detail])
    broken = decoded.refused
    return Contents(
        events=decoded.events,
        refused=[] if broken is None else [broken.detail],
        rest=None if broken is None else _without_good(body, decoded.broken),
        left_out=decoded.left_out,
    )


def _without_good(body: bytes, broken: Sequence[int]) -> bytes:
    """A webhook that was read, with these of its alerts alone."""
    message = _WEBHOOK.decode(body.removeprefix(_BYTE_ORDER_MARK))
    alerts = _LIST.decode(message["alerts"])
    return msgspec.json.encode(message | {"alerts": [alerts[place] for place in broken]})


def told(refused: Sequence[str]) -> str:
    """One line for a person."""
    more = len(refused) - _TOLD
    return "; ".join(refused[:_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _own(body: bytes, mappings: Mappings) -> Contents:
    events: list[AlarmEvent] = []
    refused: list[str] = []
    try:
        parts = _parts(body.removeprefix(_BYTE_ORDER_MARK))
    except InvalidMessage as invalid:
        return Contents(refused=[invalid.detail])
    for place, part in parts:
        try:
            events += read(part, (), _OWN, mappings=mappings).events
        except InvalidMessage as invalid:
            refused.append(f"{place}{_named(part)}: {invalid.detail}")
    return Contents(events=events, refused=refused)


def _parts(body: bytes) -> list[tuple[str, bytes]]:
    """Each event and where it stands; raises InvalidMessage."""
    if body.lstrip().startswith(b"["):
        found = [(f"event {number}", bytes(raw)) for number, raw in enumerate(_list(body), 1)]
    elif _is_one(body):
        found = [("event", body)]
    else:
        found = list(_lines(body))
    if len(found) > MOST_EVENTS:
        many = f"message: {len(found)} events, at most {MOST_EVENTS}"
        raise InvalidMessage(Reason.TOO_LARGE, many)
    if not found:
        raise InvalidMessage(Reason.EMPTY, "message: no content")
    return found


def _list(body: bytes) -> list[msgspec.Raw]:
    try:
        return _LIST.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise InvalidMessage(Reason.NOT_JSON, "message: begins as a list and is not JSON") from None


def _is_one(body: bytes) -> bool:
    """One value, on one line or written over many."""
    if b"\n" not in body.strip():
        return bool(body.strip())
    try:
        _ONE.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def _lines(body: bytes) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(body.split(b"\n"), start=1):
        if line.strip():
            yield f"line {number}", line


def _named(part: bytes) -> str:
    """The event's id, if it can be read."""
    found = salvage(part).id
    return "" if found is None else f" ({found})"
