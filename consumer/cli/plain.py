"""What others wrote, made harmless for a terminal: events, catalogs and providers are strangers."""

import json
from typing import Any, Final

import msgspec

from consumer.pipeline.mail.clean import block, one_line

#: Characters of one value in a line for people.
_LINE: Final = 500
#: Of a mail's text: above what a template may write.
_TEXT: Final = 250_000
_LINES: Final = 20_000

#: JSON escapes the controls below a blank by itself; some terminals obey these as well.
_CONTROLS: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def plain(text: object, limit: int = _LINE) -> str:
    """`text` as one visible line: no control sequences, no direction overrides."""
    return one_line(text, limit)


def plain_text(text: str) -> str:
    """The same for a text of several lines."""
    return block(text, _TEXT, _LINES)


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """`value` as JSON that a terminal only shows, whatever is in its strings."""
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=indent)
    return text.translate(_CONTROLS)


def print_data(value: Any) -> None:
    """One JSON document on stdout, for other programs."""
    print(as_json(value))  # noqa: T201  # data for other programs
