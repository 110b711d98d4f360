"""A head that is read at a glance means what http.client makes of it; any other is http.client's.

What is held against it is http.client's own class, on the same bytes.
"""

import http.client
import io
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.mailgun.head import PlainHeaders, QuickResponse


class _Socket:
    def __init__(self, data: bytes, piece: int) -> None:
        self._data = data
        self._piece = piece

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Pieces(self._data, self._piece))


class _Pieces(io.RawIOBase):
    """Comes in pieces, as from a network."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._data = io.BytesIO(data)
        self._piece = piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._data.read(min(self._piece, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


def read(kind: type[http.client.HTTPResponse], data: bytes, piece: int = 65_536) -> Any:
    """All that is known of an answer, or the error."""
    response = kind(cast(Any, _Socket(data, piece)), method="POST")
    try:
        response.begin()
        told = {
            name: getattr(response, name)
            for name in ("status", "code", "reason", "version", "length", "will_close", "chunked")
        }
        fields = response.headers.items()
        named = {name: response.headers.get(name.upper()) for name, _ in fields}
        return told, fields, named, _defects(response.headers), response.read()
    except http.client.HTTPException as error:
        return type(error), str(error)


def _defects(headers: http.client.HTTPMessage) -> list[str]:
    """But for a body that is missing: it is not part of the head, and urllib3 leaves these out."""
    names = [type(defect).__name__ for defect in headers.defects]
    body = ("StartBoundaryNotFoundDefect", "MultipartInvariantViolationDefect")
    return [name for name in names if name not in body]


def at_a_glance(data: bytes) -> bool:
    response = QuickResponse(cast(Any, _Socket(data, 65_536)), method="POST")
    response.begin()
    return isinstance(response.headers, PlainHeaders)


ORDINARY = {
    "mailgun": b"HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 19:02:30 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\n"
    b"Server: envoy\r\nX-Empty:\r\nx-no-space:a:b\r\nX-Trailing:  a b  \r\n\r\n{}",
    "closing": b"HTTP/1.1 429 Slow down\r\nconnection: Close\r\ncontent-length: 2\r\n\r\n{}",
    "no reason": b"HTTP/1.1 500\r\ncontent-length: 0\r\n\r\n",
    "two of a name": b"HTTP/1.1 400 x\r\nA: 1\r\na: 2\r\ncontent-length: 2\r\n\r\n{}",
    "more than the body": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1",
    "multipart": b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary=x\r\n"
    b"content-length: 2\r\n\r\n{}",
}
_LENGTH = b"content-length: 2\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
OTHER = {
    "nothing": b"",
    "half a head": _OK + b"content-le",
    "half a line": _OK + _LENGTH,
    "no length": _OK + b"\r\n{}",
    "chunked": _OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked, with a length": _OK
    + _LENGTH
    + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two lengths": _OK + _LENGTH + b"Content-Length: 1\r\n\r\n{}",
    "a signed length": _OK + b"content-length: +2\r\n\r\n{}",
    "a negative length": _OK + b"content-length: -2\r\n\r\n{}",
    "a length that is none": _OK + b"content-length: two\r\n\r\n{}",
    "a length with a space behind": _OK + b"content-length: 2 \r\n\r\n{}",
    "folded": _OK + _LENGTH + b"X-A: one\r\n two\r\n\tthree\r\n\r\n{}",
    "a tab": _OK + _LENGTH + b"X-A:\tone\r\n\r\n{}",
    "no carriage return": b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
    "a carriage return in a value": _OK + _LENGTH + b"X-A: a\rb\r\n\r\n{}",
    "a null": _OK + _LENGTH + b"X-A: a\x00b\r\n\r\n{}",
    "other alphabets": _OK + _LENGTH + "X-A: h\u00f6he\r\n\r\n{}".encode(),
    "a line without a colon": _OK + b"garbage\r\n" + _LENGTH + b"\r\n{}",
    "a name with a space": _OK + b"X A: 1\r\n" + _LENGTH + b"\r\n{}",
    "no name": _OK + b": 1\r\n" + _LENGTH + b"\r\n{}",
    "another version": b"HTTP/1.0 200 OK\r\n" + _LENGTH + b"\r\n{}",
    "an unknown version": b"HTTP/2 200 OK\r\n" + _LENGTH + b"\r\n{}",
    "no body by its status": b"HTTP/1.1 204 No Content\r\n" + _LENGTH + b"\r\n",
    "continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + _OK + _LENGTH + b"\r\n{}",
    "a status of one digit": b"HTTP/1.1 2 OK\r\n" + _LENGTH + b"\r\n{}",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n" + _LENGTH + b"\r\n{}",
    "a status that is no number": b"HTTP/1.1 OK OK\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "a line too long": _OK + b"X-A: " + b"a" * 70_000 + b"\r\n" + _LENGTH + b"\r\n{}",
    "a status line too long": b"HTTP/1.1 200 " + b"a" * 70_000 + b"\r\n\r\n",
    "many fields": _OK + b"X-A: 1\r\n" * 80 + _LENGTH + b"\r\n{}",
    "too many fields": _OK + b"X-A: 1\r\n" * 200 + _LENGTH + b"\r\n{}",
}


@pytest.mark.parametrize("data", ORDINARY.values(), ids=ORDINARY.keys())
def test_an_ordinary_head_is_read_at_a_glance_and_means_the_same(data: bytes) -> None:
    assert at_a_glance(data)
    assert read(QuickResponse, data) == read(http.client.HTTPResponse, data)


@pytest.mark.parametrize("piece", [65_536, 7])
@pytest.mark.parametrize("data", OTHER.values(), ids=OTHER.keys())
def test_any_other_is_read_or_refused_by_http_client(data: bytes, piece: int) -> None:
    expected = read(http.client.HTTPResponse, data, piece)
    assert read(QuickResponse, data, piece) == expected
    assert isinstance(expected[0], type) or not at_a_glance(data)


@pytest.mark.parametrize("data", ORDINARY.values(), ids=ORDINARY.keys())
def test_a_head_that_comes_in_pieces_means_the_same(data: bytes) -> None:
    assert read(QuickResponse, data, 7) == read(http.client.HTTPResponse, data, 7)


_PIECES = [
    *(b"HTTP/1.1 ", b"200", b"404", b"100", b" OK", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"a"),
    *(b"Content-Length: ", b"2", b"Transfer-Encoding: chunked", b"Connection: close", b"\xff"),
    *(b"X-A: b\r\n", b"content-length: 2\r\n", b"\r\n\r\n", b"{}", b"HTTP/1.1 200 OK\r\n"),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12), st.booleans())
def test_whatever_comes_means_the_same(pieces: list[bytes], begins_well: bool) -> None:
    data = (_OK if begins_well else b"") + b"".join(pieces)
    assert read(QuickResponse, data) == read(http.client.HTTPResponse, data)
