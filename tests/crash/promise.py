"""What one row promises of the first event, and of the one behind it."""

from enum import Enum
from typing import Final

import msgspec

#: What tracking tells of a send whose answer came; whose answer was lost, and which was found; or
#: was not there and was sent again (a star: it may be a duplicate).
SENT: Final = ("accepted",)
FOUND: Final = ("in_doubt", "found")
AGAIN: Final = ("in_doubt", "not_found*", "accepted*")


class Reread(Enum):
    """Whether a record is read after its event has ended, and told as `duplicate`. ALWAYS is meant
    of the first one; NEVER of both of the alarm."""

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The promised outcome of one row."""

    #: As the document has it.
    text: str
    #: What tracking says of the two events, each record once, but for `duplicate`.
    first: tuple[str, ...] = SENT
    second: tuple[str, ...] = SENT
    #: Requests that the provider gets for the first one.
    calls: int = 1
    reread: Reread = Reread.NEVER
