"""CloudEvents 1.0: an envelope, with a message of another format inside.

In Kafka's structured mode the whole is one JSON object; in its binary mode the value is what is
inside, and the envelope lies in headers that begin with `ce_`. What is inside is told by the
mapping's `types`, or else detected.
"""

import base64
import binascii
import re
import uuid
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from consumer.domain.alarm import Emits
from consumer.domain.errors import InvalidMessage
from consumer.domain.identity import NS_EVENT
from consumer.domain.reasons import Reason
from consumer.formats import alarm_state_event
from consumer.formats.mapping import FormatMapping
from consumer.formats.markers import Markers
from consumer.formats.parts import Headers, Wrapped
from consumer.formats.problems import mismatch, quoted
from consumer.formats.times import written_time

NAME: Final = "cloudevents"
#: What its contents say counts.
EMITS: Final = Emits.CHANGES
MAPPING: Final = FormatMapping(types={})

_PREFIX: Final = "ce_"
_JSON: Final = re.compile(r"(application|text)/([\w.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw | UnsetType = UNSET
    data_base64: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Envelope)


def matches(markers: Markers) -> bool:
    return markers.schema is UNSET and markers.specversion is not UNSET


def is_binary(headers: Headers) -> bool:
    """Whether the envelope lies in the headers."""
    return any(name == "ce_specversion" for name, _ in headers)


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> Wrapped:
    """What is inside. Raises InvalidMessage."""
    if is_binary(headers):
        envelope, data = _from_headers(headers), value
    else:
        envelope = _DECODER.decode(value)
        data = _data(envelope)
    if not envelope.specversion.startswith("1."):
        version = quoted(envelope.specversion)
        raise InvalidMessage(Reason.UNKNOWN_VERSION, f"specversion: {version} is not readable")
    if envelope.datacontenttype and not _JSON.fullmatch(envelope.datacontenttype.strip()):
        raise mismatch("datacontenttype", f"{quoted(envelope.datacontenttype)} is no JSON")
    return Wrapped(_completed(data, envelope), (mapping.types or {}).get(envelope.type))


def _from_headers(headers: Headers) -> _Envelope:
    found = {
        name.removeprefix(_PREFIX): value.decode()
        for name, value in headers
        if name.startswith(_PREFIX)
    }
    for name in ("id", "source", "type"):
        if name not in found:
            raise mismatch(f"{_PREFIX}{name}", "missing among the headers")
    content_type = next((value for name, value in headers if name.lower() == "content-type"), b"")
    return _Envelope(
        specversion=found["specversion"],
        id=found["id"],
        source=found["source"],
        type=found["type"],
        time=found.get("time"),
        datacontenttype=content_type.decode() or None,
    )


def _data(envelope: _Envelope) -> bytes:
    if envelope.data_base64 is not None:
        try:
            return base64.b64decode(envelope.data_base64, validate=True)
        except binascii.Error:
            raise mismatch("data_base64", "is no base64") from None
    data = b"" if envelope.data is UNSET else bytes(envelope.data)
    if data.startswith(b'"'):
        # JSON that was put in as a text.
        data = msgspec.json.decode(data, type=str).encode()
    if data in (b"", b"null"):
        raise InvalidMessage(Reason.EMPTY, "data: nothing inside")
    return data


def _completed(data: bytes, envelope: _Envelope) -> bytes:
    """An event of ours may leave to the envelope what that says already: id, source and time."""
    found = _LACKING.decode(data)
    if not isinstance(found.schema, str) or not found.schema.startswith(alarm_state_event.NAME):
        return data
    if found.id is not UNSET and found.source is not UNSET and found.timestamp is not UNSET:
        return data
    said: dict[str, Any] = {
        "id": str(uuid.uuid5(NS_EVENT, f"{envelope.source}|{envelope.id}")),
        "source": envelope.source,
        "timestamp": written_time(envelope.time),
    }
    known = {name: value for name, value in said.items() if value is not None}
    return msgspec.json.encode(known | msgspec.json.decode(data))


class _Lacking(msgspec.Struct, frozen=True):
    schema: Any = None
    id: msgspec.Raw | UnsetType = UNSET
    source: msgspec.Raw | UnsetType = UNSET
    timestamp: msgspec.Raw | UnsetType = UNSET


_LACKING: Final = msgspec.json.Decoder(_Lacking)
