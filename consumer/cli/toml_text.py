"""Plain values as TOML, to be read by a person or to be copied into a settings file."""

from collections.abc import Iterator, Mapping
from typing import Any

from consumer.cli.plain import as_json


def toml_text(settings: Mapping[str, Any]) -> str:
    """Sections and lists of sections as TOML. What is not set is a comment: TOML has no null."""
    return "\n".join(_lines(settings))


def _lines(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        several = isinstance(value, list)
        for section in value if several else [value]:
            yield f"[[{name}]]" if several else f"[{name}]"
            for key, each in section.items():
                yield f"# {key} is not set" if each is None else f"{key} = {_value(each)}"
            yield ""


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        there = {key: each for key, each in value.items() if each is not None}
        pairs = (f"{as_json(str(key))} = {_value(each)}" for key, each in there.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    # Strings, numbers, booleans and lists of them are written alike in JSON and TOML.
    return as_json(value, indent=None)
