"""Two texts side by side, line by line; what is alike and far from a difference is left out."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

import msgspec

#: Lines around a difference that are shown as well.
_CONTEXT: Final = 2
#: A text of more lines, and a line of more characters, is cut: comparing takes the square.
_LINES: Final = 400
_CHARACTERS: Final = 1_000
_CUT: Final = "… cut here"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of both; None: the other has one more. `left_out` lines are alike and not shown."""

    before: str | None = None
    after: str | None = None
    left_out: int = 0

    @property
    def is_same(self) -> bool:
        return self.before == self.after


def rows(before: str, after: str) -> list[Row]:
    """The lines of both in pairs, those that differ beside each other."""
    return list(_rows(_lines(before), _lines(after)))


def _lines(text: str) -> list[str]:
    lines = [
        line if len(line) <= _CHARACTERS else line[:_CHARACTERS] + _CUT
        for line in text.splitlines()
    ]
    return lines if len(lines) <= _LINES else [*lines[:_LINES], _CUT]


def _rows(before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    # Without guesses about junk: a mail's empty lines are as good as any.
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    opcodes = matcher.get_opcodes()
    for number, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        if tag == "equal":
            is_last = number == len(opcodes) - 1
            yield from _equal(before[i1:i2], is_first=number == 0, is_last=is_last)
        else:
            pairs = zip_longest(before[i1:i2], after[j1:j2])
            yield from (Row(before=left, after=right) for left, right in pairs)


def _equal(lines: Sequence[str], *, is_first: bool, is_last: bool) -> Iterator[Row]:
    head = 0 if is_first else min(_CONTEXT, len(lines))
    tail = len(lines) if is_last else max(head, len(lines) - _CONTEXT)
    if is_last:
        tail = len(lines)
    yield from (Row(before=line, after=line) for line in lines[:head])
    if tail > head:
        yield Row(left_out=tail - head)
    yield from (Row(before=line, after=line) for line in lines[tail:])
