"""What stands where a value was wrong, so that all other values can be checked in the same go.

Nothing is ever sent or opened by these: they are reserved names (RFC 2606).
"""

import copy
from typing import Any, Final

#: What has no default, or is asked for by another section.
_REQUIRED: Final[dict[str, dict[str, Any]]] = {
    "mailgun": {
        "domain": "stand-in.invalid",
        "api_key": "none",
        "from_address": "stand-in@stand-in.invalid",
    },
    "smtp": {"host": "stand-in.invalid"},
}


def stand_in(values: dict[str, Any], place: tuple[str, ...]) -> None:
    """Take what is at `place` out of the values, or put a stand-in there where one is needed."""
    _take_out(values, place)
    section, *keys = place
    required = _REQUIRED.get(section)
    if required is None:
        return
    if keys and isinstance(values.get(section), dict):
        values[section] |= {key: required[key] for key in keys if key in required}
    else:
        values[section] = copy.deepcopy(required)


def _take_out(values: Any, place: tuple[str, ...]) -> None:
    """Without the value at `place`. Of a list the whole goes: what is left of it says nothing."""
    key, *rest = place
    if not isinstance(values, dict) or key not in values:
        return
    inner = values[key]
    if rest and isinstance(inner, list) and rest[0].isdecimal() and int(rest[0]) < len(inner):
        element, *rest = inner[int(rest[0])], *rest[1:]
        if rest and isinstance(element, dict):
            # A rule goes on without the key, and the others keep their numbers.
            _take_out(element, tuple(rest))
            return
    elif rest and isinstance(inner, dict):
        _take_out(inner, tuple(rest))
        return
    del values[key]
