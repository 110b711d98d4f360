"""Plain values into structs, from any thread.

msgspec makes its plan of a struct when that is first converted or decoded to, and two threads that
do it at once crash the interpreter (0.22.0; four threads and a new type are enough). Decoders that
are made at import are safe; whatever is made of structs later goes through here.
"""

import threading
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_PLANNING: Final = threading.Lock()
_planned: set[Any] = set()


def convert(value: Any, kind: type[T], *, strict: bool = True) -> T:
    """As `msgspec.convert`. Raises msgspec.ValidationError."""
    if kind not in _planned:
        with _PLANNING:
            msgspec.json.Decoder(kind)
            _planned.add(kind)
    return msgspec.convert(value, kind, strict=strict)  # noqa: TID251  # its plan is made
