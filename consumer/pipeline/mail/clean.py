"""Text from outside, made harmless for a header line or a mail body.

Labels, statuses and ids come from customers and from foreign systems. Escaping for HTML is the
template's business; here it is about what no escaping helps against: line breaks in headers,
control characters, direction overrides that make a text read as another, sheer length.
"""

import re
from email.charset import SHORTEST, Charset
from email.header import Header
from functools import lru_cache
from typing import Final

#: Controls, line and paragraph separators: they become a space (or a line break in a block).
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: The same without the line feed.
_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]+")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
#: Invisible ones: soft hyphen, zero width, direction marks, overrides and isolates, fillers,
#: tags, non-characters. The joiners U+200C and U+200D stay, scripts and emoji are spelt with them.
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")
#: Looked at before cleaning, as a multiple of the limit: enough for what cleaning removes.
_LOOK_AHEAD: Final = 4
_ELLIPSIS: Final = "…"
_LINK: Final = re.compile(r"https?://[^\s<>\"'`\\^{|}]+", re.IGNORECASE)
_LINK_LIMIT: Final = 2000
#: Types of checks: there are few.
_TOKENS: Final = 256
_NO_TOKEN: Final = re.compile(r"[^a-z0-9._:]+")
#: An id is shorter than 50. Mailgun counts the encoded headers of a mail: 16 kB for all of them.
_HEADER_LIMIT: Final = 100
#: Of an encoded word, by RFC 2047.
_WORD_LIMIT: Final = 75
_UTF8: Final = Charset("utf-8")
_UTF8.header_encoding = SHORTEST


def one_line(text: object, limit: int) -> str:
    """`text` as one visible line of at most `limit` characters; None gives the empty string."""
    if text is None:
        return ""
    if type(text) is str and len(text) <= limit and text.isascii() and text.isprintable():
        # Nearly all texts are like this, and most of them are ids.
        return " ".join(text.split()) if " " in text else text
    line, cut = _beginning(text, limit)
    if not (line.isascii() and line.isprintable()):
        line = _INVISIBLE.sub("", _BREAKS.sub(" ", _SURROGATES.sub("\ufffd", line)))
    return _clipped(" ".join(line.split()), limit, cut)


def block(text: object, limit: int, max_lines: int) -> str:
    """`text` with its line breaks, at most `limit` characters in `max_lines` lines."""
    if text is None:
        return ""
    clean, cut = _beginning(text, limit)
    if clean.isascii() and clean.isprintable():
        return _clipped(clean.strip(), limit, cut)
    clean = _LINE_ENDS.sub("\n", _SURROGATES.sub("\ufffd", clean))
    clean = _INVISIBLE.sub("", _CONTROLS.sub(" ", clean))
    lines = [line.rstrip() for line in clean.strip().split("\n")]
    lines = [line for line, above in zip(lines, ["", *lines], strict=False) if line or above]
    cut = cut or len(lines) > max_lines
    return _clipped("\n".join(lines[:max_lines]), limit, cut)


def header_value(text: object, limit: int = _HEADER_LIMIT) -> str:
    """`text` as an ASCII header value, in the encoded words of RFC 2047 where it must be.

    `limit` bounds the text, not its encoding.
    """
    line = header_line(text, limit)
    if line.isascii():
        return line
    # Header folds; encoded words separated by a blank read the same on one line.
    return " ".join(Header(line, _UTF8, maxlinelen=_WORD_LIMIT).encode().split())


def header_line(text: object, limit: int) -> str:
    """`text` as one header line in Unicode, for those who encode by themselves (the subject).

    A literal `=?` is broken up: a reader would decode what follows, and with it whatever
    character was taken out here.
    """
    return one_line(text if text is None else str(text).replace("=?", "= ?"), limit)


@lru_cache(_TOKENS)
def token(text: str | None, limit: int) -> str:
    """`text` as a lower-case ASCII word for tags; other characters become one hyphen."""
    return _NO_TOKEN.sub("-", (text or "")[:limit].lower()).strip("-")


def safe_link(text: str | None) -> str:
    """`text` if it is a plain http or https address as written, else the empty string."""
    if not text or len(text) > _LINK_LIMIT or not _LINK.fullmatch(text):
        return ""
    return text if one_line(text, _LINK_LIMIT) == text else ""


def _beginning(text: object, limit: int) -> tuple[str, bool]:
    """As much of `text` as can matter, and whether something was left out."""
    whole = text if isinstance(text, str) else str(text)
    return whole[: limit * _LOOK_AHEAD], len(whole) > limit * _LOOK_AHEAD


def _clipped(text: str, limit: int, cut: bool) -> str:
    if len(text) <= limit and not cut:
        return text
    return text[: limit - 1].rstrip() + _ELLIPSIS
