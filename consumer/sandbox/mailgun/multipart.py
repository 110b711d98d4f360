"""multipart/form-data → parts, all in memory.

Starlette's own form parser spools parts to disk and limits a field to 1 MB; the
recipient-variables of a thousand recipients can be longer than that.
"""

from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


@dataclass(slots=True)
class Part:
    """One part; a file if it has a file name."""

    headers: dict[str, bytes] = field(default_factory=dict)
    content: bytes = b""
    name: str = ""
    filename: str = ""

    @property
    def content_type(self) -> str:
        value = self.headers.get("content-type", b"application/octet-stream")
        return value.decode("latin-1")


class _Collector:
    """The parser's callbacks: gathers parts as their pieces arrive."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._part = Part()
        self._name = bytearray()
        self._value = bytearray()
        self._content: list[bytes] = []

    def on_part_begin(self) -> None:
        self._part = Part()
        self._content = []

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._part.headers[self._name.decode("latin-1").lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def on_part_end(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get("content-disposition"))
        if b"name" not in options:
            raise ValueError("a part without a name")
        part.name = options[b"name"].decode("utf-8", "replace")
        part.filename = options.get(b"filename", b"").decode("utf-8", "replace")
        part.content = b"".join(self._content)
        self.parts.append(part)

    def on_end(self) -> None:
        self.ended = True


def parse_multipart(body: bytes, content_type: str) -> list[Part]:
    """Raises ValueError for a malformed body, EOFError for one that stops early."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise ValueError("no boundary")
    collector = _Collector()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": collector.on_part_begin,
            "on_header_field": collector.on_header_field,
            "on_header_value": collector.on_header_value,
            "on_header_end": collector.on_header_end,
            "on_part_data": collector.on_part_data,
            "on_part_end": collector.on_part_end,
            "on_end": collector.on_end,
        },
    )
    try:
        parser.write(body)
    except FormParserError as error:
        raise ValueError(str(error)) from error
    if not collector.ended:
        raise EOFError("no closing boundary")
    return collector.parts
