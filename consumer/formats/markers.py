"""What tells one format from another: a few top-level fields, read without parsing the rest."""

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType


class Markers(msgspec.Struct, frozen=True, kw_only=True):
    """The top-level fields that formats are recognised by; UNSET where the message has none."""

    schema: Any = UNSET
    event_id: msgspec.Raw | UnsetType = UNSET
    details: msgspec.Raw | UnsetType = UNSET

    def names(self) -> list[str]:
        """Which of the fields are there."""
        return [name for name in self.__struct_fields__ if getattr(self, name) is not UNSET]


DECODER: Final = msgspec.json.Decoder(Markers)
