"""kafka-python's record as ours."""

from typing import Any

from consumer.domain.record import Record


def record_of(raw: Any) -> Record:
    """The client's record, with headers and a timestamp in any case."""
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        key=raw.key,
        value=raw.value,
        headers=tuple((name, value or b"") for name, value in raw.headers or ()),
        timestamp=raw.timestamp or 0,
    )
