"""Untrusted text made harmless."""

from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.pipeline.mail.clean import block, header_line, header_value, one_line, token


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two  blanks\t\n and breaks \r\n", "two blanks and breaks"),
        ("a\u202eb\u200bc\u00add", "abcd"),
        ("family 👩‍👩‍👧", "family 👩‍👩‍👧"),
        ("می‌خواهم", "می‌خواهم"),
        ("\ud800", "\ufffd"),
        ("a\u00a0b", "a b"),
        (None, ""),
        (502, "502"),
        ("abcdefghij", "abcdefghij"),
        ("abcdefghijk", "abcdefghi…"),
        ("\u200b" * 60 + "far away", "…"),
    ],
)
def test_one_line(text: Any, line: str) -> None:
    assert one_line(text, 23 if len(line) > 10 else 10) == line


def test_block_keeps_lines_but_not_many() -> None:
    assert block("a\r\nb\rc\u2028d\te \n", 100, 10) == "a\nb\nc\nd e"
    assert block("1\n2\n3\n4", 100, 3) == "1\n2\n3…"
    assert block("a\n\n\n\n\nb", 100, 10) == "a\n\nb"
    assert block("x" * 50, 10, 3) == "x" * 9 + "…"
    assert block(None, 10, 3) == ""


def test_header_value_is_ascii_and_reads_the_same() -> None:
    assert header_value("enW3bSrv01") == "enW3bSrv01"
    value = header_value("Überwachung 🔥 " * 6)
    assert value.isascii()
    assert all(len(word) <= 75 for word in value.split())
    assert str(make_header(decode_header(value))) == one_line("Überwachung 🔥 " * 6, 100)


def test_header_line_does_not_let_readers_decode_words_of_others() -> None:
    assert header_line("=?utf-8?q?=0D=0A?=", 100) == "= ?utf-8?q?=0D=0A?="


def test_token_is_a_plain_word() -> None:
    assert token("remote.http", 128) == "remote.http"
    assert token("Größe / Maß!", 128) == "gr-e-ma"
    assert token(None, 128) == ""
    assert token("🔥", 128) == ""


@given(text=st.text(), limit=st.integers(1, 50))
def test_one_line_is_one_bounded_line_and_stays_so(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert one_line(line, limit) == line
