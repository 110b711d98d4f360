"""Request body → form. Both encodings that Mailgun takes, plain or gzipped."""

import re
import zlib
from binascii import a2b_qp
from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from consumer.sandbox.mailgun.multipart import parse_multipart

MAX_BODY_BYTES = int(52.4 * 1024 * 1024)
"""Of the body after decompression. Mailgun's own figure, from its 413 text."""

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Upload(NamedTuple):
    """A part with a file name."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """Parameters and files in the order they came; every name may repeat."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)

    def first(self, name: str) -> str:
        """The first value, or an empty string."""
        values = self.fields.get(name)
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        return self.fields.get(name, [])

    def prefixed(self, prefix: str) -> Iterator[tuple[str, str]]:
        """(name without the prefix, value) of every field such as `h:…`."""
        for name, values in self.fields.items():
            if name.startswith(prefix):
                for value in values:
                    yield name[len(prefix) :], value


class BadBody(Exception):
    """The body cannot be read; the text is the one Mailgun answers with."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


_TOO_LARGE = "request size exceeds 52.4MiB limit"


async def read_body(chunks: AsyncIterable[bytes], limit: int = MAX_BODY_BYTES) -> bytes:
    """The whole body. An oversized one is read to its end but not kept, so that the
    client gets the answer instead of a broken pipe."""
    kept: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size <= limit:
            kept.append(chunk)
    if size > limit:
        raise BadBody(_TOO_LARGE, 413)
    return b"".join(kept)


def parse_form(body: bytes, content_type: str, content_encoding: str) -> Form:
    """Raises BadBody. A content type that is no form has no fields, as JSON bodies have none."""
    if content_encoding.lower() == "gzip":
        body = _gunzip(body)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(body, content_type)
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(body)
    return Form()


def _gunzip(body: bytes) -> bytes:
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = decoder.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise BadBody("unable to parse request: gzip: invalid header") from error
    if len(plain) > MAX_BODY_BYTES:
        raise BadBody(_TOO_LARGE, 413)
    if not decoder.eof:
        raise BadBody("unable to parse request: unexpected EOF")
    return plain


def _urlencoded(body: bytes) -> Form:
    if _BROKEN_ESCAPE.search(body):
        raise BadBody("unable to parse request: invalid URL escape")
    form = Form()
    for pair in body.replace(b"+", b" ").split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            form.fields.setdefault(_unquoted_name(name), []).append(_unquote(value))
    return form


def _unquote(text: bytes) -> str:
    """Percent-decoding by way of quoted-printable, which differs in the sign alone and is
    decoded in C: urllib's own loop costs a third of a whole send."""
    if b"%" in text:
        text = a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))
    return text.decode("utf-8", "replace")


_unquoted_name = lru_cache(4096)(_unquote)  # the same few names, call after call


def _multipart(body: bytes, content_type: str) -> Form:
    try:
        parts = parse_multipart(body, content_type)
    except EOFError as error:
        raise BadBody("unable to parse request: unexpected EOF") from error
    except ValueError as error:
        raise BadBody("malformed multipart/form-data request") from error
    form = Form()
    for part in parts:
        if part.filename:
            upload = Upload(part.filename, part.content_type, part.content)
            form.files.setdefault(part.name, []).append(upload)
        else:
            form.fields.setdefault(part.name, []).append(part.content.decode("utf-8", "replace"))
    return form
