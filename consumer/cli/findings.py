"""What a check of the configuration found."""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from consumer.domain.errors import SettingsError

_SETTING: Final = re.compile(r"^(?!\w+\.toml)([a-z]+)\.([a-z_]+):? ")

#: `[section] key, key: `, or `[[routes]] 2 key: `.
_PLACE: Final = re.compile(r"\[{1,2}(\w+)\]{1,2} (?:(\d+) ?)?([^:]*): ")


class Level(StrEnum):
    """How bad it is."""

    #: It cannot run like this, or not as it is meant.
    PROBLEM = "problem"
    #: It runs; somebody should have looked at it.
    WARNING = "warning"
    #: A system that is needed does not answer now.
    AWAY = "away"
    #: Nothing is wrong; it explains something that looks odd.
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True):
    """One line that names place and key, and says what to do. It never holds a secret."""

    level: Level
    text: str


def problem(place: str, what: str) -> Finding:
    return Finding(Level.PROBLEM, f"{place}: {what}")


def warning(place: str, what: str) -> Finding:
    return Finding(Level.WARNING, f"{place}: {what}")


def note(place: str, what: str) -> Finding:
    return Finding(Level.NOTE, f"{place}: {what}")


def problems_of(error: SettingsError) -> Iterator[Finding]:
    """What the settings' reader or a part refused. Parts write `section.key` for a key."""
    for text in error.problems:
        yield Finding(Level.PROBLEM, _SETTING.sub(r"[\1] \2: ", text))


def placed(finding: Finding, place: str) -> Finding:
    """With the settings' file in front, where it is about a key."""
    if not finding.text.startswith("["):
        return finding
    return Finding(finding.level, f"{place}: {finding.text}")


def about_sound(finding: Finding, is_sound: Callable[..., bool]) -> bool:
    """Whether none of the keys that the finding names was replaced; `is_sound` takes a place."""
    place = _PLACE.match(finding.text)
    if place is None:
        return True
    keys = [key.split(" ", 1)[0].split(".") for key in place[3].split(", ")]
    # What is said of a sender is said beside the domain.
    beside = [["domain"]] if keys == [["from_address"]] else []
    return all(is_sound(place[1], *_number(place[2]), *key) for key in (*keys, *beside))


def _number(told: str | None) -> list[str]:
    """Rules are told from 1, and counted from 0."""
    return [] if told is None else [str(int(told) - 1)]


def texts(findings: Iterable[Finding], level: Level) -> list[str]:
    """The lines of one level, each once."""
    return list(dict.fromkeys(each.text for each in findings if each.level is level))
