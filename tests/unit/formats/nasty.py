"""What hostile or careless senders write, and what every message must come to."""

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.domain.record import DeadLetter, Record
from consumer.formats import FORMATS
from consumer.pipeline.pipeline import Pipeline
from consumer.pipeline.receive import Received, ReceiveSettings
from consumer.pipeline.track import track_invalid
from consumer.wire import (
    dead_letter_headers,
    decode_dead_letter,
    decode_tracking,
    encode_event,
    encode_tracking,
)
from tests.contract.schemas.files import EVENT, TRACKING, validator
from tests.support.pipeline import Bench
from tests.unit.formats.samples import Sample, all_samples

#: All that reading a message may end as.
REASONS: Final = frozenset(
    {
        Reason.NOT_JSON,
        Reason.UNKNOWN_FORMAT,
        Reason.UNKNOWN_VERSION,
        Reason.SCHEMA_MISMATCH,
        Reason.TOO_LARGE,
        Reason.EMPTY,
    }
)

#: JSON values as they are written, by what is wrong with them.
VALUES: Final[Mapping[str, str]] = {
    "5,000 brackets": "[" * 5000 + "]" * 5000,
    "5,000 objects": '{"a":' * 5000 + "1" + "}" * 5000,
    "nested a little too deep": "[" * 70 + "]" * 70,
    "a number beyond all floats": "1e400",
    "the largest float": "-1.7e308",
    "more digits than Python reads": "9" * 10_000,
    "more digits than 64 bits": "9" * 4000,
    "a negative number": "-1",
    "a number of 64 bits": "18446744073709551615",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "null": "null",
    "true": "true",
    "no text": '""',
    "blanks": '"  "',
    "half a surrogate pair": '"\\ud800"',
    "control characters": '"a\\u0000b\\r\\n\\u001b[2J\\u2028"',
    "a long text": json.dumps("é" * 1500),
    "digits of another script": '"٣٤"',
    "a time before all times": '"0001-01-01T00:00:00Z"',
    "a day that is none": '"2026-02-30T25:61:00+99:99"',
    "a list of all sorts": '[[], {}, null, 1, "x", true]',
    "an object of all sorts": '{"": {}, "a": [null], "id": {}, "messenger.recovers": "x"}',
}

_TRACKING: Final = validator(TRACKING)
_EVENT: Final = validator(EVENT)
_HERE: Final = "@@here@@"


def first_samples() -> dict[str, Sample]:
    """One sample of each format."""
    found: dict[str, Sample] = {}
    for (name, _), sample in all_samples().items():
        found.setdefault(name, sample)
    return found


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values inside."""
    for key, child in _children(value):
        yield (*here, key)
        yield from places(child, (*here, key))


def written_at(document: Any, place: tuple[Any, ...], text: str) -> bytes:
    """The document as JSON, with `text` written in one place as it is."""
    return json.dumps(_replaced(document, place)).replace(f'"{_HERE}"', text, 1).encode()


def record(
    body: bytes | None, headers: Sequence[tuple[str, bytes]] = (), topic: str = "alarm-events"
) -> Record:
    """On a topic that is named as a format it is read as that one."""
    return Record(topic, 3, 42, b"key", body, headers, 1_771_927_600_000)


def make_pipeline() -> Pipeline:
    """The real stage, with its metrics: they count what senders say of themselves."""
    return Bench(receive=ReceiveSettings(formats={name: name for name in FORMATS})).pipeline


def check_end(received: Received) -> Reason | None:
    """Events that keep all rules, or a reason of the closed list, told in a valid record."""
    for event in received.events:
        check_event(encode_event(event))
    if received.invalid is None:
        return None
    assert received.invalid.reason in REASONS
    assert received.invalid.detail.isprintable()
    assert len(received.invalid.detail) < 1000
    _check_letter(received, received.invalid)
    return received.invalid.reason


@functools.lru_cache(maxsize=50_000)
def check_event(written: bytes) -> None:
    """Much of what is tried changes nothing."""
    _EVENT.validate(msgspec.json.decode(written))


def _check_letter(received: Received, invalid: InvalidMessage) -> None:
    told = encode_tracking(
        track_invalid(received.record, invalid, received.salvaged, "worker-1", 1_771_927_600_000)
    )
    assert decode_tracking(told).outcome.reason is invalid.reason
    check_tracking(told)
    letter = DeadLetter(
        record=received.record,
        reason=invalid.reason,
        error=invalid.detail,
        first_seen=1_771_927_600_000,
    )
    headers = dead_letter_headers(letter)
    read = decode_dead_letter(msgspec.structs.replace(received.record, headers=headers))
    assert (read.reason, read.record.value) == (invalid.reason, received.record.value)


@functools.lru_cache(maxsize=50_000)
def check_tracking(written: bytes) -> None:
    _TRACKING.validate(msgspec.json.decode(written))


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _replaced(value: Any, place: tuple[Any, ...]) -> Any:
    if not place:
        return _HERE
    key, *rest = place
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[key] = _replaced(value[key], tuple(rest))
    return copied
