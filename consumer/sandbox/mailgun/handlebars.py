"""The part of Handlebars that mails are made of: `{{a.b}}`, `{{{raw}}}`, `{{#if}}`, `{{#unless}}`,
`{{#each}}`, `{{else}}`, comments. Pure."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

_TAG = re.compile(r"\{\{!--.*?--\}\}|\{\{!.*?\}\}|\{\{\{(.+?)\}\}\}|\{\{(.+?)\}\}", re.DOTALL)
_BLOCKS = ("if", "unless", "each", "with")


class BadTemplate(ValueError):
    """It cannot be read; the text says why."""


@dataclass(slots=True)
class _Block:
    """`kind` is empty for the whole template."""

    kind: str = ""
    path: str = ""
    body: list["_Node"] = field(default_factory=list)
    otherwise: list["_Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Value:
    path: str
    raw: bool


_Node = str | _Value | _Block


def render(template: str, variables: dict[str, Any]) -> str:
    """What is not there is empty. Raises BadTemplate."""
    return "".join(_written(_parsed(template).body, [variables]))


def _parsed(template: str) -> _Block:
    parser, position = _Parser(), 0
    for match in _TAG.finditer(template):
        parser.place.append(template[position : match.start()])
        position = match.end()
        raw, tag = match.groups()
        if raw is not None:
            parser.place.append(_Value(raw.strip(), raw=True))
        elif tag is not None:
            parser.tag(tag.strip().strip("~").strip())
    parser.place.append(template[position:])
    return parser.whole()


class _Parser:
    """The open blocks, and the place where the next piece belongs."""

    def __init__(self) -> None:
        self._open = [_Block()]
        self.place = self._open[0].body

    def tag(self, text: str) -> None:
        if text.startswith("#"):
            self._begin(text[1:])
        elif text.startswith("/"):
            self._end(text[1:].strip())
        elif text == "else":
            self._turn()
        else:
            self.place.append(_Value(text.removeprefix("&").strip(), raw=text.startswith("&")))

    def whole(self) -> _Block:
        if len(self._open) > 1:
            raise BadTemplate(f"{self._open[-1].kind} is not closed")
        return self._open[0]

    def _begin(self, text: str) -> None:
        kind, _, path = text.partition(" ")
        if kind not in _BLOCKS:
            raise BadTemplate(f"unknown helper: {kind}")
        block = _Block(kind, path.strip())
        self.place.append(block)
        self._open.append(block)
        self.place = block.body

    def _turn(self) -> None:
        if len(self._open) == 1:
            raise BadTemplate("else outside of a block")
        self.place = self._open[-1].otherwise
        self.place.append("")  # it has begun, even if nothing is in it

    def _end(self, kind: str) -> None:
        if len(self._open) == 1 or self._open[-1].kind != kind:
            raise BadTemplate(f"/{kind} closes nothing")
        self._open.pop()
        self.place = self._open[-1].otherwise or self._open[-1].body


def _written(nodes: Sequence[_Node], scopes: list[Any]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, _Value):
            text = _text(_found(node.path, scopes))
            yield text if node.raw else escape(text)
        else:
            yield from _block(node, scopes)


def _block(block: _Block, scopes: list[Any]) -> Iterator[str]:
    value = _found(block.path, scopes)
    if block.kind == "each" and value and isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _written(block.body, [*scopes, item])
    elif block.kind == "with" and value:
        yield from _written(block.body, [*scopes, value])
    elif block.kind in ("if", "unless") and bool(value) == (block.kind == "if"):
        yield from _written(block.body, scopes)
    else:
        yield from _written(block.otherwise, scopes)


def _found(path: str, scopes: list[Any]) -> Any:
    """Looked for in the innermost scope first."""
    if path in ("this", "."):
        return scopes[-1]
    names = path.removeprefix("this.").removeprefix("../").split(".")
    for scope in reversed(scopes):
        value = scope
        for name in names:
            if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            elif isinstance(value, dict) and name in value:
                value = value[name]
            else:
                break
        else:
            return value
    return None


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
