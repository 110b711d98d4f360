"""Filter expressions of the Events API: `rejected OR failed`, `a AND NOT "b c"`, `>100 <200`.

Words side by side are joined by AND; NOT binds tighter than AND, AND tighter than OR.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from consumer.sandbox.mailgun.events import Event

Matcher = Callable[[Sequence[str]], bool]
"""Does an event with these values of the field, in lower case, pass?"""

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([()])|([^\s()"]+))')


class BadFilter(ValueError):
    """The expression or the field is not one."""


def event_filter(parameters: Iterable[tuple[str, str]]) -> Callable[[Event], bool]:
    """(field, expression) pairs, all of which must hold. Raises BadFilter."""
    tests = [_test(name, expression) for name, expression in parameters]

    def keep(event: Event) -> bool:
        return all(test(event) for test in tests)

    return keep


def _test(name: str, expression: str) -> Callable[[Event], bool]:
    values_of, term = FIELDS[name]
    matches = _Parser(expression, term).parse()
    return lambda event: matches([value.lower() for value in values_of(event)])


def _equal(word: str, _: bool) -> Matcher:
    return lambda values: word in values


def _word(word: str, quoted: bool) -> Matcher:
    """Running text: a bare word may be a part of it, a quoted one is the whole."""
    if quoted:
        return _equal(word, quoted)
    return lambda values: any(word in value for value in values)


def _number(word: str, _: bool) -> Matcher:
    match = re.fullmatch(r"([<>]?)(\d+)", word)
    if match is None:
        raise BadFilter(f"{word} is not a number")
    sign, limit = match[1], int(match[2])
    if sign == ">":
        return lambda values: any(int(value) > limit for value in values)
    if sign == "<":
        return lambda values: any(int(value) < limit for value in values)
    return lambda values: any(int(value) == limit for value in values)


Term = Callable[[str, bool], Matcher]

FIELDS: dict[str, tuple[Callable[[Event], Iterable[str]], Term]] = {
    "event": (lambda event: (event.kind,), _equal),
    "list": (lambda _: (), _equal),
    "attachment": (
        lambda event: (upload.filename for upload in event.stored.mail.attachments),
        _word,
    ),
    "from": (lambda event: (event.stored.mail.from_, event.stored.mail.sender), _word),
    # Without angle brackets: a value with them equals none.
    "message-id": (lambda event: (event.stored.mail.message_id,), _equal),
    "subject": (lambda event: (event.stored.mail.subject,), _word),
    "to": (lambda event: (event.stored.mail.to, event.stored.mail.recipient), _word),
    "size": (lambda event: (str(event.stored.mail.size),), _number),
    "recipient": (lambda event: (event.stored.mail.recipient,), _equal),
    "recipients": (lambda event: (event.stored.mail.recipient,), _equal),
    "tags": (lambda event: event.stored.mail.tags, _equal),
    "severity": (lambda event: (event.severity,), _equal),
}
"""Field → its values, and what a word of the expression means for them. No event that the fake
makes comes from a mailing list."""


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, expression: str, term: Term) -> None:
        self._tokens = list(_tokens(expression))
        self._term = term

    def parse(self) -> Matcher:
        if not self._tokens:
            return lambda _: True
        matcher = self._any()
        if self._tokens:
            raise BadFilter(f"unexpected {self._tokens[0][0]}")
        return matcher

    def _next_is(self, word: str) -> bool:
        return bool(self._tokens) and self._tokens[0] == (word, False)

    def _skip(self, word: str) -> bool:
        if found := self._next_is(word):
            del self._tokens[0]
        return found

    def _any(self) -> Matcher:
        parts = [self._all()]
        while self._skip("OR"):
            parts.append(self._all())
        return lambda values: any(part(values) for part in parts)

    def _all(self) -> Matcher:
        parts = [self._one()]
        while self._tokens and not self._next_is("OR") and not self._next_is(")"):
            self._skip("AND")
            parts.append(self._one())
        return lambda values: all(part(values) for part in parts)

    def _one(self) -> Matcher:
        if self._skip("NOT"):
            inner = self._one()
            return lambda values: not inner(values)
        if self._skip("("):
            inner = self._any()
            if not self._skip(")"):
                raise BadFilter("a parenthesis is not closed")
            return inner
        if not self._tokens or self._tokens[0] in (("OR", False), ("AND", False), (")", False)):
            raise BadFilter("a word is missing")
        word, quoted = self._tokens.pop(0)
        return self._term(word.lower(), quoted)


def _tokens(expression: str) -> Iterable[tuple[str, bool]]:
    """(text, was it quoted)."""
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise BadFilter("a quotation mark is not closed")
        quoted, mark, word = match.groups()
        yield (quoted, True) if quoted is not None else (mark or word, False)
        position = match.end()
