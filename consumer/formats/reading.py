"""The one way from bytes to events, and the limits that hold before and after."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats.checks import MAX_DEPTH, check_depth, checked
from consumer.formats.mapping import Mappings
from consumer.formats.parts import Headers, LeftOut, Part, Wrapped
from consumer.formats.problems import READ_ERRORS, as_invalid, mismatch, within
from consumer.formats.registry import DEFAULTS, FORMATS, Format, recognised

#: One event as JSON, without its snapshots.
MAX_BYTES: Final = 65_536
#: Above this a message is refused unread: 1 MiB, what a Kafka broker takes by default.
PARSE_LIMIT_BYTES: Final = 1_048_576

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Decoded(NamedTuple):
    """The events of one message, and the format it was read as: inside an envelope, that one."""

    format: Format
    events: list[AlarmEvent]
    #: What is broken in it, beside events that are not.
    refused: InvalidMessage | None = None
    #: Where: places among the alarms of the message, from 0.
    broken: Sequence[int] = ()
    #: Alarms that the sender knew of and did not put in.
    left_out: int = 0


def detect(value: bytes, headers: Headers = ()) -> str:
    """The name of the format of `value`; raises InvalidMessage when it is none of ours."""
    try:
        return recognised(_body(value, PARSE_LIMIT_BYTES), headers).name
    except READ_ERRORS as error:
        raise as_invalid(error) from None  # the reader's own text may quote all of the message


def decode(
    value: bytes | None,
    headers: Headers = (),
    fixed: str | None = None,
    max_bytes: int = MAX_BYTES,
    mappings: Mappings = DEFAULTS,
) -> list[AlarmEvent]:
    """The events of one message, if nothing in it is broken; see `read`."""
    decoded = read(value, headers, fixed, max_bytes, mappings)
    if decoded.refused is not None:
        raise decoded.refused
    return decoded.events


def read(
    value: bytes | None,
    headers: Headers = (),
    fixed: str | None = None,
    max_bytes: int = MAX_BYTES,
    mappings: Mappings = DEFAULTS,
    parse_limit: int = PARSE_LIMIT_BYTES,
) -> Decoded:
    """The events of one message, checked, and its format: `fixed`, or else the detected one.

    Raises InvalidMessage and nothing else, whatever the bytes are, when there is no event that
    can be processed. An event that is larger than `max_bytes` gives up its snapshots before it is
    refused. `mappings` has all formats, and names none that does not exist. A message of more than
    `parse_limit` bytes is refused unread.
    """
    parse_limit = max(parse_limit, max_bytes)
    body = _body(value, parse_limit)
    try:
        chosen = FORMATS[fixed] if fixed else recognised(body, headers)
        contents = chosen.decode(body, headers, mappings[chosen.name])
        if not isinstance(contents, Wrapped):
            return _kept(chosen, contents, body, max_bytes)
        body = _body(contents.value, parse_limit)
        chosen = FORMATS[contents.format] if contents.format else recognised(body, ())
        contents = chosen.decode(body, (), mappings[chosen.name])
        if isinstance(contents, Wrapped):
            raise mismatch("message", "an envelope inside an envelope")
        return _kept(chosen, contents, body, max_bytes)
    except READ_ERRORS as error:
        raise as_invalid(error) from None  # the reader's own text may quote all of the message


def _kept(chosen: Format, parts: Sequence[Part], body: bytes, max_bytes: int) -> Decoded:
    """What can be processed of a message. One broken event does not take the others with it."""
    # Counting is quick and nearly always enough: so few brackets cannot nest deeply.
    may_be_deep = body.count(b"{") + body.count(b"[") > MAX_DEPTH
    may_be_large = len(body) > max_bytes
    events: list[AlarmEvent] = []
    refused: dict[int, InvalidMessage] = {}
    place = left_out = 0
    for part in parts:
        if isinstance(part, LeftOut):
            left_out += part.count
            continue
        if isinstance(part, InvalidMessage):
            refused[place] = part
        else:
            try:
                event = checked(part)
                if may_be_deep:
                    check_depth(event)
                events.append(_fitting(event, max_bytes) if may_be_large else event)
            except InvalidMessage as invalid:
                refused[place] = within(f"[{place}]", invalid) if len(parts) > 1 else invalid
        place += 1
    together = _together(list(refused.values())) if refused else None
    if together is not None and not events:
        raise together
    return Decoded(chosen, events, together, list(refused), left_out)


def _together(refused: Sequence[InvalidMessage]) -> InvalidMessage:
    """One word for all: the first, and how many there are."""
    first, more = refused[0], len(refused) - 1
    return InvalidMessage(first.reason, f"{first.detail} (and {more} more)") if more else first


def _body(value: bytes | None, limit: int) -> bytes:
    if value is None:
        raise InvalidMessage(Reason.EMPTY, "message: no value")
    if len(value) > limit:
        raise InvalidMessage(Reason.TOO_LARGE, f"message: {len(value)} bytes, at most {limit}")
    body = value.removeprefix(_BYTE_ORDER_MARK)
    if not body or body.isspace():
        raise InvalidMessage(Reason.EMPTY, "message: no content")
    return body


def _fitting(event: AlarmEvent, max_bytes: int) -> AlarmEvent:
    """The event, without its snapshots if that makes it small enough."""
    if len(msgspec.json.encode(event)) <= max_bytes:
        return event  # one of many in its message, or written with many blanks
    bare = msgspec.structs.replace(event, entity=None, check=None, alarm=None)
    size = len(msgspec.json.encode(bare))
    if size > max_bytes:
        detail = f"message: {size} bytes without snapshots, at most {max_bytes}"
        raise InvalidMessage(Reason.TOO_LARGE, detail)
    return bare
