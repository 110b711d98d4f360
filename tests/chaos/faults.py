"""How the provider misbehaves: a little all the time, and now and then more of one kind.

The numbers are chosen so that each kind happens dozens of times in 20,000 sends, and so that a
plain loop that sends one email after another still gets through in the time of the run.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_ALWAYS: Final[Sequence[Mapping[str, Any]]] = (
    {"kind": "status", "status": 500, "when": "after", "probability": 0.003},
    {"kind": "status", "status": 503, "when": "before", "probability": 0.003},
    {"kind": "reset", "when": "after", "probability": 0.002},
    {"kind": "truncate", "when": "after", "probability": 0.002},
    {"kind": "reset", "when": "before", "probability": 0.002},
)

#: Each is one burst; the counts are calls.
BURSTS: Final[Sequence[Mapping[str, Any]]] = (
    {"kind": "status", "status": 500, "when": "after", "count": 4},
    {"kind": "status", "status": 500, "when": "before", "count": 8},
    {"kind": "html502", "when": "after", "count": 3},
    {"kind": "hang", "when": "after", "count": 2},
    {"kind": "hang", "when": "before", "count": 2},
    {"kind": "reset", "when": "after", "count": 4},
    {"kind": "reset", "when": "before", "count": 4},
    {"kind": "truncate", "when": "after", "count": 4},
    {"kind": "truncate", "when": "before", "count": 1},
    {"kind": "magnificent", "when": "before", "count": 2},
    {"kind": "throttle", "status": 429, "retry": "seconds", "seconds": 2, "count": 2},
    {"kind": "throttle", "status": 420, "retry": "date", "seconds": 3, "count": 2},
    {"kind": "delay", "when": "before", "seconds": 1.5, "count": 4},
    {"kind": "delay", "when": "after", "seconds": 1.5, "count": 4},
    {"kind": "status", "call": "lookup", "status": 500, "count": 3},
    {"kind": "hang", "call": "lookup", "count": 1},
    {"kind": "reset", "call": "lookup", "count": 3},
)


def always(seed: int) -> list[dict[str, Any]]:
    """What goes wrong all the time; two providers with one seed fail at the same calls."""
    return [
        dict(fault) | {"count": None, "seed": seed + number} for number, fault in enumerate(_ALWAYS)
    ]
