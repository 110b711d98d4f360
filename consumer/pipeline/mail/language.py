"""The template language of mails: a part of Jinja that always ends, and soon.

An account's templates run in the sending process, so they get the part of Jinja that a mail
needs: output, `if`, `for`, `set`, tests and a list of filters. Nothing can be called (no
methods, macros, `range`), nothing is computed or joined without a bound, a list is not printed
by accident, and all loops of one mail share a budget of steps. With these rules the work is
bounded by the size of the template, whatever it says. The built-in templates keep to the same
rules, so that a copy of them is a good start for an account's own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    StrictUndefined,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context as RenderContext
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from consumer.pipeline.mail.layout import column, fill, heading

#: Name of the step budget in the values of a rendering; templates cannot say such a name.
BUDGET: Final = "_budget"
#: Rounds of all loops of one part of a mail together. The built-in ones need below 100.
MAX_STEPS: Final = 10_000
#: Characters of one rendered part: more than the built-in ones write of the most hostile event.
MAX_OUTPUT: Final = 200_000

_COUNTED: Final = "counted by the environment"
_ALLOWED_NODES: Final = (
    nodes.Template,
    nodes.TemplateData,
    nodes.Output,
    nodes.If,
    nodes.For,
    nodes.Assign,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Keyword,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.List,
    nodes.Tuple,
)
#: None of them makes more than a small multiple of what it is given.
_ALLOWED_FILTERS: Final = (
    *("default", "d", "escape", "e", "first", "last", "length", "count", "lower", "upper"),
    *("title", "capitalize", "trim", "truncate", "urlencode", "map", "selectattr", "rejectattr"),
)
#: Undefined is let through to say by itself what is missing.
_PRINTABLE: Final = (str, int, float, Undefined)


#: How a text becomes a template, whosever it is.
LOOKS: Final[dict[str, Any]] = {
    "autoescape": lambda name: name is None or name.endswith(".html"),
    "undefined": StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
}


class TemplateLimit(SecurityError):
    """A template went beyond a bound."""


class Budget:
    """Counts the rounds of all loops of one rendering."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._left = steps

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TemplateLimit(f"its loops take more than {MAX_STEPS} rounds")


class MailEnvironment(ImmutableSandboxedEnvironment):
    """Jinja with only what the module's docstring lists. HTML parts are escaped."""

    def __init__(self, loader: BaseLoader, *, auto_reload: bool) -> None:
        super().__init__(loader=loader, auto_reload=auto_reload, finalize=_printable, **LOOKS)
        self.globals.clear()
        self.filters = filters() | {_COUNTED: _counted}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`entity.items` is the value named items, not the dict's method; and it is quicker."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        """Jinja's hook between parsing and compiling: refuse what is not in the language."""
        for node in source.find_all(nodes.Node):
            problem = _problem(node)
            if problem:
                raise TemplateSyntaxError(problem, node.lineno or 1, name, filename)
        for loop in list(source.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        return super()._generate(source, name, filename, defer_init)


def _problem(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED_NODES):
        return f"{type(node).__name__.lower()} is not part of the mail template language"
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        return "names that start with an underscore are reserved"
    if isinstance(node, nodes.List | nodes.Tuple) and not all(_plain(item) for item in node.items):
        # Lists that hold lists that hold lists grow without any loop.
        return "a list may hold constants only"
    return None


def _plain(item: nodes.Node) -> bool:
    return isinstance(item, nodes.Const) or (isinstance(item, nodes.Name) and item.ctx == "store")


def filters() -> dict[str, Callable[..., Any]]:
    """All filters of the language, by name."""
    allowed: dict[str, Callable[..., Any]] = {name: FILTERS[name] for name in _ALLOWED_FILTERS}
    return allowed | {"heading": heading, "column": column, "fill": fill, "join": _join}


def _printable(value: Any) -> Any:
    if type(value) is str or isinstance(value, _PRINTABLE):
        return value
    if value is None:
        return ""
    raise TemplateLimit(f"it prints a {type(value).__name__}, not one value")


@pass_context
def _counted(context: RenderContext, values: Iterable[Any]) -> Iterator[Any]:
    budget: Budget = context[BUDGET]
    for value in values:
        budget.spend()
        yield value


def _join(values: Iterable[Any], separator: str = "") -> str:
    """Jinja's join with a bound."""
    pieces = [str(_printable(value)) for value in values]
    if sum(map(len, pieces)) + len(separator) * len(pieces) > MAX_OUTPUT:
        raise TemplateLimit("it joins too much")
    return separator.join(pieces)


def bounded(pieces: Iterable[str]) -> str:
    """All of a rendering, unless it is larger than a mail may be."""
    parts: list[str] = []
    size = 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        if size > MAX_OUTPUT:
            raise TemplateLimit(f"it writes more than {MAX_OUTPUT} characters")
    return "".join(parts)


def values_with_budget(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one rendering, with its own budget."""
    return {**values, BUDGET: Budget()}
