"""Messages as each format's sources send them: one module per format, named as it.

A module has `SAMPLES`, by what is special about each. What all formats promise is tried on all of
them in `test_samples.py`.
"""

import importlib
import json
import pkgutil
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """One message as it lies in Kafka."""

    #: The JSON of the value.
    value: Any
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def body(self) -> bytes:
        return json.dumps(self.value).encode()


def all_samples() -> dict[tuple[str, str], Sample]:
    """Every sample by the name of its format and its own."""
    names = sorted(each.name for each in pkgutil.iter_modules(__path__))
    return {
        (name.replace("_", "-"), title): sample
        for name in names
        for title, sample in importlib.import_module(f"{__name__}.{name}").SAMPLES.items()
    }
