"""The crash table: a row for each boundary and cause, with what is promised of it."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec

from tests.crash import causes
from tests.crash.boundaries import BOUNDARIES, Boundary
from tests.crash.causes import Cause
from tests.crash.promise import Promise
from tests.crash.promises import PROMISES
from tests.crash.words import (
    BROKER,
    KILL,
    KILL_LOST,
    KILL_TAKEN,
    LATE,
    LOST,
    MOVED,
    TAKEN,
    TERM,
)

CAUSES: Final[Mapping[str, Cause]] = {
    KILL: causes.kill,
    KILL_TAKEN: partial(causes.kill_in_call, taken=True),
    KILL_LOST: partial(causes.kill_in_call, taken=False),
    TERM: causes.sigterm,
    MOVED: causes.rebalance,
    LATE: causes.rebalance_late,
    BROKER: causes.broker_loss,
    TAKEN: partial(causes.provider_timeout, taken=True),
    LOST: partial(causes.provider_timeout, taken=False),
}


class Row(msgspec.Struct, frozen=True):
    """One row of the document, one test."""

    boundary: Boundary
    cause: str
    promise: Promise

    @property
    def id(self) -> str:
        cause = self.cause.lower().replace(",", "").replace(" ", "-")
        return f"{self.boundary.name}-{cause}"

    @property
    def first_answer_lost(self) -> bool | None:
        """Whether the first answer is lost on the way to the boundary, as `Stage.begin` has it."""
        if self.boundary.name == "in_doubt" and self.cause == LOST:
            return False
        return self.boundary.lost_before

    @property
    def cells(self) -> tuple[str, ...]:
        """As the document has them."""
        return (
            self.boundary.title,
            self.cause,
            self.boundary.durable,
            self.promise.text,
            f"`{self.id}`",
        )


ROWS: Final = tuple(
    Row(boundary, cause, promise)
    for boundary in BOUNDARIES
    for cause, promise in PROMISES[boundary.name].items()
)
