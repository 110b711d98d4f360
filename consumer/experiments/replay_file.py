"""Events from a file, one JSON document a line, as if they were the records of a topic."""

from codecs import BOM_UTF8
from collections.abc import Sequence
from itertools import islice
from typing import BinaryIO

from consumer.domain.record import Record


class FileReader:
    """Hands out the lines in order; empty ones are none. A line's number is its offset."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        """`name` stands where tracking records and dead letters name the topic."""
        self._name = name
        self._lines = enumerate(file, start=1)
        self.done = False

    def poll(self, seconds: float, limit: int) -> Sequence[Record]:  # noqa: ARG002  # a file waits for nobody
        """The next lines; raises OSError when they cannot be read."""
        found = list(islice(self._lines, limit))
        self.done = len(found) < limit
        return [
            Record(self._name, 0, number, None, line.strip().removeprefix(BOM_UTF8))
            for number, line in found
            if line.strip()
        ]
