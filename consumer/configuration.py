"""From a TOML file and the environment to settings, with all that is wrong told at once.

`MESSENGER_SECTION__KEY` wins over the file. This is the only reader of the environment.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from consumer.domain.errors import SettingsError
from consumer.settings import Settings

_ENVIRONMENT_PREFIX = "MESSENGER_"
#: Variables with our prefix that are no settings: the command line's and the tests' own.
_NOT_SETTINGS = ("MESSENGER_TEST_", "MESSENGER_MAILGUN_OPENAPI", "MESSENGER_CONFIG")


def load_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read file and environment once. Raises SettingsError with every problem found."""
    values = _read(path) if path is not None else {}
    _overrule(values, os.environ if environment is None else environment)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_problems(error, path)) from None


def shown(settings: Settings) -> dict[str, Any]:
    """The effective settings as plain values, each secret hidden."""
    return {name: _hidden(value) for name, value in settings.model_dump().items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError([f"{path}: no such file; see deploy/messenger.example.toml"]) from None
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: not valid TOML: {error}"]) from None


def _overrule(values: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not name.startswith(_ENVIRONMENT_PREFIX) or name.startswith(_NOT_SETTINGS):
            continue
        *sections, key = name.removeprefix(_ENVIRONMENT_PREFIX).lower().split("__")
        if not sections:
            continue
        place = values
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value.split(",") if _is_list(sections, key) else value


def _is_list(sections: Sequence[str], key: str) -> bool:
    return (*sections, key) in (("delivery", "tags"), ("delivery", "repeating_sources"))


def _problems(error: ValidationError, path: Path | None) -> list[str]:
    """One line each: where, which key, what to do. Never the value: it may be a secret."""
    where = str(path) if path is not None else "environment"
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        section, *keys = (str(part) for part in problem["loc"])
        place = f"[{section}] {'.'.join(keys)}".rstrip()
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {place}: {_plain(problem['type'], message)}")
    return lines


def _plain(kind: str, message: str) -> str:
    words = {
        "missing": "is missing",
        "extra_forbidden": "unknown key; see deploy/messenger.example.toml",
    }
    return words.get(kind, message[:1].lower() + message[1:])


def _hidden(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return _without_password(value.get_secret_value())
    if isinstance(value, dict):
        return {key: _hidden(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _without_password(text: str) -> str:
    """An address keeps all but its password; anything else is hidden as a whole."""
    parts = urlsplit(text) if "://" in text or text.startswith("file:") else None
    if parts is None or parts.scheme not in ("sqlite", "postgresql", "postgresql+psycopg", "file"):
        return "[hidden]"
    if parts.query:
        text = text.split("?", 1)[0] + "?[hidden]"
    if parts.password is None:
        return text
    return text.replace(f":{parts.password}@", ":[hidden]@", 1)
