"""The head of an answer: an ordinary one is read with one expression, any other by http.client.

http.client hands each head to the parser for emails, which also unfolds lines, keeps what is
broken and looks into types. That took a quarter of a call's processor time. Here only what has
nothing of the kind is read: HTTP/1.1, all of it there in one piece, plain characters, one length,
no transfer encoding. The rest, and all that is broken or too large, goes the old way, with the
old limits and errors; not one byte of it is taken before.
"""

import re
from collections.abc import Sequence
from http.client import HTTPMessage, HTTPResponse
from typing import Any, Final

#: 1xx, 204 and 304 have rules of their own. http.client takes up to a hundred fields.
_ORDINARY: Final = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5]\d\d)(?: ([ -~]*))?\r\n((?:[A-Za-z0-9-]+:[ -~]*\r\n){1,50})\r\n"
)
_FIELD: Final = re.compile(r"([^:]+): *(.*)\r\n")
_LENGTH: Final = re.compile(r"[0-9]{1,9}")


class PlainHeaders(HTTPMessage):
    """Fields whose values are plain text: there is nothing to unfold, and nothing to sanitise."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._first: dict[str, str] = {}
        for name, value in fields:
            self.set_raw(name, value)
            self._first.setdefault(name.lower(), value)

    def get(self, name: str, failobj: Any = None) -> Any:
        return self._first.get(name.lower(), failobj)

    def items(self) -> list[tuple[str, str]]:
        return list(self.raw_items())


class QuickResponse(HTTPResponse):
    """http.client's own, but for the reading of an ordinary head."""

    # What http.client's `begin` sets; its stubs tell of a part only.
    code: int
    will_close: bool
    chunked: bool
    _check_close: Any

    def begin(self) -> None:
        """Read the head. What is not there yet is waited for, as by the first line of any."""
        head = _ORDINARY.match(self.fp.peek())
        fields = _FIELD.findall(head[3].decode("ascii")) if head else ()
        headers = PlainHeaders(fields)
        length = headers.get("content-length", "")
        if head is None or not _LENGTH.fullmatch(length) or _is_unusual(fields):
            super().begin()
            return
        self.fp.read(head.end())
        self.code = self.status = int(head[1])
        self.reason = (head[2] or b"").decode("ascii").strip()
        self.version = 11
        self.headers = self.msg = headers
        self.chunked = False
        self.length = int(length)
        self.will_close = self._check_close()


def _is_unusual(fields: Sequence[tuple[str, str]]) -> bool:
    """Two lengths, or a way of framing that is not a length."""
    names = [name.lower() for name, _ in fields]
    return names.count("content-length") != 1 or "transfer-encoding" in names
