"""One catalog file: JSON or YAML text in, its objects out."""

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import yaml

#: libyaml's loader is some ten times faster; not every build of PyYAML has it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SUFFIXES = frozenset({".json", ".yaml", ".yml"})


class BrokenDocument(ValueError):
    """A file that cannot be read; the text says where in the file, and why."""


def objects(name: str, data: bytes) -> Iterator[tuple[str, object]]:
    """Key and raw object of everything a file holds.

    The file is a list as the API answers it (`{"values": [...]}`), a bare list, or one object.
    Raises BrokenDocument.
    """
    document = _parsed(name, data)
    if document is None:
        return
    if isinstance(document, dict) and "values" in document:
        values, prefix = document["values"] or [], "values"
    elif isinstance(document, dict) and "id" in document:
        yield "", document
        return
    else:
        values, prefix = document, ""
    if not isinstance(values, list):
        raise BrokenDocument(f"{name}: expected a list, `values: [...]`, or an object with an id")
    for number, value in enumerate(values):
        yield f"{prefix}[{number}]", value


def _parsed(name: str, data: bytes) -> object:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BrokenDocument(f"{name}:{line}: not UTF-8") from None
    if PurePath(name).suffix == ".json":
        return _json(name, text)
    return _yaml(name, text)


def _json(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BrokenDocument(f"{name}:{error.lineno}:{error.colno}: {error.msg}") from None
    except RecursionError:
        raise BrokenDocument(f"{name}: nested too deeply") from None


def _yaml(name: str, text: str) -> object:
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, the quick one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise BrokenDocument(f"{name}{place}: {error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a bare ValueError
        raise BrokenDocument(f"{name}: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise BrokenDocument(f"{name}: nested too deeply") from None
