"""What both sides of a comparison are asked, and what they answer: one record, its decisions.

The same words go to a configuration inside this process and to another installation at the end of
a pipe, as lines of JSON. A later version may only add fields that have a default.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from consumer.domain.ledger import AtomState
from consumer.domain.record import Record
from consumer.experiments.deciding import Decision


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record, with what was known of its alarms before the first of their events."""

    record: Record
    known: Sequence[AtomState] = ()


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """Why a record, or a part of it, goes to the dead letters."""

    reason: str
    detail: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision for each event of the record, in order."""

    decisions: Sequence[Decision] = ()
    unread: Unread | None = None


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of whoever answers through a pipe."""

    version: str
    #: Of these words.
    protocol: int = 1


class Asked(Protocol):
    """A side: whoever answers."""

    def answer(self, question: Question) -> Answer:
        """Questions come in the records' order; each answer sees the earlier ones.

        Raises DependencyError.
        """
