"""Every error of the reader becomes one line that says field and problem."""

from typing import Any

import msgspec
import pytest

from consumer.domain.reasons import Reason
from consumer.formats.problems import MAX_QUOTED, READ_ERRORS, as_invalid, quoted


@pytest.mark.parametrize(
    ("value", "wanted", "reason", "detail"),
    [
        (b"{", dict[str, Any], Reason.NOT_JSON, "message: Input data was truncated"),
        (b'"\xff"', str, Reason.NOT_JSON, "message: not UTF-8"),
        (b"[]", dict[str, Any], Reason.SCHEMA_MISMATCH, "message: Expected object, got array"),
        (b'{"a": [1, "x"]}', dict[str, list[int]], Reason.SCHEMA_MISMATCH, None),
        (b"[" * 100_000, Any, Reason.SCHEMA_MISMATCH, "message: nested too deeply"),
        (b"[1e400]", Any, Reason.SCHEMA_MISMATCH, "[0]: Number out of range"),
    ],
)
def test_errors_of_the_json_reader(
    value: bytes, wanted: Any, reason: Reason, detail: str | None
) -> None:
    with pytest.raises(READ_ERRORS) as caught:
        msgspec.json.decode(value, type=wanted)
    told = as_invalid(caught.value)
    assert told.reason is reason
    assert told.detail == (detail or "[...][1]: Expected int, got str")


@pytest.mark.parametrize("error", [OverflowError("too large"), ValueError("too\nlong")])
def test_errors_of_python_itself(error: Exception) -> None:
    told = as_invalid(error)
    assert told.reason is Reason.SCHEMA_MISMATCH
    assert told.detail == f"message: {str(error).replace(chr(10), ' ')}"


def test_a_quotation_is_short_and_printable() -> None:
    assert quoted("a\r\nb\x00\u2028" + "x" * 1000) == "a  b  " + "x" * (MAX_QUOTED - 6)
