"""From a TOML file and the environment to settings, with all that is wrong told at once.

`MESSENGER_SECTION__KEY` wins over the file. This is the only reader of the environment.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr, ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from consumer.domain.errors import SettingsError
from consumer.settings import Settings
from consumer.settings.stand_ins import stand_in

_ENVIRONMENT_PREFIX = "MESSENGER_"
_HIDDEN = "[hidden]"
#: Keys whose value in the environment is a list, separated by commas.
_LISTS = {
    ("delivery", "tags"),
    ("delivery", "repeating_sources"),
    ("delivery", "recipient_limit", "limited_states"),
}
#: Variables with our prefix that are no settings: the command line's and the tests' own.
_NOT_SETTINGS = ("MESSENGER_TEST_", "MESSENGER_MAILGUN_OPENAPI", "MESSENGER_CONFIG")


def load_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read file and environment once. Raises SettingsError with every problem found."""
    examined = examine(path, environment)
    if examined.problems:
        raise SettingsError(examined.problems)
    return examined.settings


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """Settings as far as they are sound, so that the rest of them can be checked all the same."""

    #: With stand-ins in place of what was wrong: not to be worked with while there are problems.
    settings: Settings
    problems: Sequence[str]
    #: Places with stand-ins: `("kafka", "group_id")`, or a whole section.
    replaced: frozenset[tuple[str, ...]]

    def is_sound(self, *place: str) -> bool:
        """Whether nothing at this place, above it or below it was replaced."""
        return not any(
            each[: len(place)] == place or place[: len(each)] == each for each in self.replaced
        )


def examine(path: Path | None, environment: Mapping[str, str] | None = None) -> Examined:
    """Read file and environment, and go on where a value is wrong.

    Raises SettingsError for a file that cannot be read at all, and where nothing is left to go
    on with.
    """
    given = os.environ if environment is None else environment
    values = _read(path) if path is not None else {}
    overruled = _overrule(values, given)
    problems: list[str] = []
    replaced: set[tuple[str, ...]] = set()
    while True:
        try:
            settings = Settings.model_validate(values)
        except ValidationError as error:
            problems += _problems(error, path, overruled)
            places = {tuple(map(str, each["loc"])) for each in error.errors(include_url=False)}
            if places <= replaced:
                raise SettingsError(problems) from None
            replaced |= places
            for place in places:
                stand_in(values, place)
        else:
            return Examined(
                settings=settings,
                problems=tuple(dict.fromkeys(problems)),
                replaced=frozenset(replaced),
            )


def shown(settings: Settings) -> dict[str, Any]:
    """The effective settings as plain values, each secret hidden."""
    return {name: _hidden(value, name) for name, value in settings.model_dump().items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError([f"{path}: no such file; see deploy/messenger.example.toml"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: not valid TOML: {error}"]) from None


def _overrule(values: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Lay the environment over the file's values; returns the variable by the key it set."""
    names: dict[str, str] = {}
    for name, value in environment.items():
        if not name.startswith(_ENVIRONMENT_PREFIX) or name.startswith(_NOT_SETTINGS):
            continue
        *sections, key = name.removeprefix(_ENVIRONMENT_PREFIX).lower().split("__")
        place = values
        for section in sections:
            inner = place.get(section)
            if not isinstance(inner, dict):
                # Also where the file has something else than a section: the variable wins.
                inner = place[section] = {}
            place = inner
        place[key] = value.split(",") if (*sections, key) in _LISTS else value
        names[".".join((*sections, key))] = name
    return names


def _problems(error: ValidationError, path: Path | None, overruled: Mapping[str, str]) -> list[str]:
    """One line each: where, which key, what to do. Never the value: it may be a secret."""
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"])
        # An unknown section in the environment is told by its first variable.
        within = (name for place, name in overruled.items() if place.startswith(f"{key}."))
        unknown = problem["type"] == "extra_forbidden"
        variable = overruled.get(key) or (next(within, None) if unknown else None)
        where = variable or f"{path or 'settings'}: {_place(problem['loc'])}"
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {_plain(problem['type'], message)}")
    return lines


def _place(location: Sequence[str | int]) -> str:
    """`[kafka] group_id`, or `[[routes]] 1 percent` with rules counted from 1."""
    section, *keys = location
    if keys and isinstance(keys[0], int):
        number, *keys = keys
        return f"[[{section}]] {int(number) + 1} {'.'.join(map(str, keys))}".rstrip()
    return f"[{section}] {'.'.join(map(str, keys))}".rstrip()


def _plain(kind: str, message: str) -> str:
    words = {
        "missing": "is missing",
        "extra_forbidden": "unknown key; see deploy/messenger.example.toml",
    }
    return words.get(kind, message[:1].lower() + message[1:])


def _hidden(value: Any, key: str = "") -> Any:
    if isinstance(value, SecretStr):
        # A token may well look like an address.
        return _without_password(value.get_secret_value()) if key == "url" else _HIDDEN
    if isinstance(value, dict):
        return {name: _hidden(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _without_password(text: str) -> str:
    """A database's address keeps all but its password and query; anything else is hidden."""
    if text.startswith("file:"):
        return text
    try:
        return make_url(text).set(query={}).render_as_string(hide_password=True)
    except ArgumentError:
        return _HIDDEN
