"""Bodies in both encodings, whole, broken, gzipped, too large."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from requests import Request

from consumer.sandbox.mailgun.form import BadBody, Upload, parse_form, read_body

URLENCODED = "application/x-www-form-urlencoded"


def multipart(**fields: Any) -> tuple[bytes, str]:
    prepared = Request("POST", "http://localhost", **fields).prepare()
    assert isinstance(prepared.body, bytes)
    return prepared.body, str(prepared.headers["content-type"])


@pytest.mark.parametrize("value", ["plain", "a b+c", "a=b&c%d", "Grüße ✓", "=3D\r\n=\t_", ""])
def test_urlencoded_values_come_out_as_they_went_in(value: str) -> None:
    body = urlencode([("to", value), ("o:tag", "x"), ("to", "second")]).encode()

    form = parse_form(body, f"{URLENCODED}; charset=utf-8", "")

    assert form.fields == {"to": [value, "second"], "o:tag": ["x"]}


def test_multipart_fields_repeat_and_files_keep_name_and_type() -> None:
    body, content_type = multipart(
        data={"to": ["a", "Grüße"]},
        files={"attachment": ("a b.txt", b"\x00\xff", "text/plain")},
    )

    form = parse_form(body, content_type, "")

    assert form.fields == {"to": ["a", "Grüße"]}
    assert form.files == {"attachment": [Upload("a b.txt", "text/plain", b"\x00\xff")]}


def test_gzip_is_unpacked() -> None:
    assert parse_form(gzip.compress(b"to=a", mtime=0), URLENCODED, "gzip").fields == {"to": ["a"]}


def test_json_is_no_form() -> None:
    assert parse_form(b'{"to": "a"}', "application/json", "").fields == {}


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "text"),
    [
        (b"to=%zz", URLENCODED, "", "unable to parse request: invalid URL escape"),
        (b"to=%4", URLENCODED, "", "unable to parse request: invalid URL escape"),
        (b"--b\r\n", "multipart/form-data", "", "malformed multipart/form-data request"),
        (b"x", "multipart/form-data; boundary=b", "", "malformed multipart/form-data request"),
        (
            b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\na',
            "multipart/form-data; boundary=b",
            "",
            "unable to parse request: unexpected EOF",
        ),
        (
            b"--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
            "",
            "malformed multipart/form-data request",
        ),
        (
            gzip.compress(b"to=a", mtime=0)[:-9],
            URLENCODED,
            "gzip",
            "unable to parse request: unexpected EOF",
        ),
        (b"to=a", URLENCODED, "gzip", "unable to parse request: gzip: invalid header"),
    ],
)
def test_a_broken_body_says_what_is_broken(
    body: bytes, content_type: str, encoding: str, text: str
) -> None:
    with pytest.raises(BadBody) as caught:
        parse_form(body, content_type, encoding)

    assert (str(caught.value), caught.value.status) == (text, 400)


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(BadBody, match=r"request size exceeds 52\.4MiB limit") as caught:
        parse_form(gzip.compress(bytes(60 * 1024 * 1024), 1), URLENCODED, "gzip")

    assert caught.value.status == 413


def test_an_oversized_body_is_read_to_its_end() -> None:
    chunks = [b"123", b"456", b"789"]

    async def body() -> AsyncIterator[bytes]:
        while chunks:
            yield chunks.pop(0)

    with pytest.raises(BadBody) as caught:
        asyncio.run(read_body(body(), limit=5))

    assert caught.value.status == 413
    assert not chunks
