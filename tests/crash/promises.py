"""The promise of each row: by boundary, then by cause, in the order of the document."""

from collections.abc import Mapping
from typing import Any, Final

from tests.crash.promise import AGAIN, FOUND, Promise, Reread
from tests.crash.words import BROKER, KILL, KILL_LOST, KILL_TAKEN, LATE, LOST, MOVED, TAKEN, TERM

_Row = Mapping[str, Promise]

_MAYBE, _ALWAYS = Reread.MAYBE, Reread.ALWAYS


def _ends_here(done: str, **story: Any) -> _Row:
    """Where this process finishes what is under way: `done` says how it ends."""
    return {
        TERM: Promise(text=f"{done} before the process ends", **story),
        MOVED: Promise(text=f"{done} before the partition goes", **story),
        LATE: Promise(
            text=f"{done} under the lock; the next owner waits for it: `duplicate`",
            reread=_ALWAYS,
            **story,
        ),
        BROKER: Promise(
            text=f"{done}; what is to be told of it waits, and so does the offset", **story
        ),
    }


#: Where the first email has no answer yet.
_FIRST_LOST: Final = {
    TAKEN: Promise(text="looked up and found: not sent again", first=FOUND),
    LOST: Promise(
        text="looked up and not found in its time: sent again, `possible_duplicate`",
        first=AGAIN,
        calls=2,
    ),
}

#: Where it has one: the next call is the second email's.
_SECOND_LOST: Final = {
    TAKEN: Promise(text="the first stays sent; the second is looked up and found", second=FOUND),
    LOST: Promise(
        text="the first stays sent; the second is not found in its time: sent again, "
        "`possible_duplicate`",
        second=AGAIN,
    ),
}

_FOUND_BY_NEXT: Final = Promise(
    text="the next owner looks it up and finds it: not sent again", first=FOUND
)
_EITHER: Final = {
    TERM: Promise(text="sent before the process ends, or by the next owner"),
    MOVED: Promise(text="sent before the partition goes, or by the next owner"),
}
_TOLD_BY_NEXT: Final = Promise(
    text="the next owner finds the result and tells it under the same id: not sent again"
)

PROMISES: Final[Mapping[str, _Row]] = {
    "polled": {
        KILL: Promise(text="the next owner reads the record again and sends the email"),
        **_ends_here("sent"),
        **_EITHER,
        LATE: Promise(
            text="the next owner sends it; this process finds the event ended or held, and its "
            "commit is refused",
            reread=_MAYBE,
        ),
        **_FIRST_LOST,
    },
    "claimed": {
        KILL: Promise(text="the next owner waits for the lease to end and sends the email"),
        **_ends_here("sent"),
        **_EITHER,
        **_FIRST_LOST,
    },
    "marked": {
        KILL: Promise(
            text="the next owner looks it up and does not find it in its time: sent, "
            "`possible_duplicate`",
            first=AGAIN,
        ),
        **_ends_here("sent"),
        **_FIRST_LOST,
    },
    "calling": {
        KILL_TAKEN: _FOUND_BY_NEXT,
        KILL_LOST: Promise(
            text="the next owner looks it up and does not find it in its time: sent again, "
            "`possible_duplicate`",
            first=AGAIN,
            calls=2,
        ),
        **_ends_here("sent"),
        **_FIRST_LOST,
    },
    "answered": {KILL: _FOUND_BY_NEXT, **_ends_here("settled and told"), **_SECOND_LOST},
    "settled": {KILL: _TOLD_BY_NEXT, **_ends_here("told"), **_SECOND_LOST},
    "written": {KILL: _TOLD_BY_NEXT, **_ends_here("told"), **_SECOND_LOST},
    "acknowledged": {
        KILL: _TOLD_BY_NEXT,
        **_ends_here("closed"),
        BROKER: Promise(text="closed; the offset waits, and so does the second event's record"),
        **_SECOND_LOST,
    },
    "closed": {
        KILL: Promise(
            text="the next owner finds the event ended: `duplicate`, not sent again",
            reread=_ALWAYS,
        ),
        **_ends_here("committed"),
        LATE: Promise(text="the next owner finds the event ended: `duplicate`", reread=_ALWAYS),
        BROKER: Promise(text="the offset waits, and so does the second event's record"),
        **_SECOND_LOST,
    },
    "committed": {
        KILL: Promise(text="never read again; the next owner goes on behind it"),
        TERM: Promise(text="never read again; the next owner goes on behind it"),
        MOVED: Promise(text="never read again; the next owner goes on behind it"),
        LATE: Promise(text="never read again; the next owner goes on behind it"),
        BROKER: Promise(text="nothing is read until the broker is back"),
        **_SECOND_LOST,
    },
    "in_doubt": {
        KILL: _FOUND_BY_NEXT,
        **_ends_here("found", first=FOUND),
        TAKEN: Promise(
            text="a lookup without an answer says nothing: asked again, and found", first=FOUND
        ),
        LOST: Promise(
            text="a lookup without an answer says nothing: asked again, not found in its time: "
            "sent again, `possible_duplicate`",
            first=AGAIN,
            calls=2,
        ),
    },
    "not_found": {
        KILL: Promise(
            text="the next owner sends it again, `possible_duplicate`", first=AGAIN, calls=2
        ),
        **_ends_here("sent again (`possible_duplicate`)", first=AGAIN, calls=2),
        TAKEN: Promise(
            text="in doubt once more: looked up and found",
            first=("in_doubt", "not_found*", "in_doubt*", "found*"),
            calls=2,
        ),
        LOST: Promise(
            text="in doubt once more, and not found in its time: sent a third time, "
            "`possible_duplicate`",
            first=(*AGAIN[:2], "in_doubt*", "not_found*", "accepted*"),
            calls=3,
        ),
    },
}
