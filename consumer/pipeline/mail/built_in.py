"""The built-in templates, compiled to plain functions: a batch has hundreds of mails.

They are the same files, in the same language, that an account copies to make its own. But they
are ours, and what they are given is what view.py and summary.py make: texts, numbers, truth,
lists and dicts, never a text that is marked as HTML. So nobody has to watch them work, a field is
an item of a dict, and what is escaped is a `str`. A test holds the result to that of the
environment that watches.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final, cast

from jinja2 import Environment, PackageLoader, Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context as RenderContext

from consumer.pipeline.mail.language import LOOKS, filters

#: Filters that are used on titles and names: those of facts and ids, of metrics and labels.
_ON_NAMES: Final = ("heading", "column")
_NAMES_KEPT: Final = 512


def write(templates: Iterable[Template], values: Mapping[str, Any]) -> list[str]:
    """What built-in templates make of the values; they may ask only for those that are there."""
    # Of all that Jinja's own context can do, they ask it for the value of a name.
    context = SimpleNamespace(resolve_or_missing=values.__getitem__)
    return ["".join(each.root_render_func(cast(RenderContext, context))) for each in templates]


def escape(value: object) -> str:
    """As `markupsafe.escape` does it, for values that are not HTML; without a `Markup` for each."""
    text = value if type(value) is str else str(value)
    if text.isalnum():
        return text
    # To look is quicker than to replace nothing.
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&#34;")
    if "'" in text:
        text = text.replace("'", "&#39;")
    return text


class _Plainly(CodeGenerator):
    """Jinja's compiler, with what is known of the values."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja's name
        super().visit_Template(node, frame)
        # Behind Jinja's own import of that name, and looked up when a mail is written.
        self.writeline(f"from {__name__} import {escape.__name__}")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.visit(node.node, frame)
        self.write(f"[{node.attr!r}]")


class BuiltInEnvironment(Environment):
    """For our own templates, which a test holds to the language."""

    code_generator_class = _Plainly

    def __init__(self) -> None:
        loader = PackageLoader("consumer.pipeline", "templates")
        super().__init__(loader=loader, auto_reload=False, **LOOKS)
        self.globals.clear()
        known = filters()
        self.filters = known | {name: lru_cache(_NAMES_KEPT)(known[name]) for name in _ON_NAMES}
