"""All input formats, how one is recognised, and the one way from bytes to events."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from consumer.domain.alarm import AlarmEvent, Emits
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import alarm_state_event, markers, rackspace
from consumer.formats.checks import MAX_DEPTH, check_depth, checked
from consumer.formats.markers import Markers
from consumer.formats.problems import READ_ERRORS, as_invalid, quoted

Headers = Sequence[tuple[str, bytes]]

#: One event as JSON, without its snapshots.
MAX_BYTES: Final = 65_536
#: Above this a message is refused unread: 1 MiB, what a Kafka broker takes by default.
PARSE_LIMIT_BYTES: Final = 1_048_576

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Format(NamedTuple):
    """An input format. `decode` raises InvalidMessage, or what the JSON reader raises."""

    name: str
    decode: Callable[[bytes, Headers], list[AlarmEvent]]
    #: Whether its sources repeat a state while it lasts.
    emits: Emits
    matches: Callable[[Markers], bool]


class Decoded(NamedTuple):
    """The events of one message, and the format it was read as."""

    format: Format
    events: list[AlarmEvent]


#: In the order in which they are tried.
FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        module.NAME: Format(module.NAME, module.decode, module.EMITS, module.matches)
        for module in (alarm_state_event, rackspace)
    }
)


def detect(value: bytes, headers: Headers = ()) -> str:
    """The name of the format of `value`; raises InvalidMessage when it is none of ours."""
    try:
        return _detected(_body(value, PARSE_LIMIT_BYTES), headers).name
    except READ_ERRORS as error:
        raise as_invalid(error) from None  # the reader's own text may quote all of the message


def decode(
    value: bytes | None, headers: Headers = (), fixed: str | None = None, max_bytes: int = MAX_BYTES
) -> list[AlarmEvent]:
    """The events of one message; see `read`."""
    return read(value, headers, fixed, max_bytes).events


def read(
    value: bytes | None, headers: Headers = (), fixed: str | None = None, max_bytes: int = MAX_BYTES
) -> Decoded:
    """The events of one message, checked, and its format: `fixed`, or else the detected one.

    Raises InvalidMessage and nothing else, whatever the bytes are. An event that is larger than
    `max_bytes` gives up its snapshots before it is refused.
    """
    body = _body(value, max_bytes)
    try:
        chosen = FORMATS[fixed] if fixed else _detected(body, headers)
        events = [checked(event) for event in chosen.decode(body, headers)]
        # Counting is quick and nearly always enough: so few brackets cannot nest deeply.
        if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
            for event in events:
                check_depth(event)
        if len(body) > max_bytes:
            events = [_fitting(event, max_bytes) for event in events]
    except READ_ERRORS as error:
        raise as_invalid(error) from None  # the reader's own text may quote all of the message
    return Decoded(chosen, events)


def _body(value: bytes | None, max_bytes: int) -> bytes:
    limit = max(max_bytes, PARSE_LIMIT_BYTES)
    if value is None:
        raise InvalidMessage(Reason.EMPTY, "message: no value")
    if len(value) > limit:
        raise InvalidMessage(Reason.TOO_LARGE, f"message: {len(value)} bytes, at most {limit}")
    body = value.removeprefix(_BYTE_ORDER_MARK)
    if not body or body.isspace():
        raise InvalidMessage(Reason.EMPTY, "message: no content")
    return body


def _detected(body: bytes, headers: Headers) -> Format:  # noqa: ARG001 - envelopes are told by them
    found = markers.DECODER.decode(body)
    for known in FORMATS.values():
        if known.matches(found):
            return known
    if isinstance(found.schema, str):
        detail = f"schema: {quoted(found.schema)} is not known"
    else:
        there = ", ".join(found.names()) or "nothing"
        detail = f"message: has {there} of what formats are recognised by"
    raise InvalidMessage(Reason.UNKNOWN_FORMAT, detail)


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
