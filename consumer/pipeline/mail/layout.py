"""Filters that lay out plain text."""

from typing import Final

#: Columns of a text body; the rules are narrower, as they were in the mails of the service.
WIDTH: Final = 76
_RULE_WIDTH: Final = 70
_MAX_INDENT: Final = 40
_FITS_ANYWHERE: Final = WIDTH - _MAX_INDENT


def heading(title: str, mark: str = "-") -> str:
    """A rule with the title in its middle; a plain rule for an empty title."""
    return (f" {title} " if title else "").center(_RULE_WIDTH, mark[:1] or "-")


def column(name: str, width: int) -> str:
    """`name:` with blanks up to `width` columns, and at least one."""
    return f"{name}: ".ljust(min(width, _MAX_INDENT))


def fill(text: str, indent: int = 0) -> str:
    """`text` wrapped, for a place that starts in column `indent`. Long words stay whole: links."""
    if type(text) is str and len(text) <= _FITS_ANYWHERE and "\n" not in text:
        return text
    room = WIDTH - min(max(indent, 0), _MAX_INDENT)
    lines: list[str] = []
    for line in text.split("\n"):
        lines += [line] if len(line) <= room else _wrapped(line, room)
    return ("\n" + " " * (WIDTH - room)).join(lines)


def _wrapped(line: str, room: int) -> list[str]:
    """Greedy, by words. textwrap does more and takes as long as the rest of the mail."""
    words = " ".join(line.split())
    lines: list[str] = []
    start = 0
    while len(words) - start > room:
        end = words.rfind(" ", start, start + room + 1)
        if end < 0:
            end = words.find(" ", start)  # behind a word that is longer than a line
        if end < 0:
            break
        lines.append(words[start:end])
        start = end + 1
    return [*lines, words[start:]]
