"""Reading loosely written values: strict first, because that is fast, and mended if need be."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from consumer.domain.converting import convert
from consumer.formats.problems import mismatch

T = TypeVar("T")

#: A mender takes the parsed object and gives one that fits the format where it can.
Mend = Callable[[dict[str, Any]], dict[str, Any]]

_MILLISECONDS: Final = re.compile(r"([0-9]{1,15})(?:\.[0-9]{1,9})?")


def typed(value: bytes, decoder: msgspec.json.Decoder[T], mend: Mend) -> T:
    """`value` as the decoder's type; what does not fit at once is mended and tried once more."""
    try:
        return decoder.decode(value)
    except msgspec.ValidationError:
        raw = msgspec.json.decode(value)
    if not isinstance(raw, dict):
        raise mismatch("message", "expected an object")
    return convert(mend(raw), decoder.type)


def to_milliseconds(value: object) -> object:
    """A float or a numeric string as whole milliseconds; anything else as it came."""
    if isinstance(value, float):
        return int(value)
    if isinstance(value, str) and (number := _MILLISECONDS.fullmatch(value.strip())):
        return int(number[1])
    return value


def text_or_none(value: object) -> str | None:
    """Text as it is, a whole number as its digits, anything else as unknown."""
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None


def object_or_none(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def without_nulls(raw: dict[str, Any]) -> dict[str, Any]:
    """Null means the same as absent."""
    return {name: value for name, value in raw.items() if value is not None}
