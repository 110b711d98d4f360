"""What is wrong with a message, in one line: which field, and what about it.

A line may end up in a log, a header or a tracking record, so it never holds control characters
and never more than `MAX_QUOTED` characters of the message itself.
"""

import re
from typing import Final

import msgspec

from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason

MAX_QUOTED: Final = 200

#: All that reading a hostile message can raise. OverflowError and UnicodeDecodeError come from
#: numbers and bytes that only Python refuses, RecursionError from nesting.
READ_ERRORS: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)

_MISSING: Final = re.compile(r"Object missing required field `(.+)`")


def quoted(text: object) -> str:
    """At most `MAX_QUOTED` characters of `text`, all of them printable."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:MAX_QUOTED])


def mismatch(field: str, problem: str) -> InvalidMessage:
    """The message is readable, and `field` is not what the format asks for."""
    return InvalidMessage(Reason.SCHEMA_MISMATCH, f"{field}: {quoted(problem)}")


def within(place: str, invalid: InvalidMessage) -> InvalidMessage:
    """The same problem, of a part of a message."""
    detail = invalid.detail.removeprefix("message: ")
    between = ": " if detail != invalid.detail else "."
    return InvalidMessage(invalid.reason, f"{place}{between}{detail}")


def as_invalid(error: Exception) -> InvalidMessage:
    """One of `READ_ERRORS` in our words."""
    if isinstance(error, msgspec.ValidationError):
        return _misfit(str(error))
    if isinstance(error, RecursionError):
        return mismatch("message", "nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return InvalidMessage(Reason.NOT_JSON, "message: not UTF-8")
    if isinstance(error, msgspec.MsgspecError):
        return InvalidMessage(Reason.NOT_JSON, f"message: {quoted(error)}")
    return mismatch("message", str(error))


def _misfit(text: str) -> InvalidMessage:
    """The reader says the problem, then ` - at `, then the place; we name the place first."""
    head, _, place = text.rpartition(" - at `")
    field = place.removeprefix("key in ").strip("`$.") if head else ""
    problem = head or text
    if missing := _MISSING.fullmatch(problem):
        return mismatch(f"{field}.{missing[1]}".lstrip("."), "missing")
    return mismatch(field or "message", problem[:MAX_QUOTED].replace("`", ""))
