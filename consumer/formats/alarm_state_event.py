"""Our own format: `schemas/alarm-state-event.v1.json`.

Unknown fields are ignored, so a later minor version can be read. Times may come as floats or
numeric strings, null stands for an optional field that is absent.
"""

import re
from typing import Any, Final

import msgspec

from consumer.domain.alarm import EVENT_SCHEMA, AlarmEvent, Emits
from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats.mapping import FormatMapping
from consumer.formats.markers import Markers
from consumer.formats.mending import to_milliseconds, typed, without_nulls
from consumer.formats.parts import Headers
from consumer.formats.problems import quoted

NAME: Final = "alarm-state-event"
EMITS: Final = Emits.CHANGES
#: Nothing to choose: these are our own words.
MAPPING: Final = FormatMapping()

_DECODER: Final = msgspec.json.Decoder(AlarmEvent)
_READABLE: Final = re.compile(r"alarm-state-event/1(\.[0-9]+)?")


def matches(markers: Markers) -> bool:
    return isinstance(markers.schema, str) and markers.schema.startswith(f"{NAME}/")


def decode(value: bytes, headers: Headers, mapping: FormatMapping) -> list[AlarmEvent]:  # noqa: ARG001 - the signature of all formats
    event = typed(value, _DECODER, _mend)
    if event.schema == EVENT_SCHEMA:
        return [event]
    _require_readable(event.schema)
    return [msgspec.structs.replace(event, schema=EVENT_SCHEMA)]


def _require_readable(schema: str) -> None:
    if not _READABLE.fullmatch(schema):
        raise InvalidMessage(Reason.UNKNOWN_VERSION, f"schema: {quoted(schema)} is not readable")


def _mend(raw: dict[str, Any]) -> dict[str, Any]:
    # A later major version may fail on any field; the version is what is wrong with it.
    if isinstance(raw.get("schema"), str):
        _require_readable(raw["schema"])
    mended = without_nulls(raw)
    for name in ("timestamp", "produced_at"):
        if name in mended:
            mended[name] = to_milliseconds(mended[name])
    if isinstance(seen := mended.get("observations"), list):
        mended["observations"] = [_mended_observation(one) for one in seen]
    return mended


def _mended_observation(seen: object) -> object:
    if isinstance(seen, dict) and "timestamp" in seen:
        return seen | {"timestamp": to_milliseconds(seen["timestamp"])}
    return seen
