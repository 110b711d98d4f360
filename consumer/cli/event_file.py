"""One event from a file that holds it alone, or many, one a line."""

from codecs import BOM_UTF8
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from consumer.formats.reading import PARSE_LIMIT_BYTES


class BadEventFile(Exception):
    """There is nothing to read; the text says what to do."""


def read_event(source: Path | BinaryIO, line: int | None = None) -> bytes:
    """The event's bytes: the given line, or the whole, or the first line of NDJSON.

    Raises BadEventFile when the file or the line is not there.
    """
    if not isinstance(source, Path):
        return _read(source, line)
    try:
        with source.open("rb") as file:
            return _read(file, line)
    except FileNotFoundError:
        raise BadEventFile("no such file; give a file with one event as JSON") from None
    except OSError as error:
        raise BadEventFile(f"cannot be read: {error.strerror}") from None


def _read(file: BinaryIO, line: int | None) -> bytes:
    if line is not None:
        found = next(islice(file, line - 1, line), None)
        if found is None:
            raise BadEventFile(f"has no line {line}")
        return found
    # One byte more than can be an event: that it is too large is for the format to say.
    whole = file.read(PARSE_LIMIT_BYTES + 1).removeprefix(BOM_UTF8)
    first = next((each for each in whole.splitlines(keepends=True) if each.strip()), b"")
    return whole if _is_json(whole) or not _is_json(first) else first


def _is_json(value: bytes) -> bool:
    try:
        msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return False
    return True
