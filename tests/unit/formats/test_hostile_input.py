"""Whatever the bytes are: events or InvalidMessage, nothing else, and one short line about it."""

import contextlib
import inspect
import json
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import FORMATS, decode, detect, salvage
from consumer.wire import decode_tracking, encode_event
from tests.contract.schemas.files import EVENT, validator
from tests.contract.schemas.strategies import mutations
from tests.unit.formats.payloads import own, rackspace

EVENTS = validator(EVENT)
OWN = json.dumps(own()).encode()

nearly_json = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda text, at, junk: text[:at] + junk + text[at:],
        st.sampled_from([OWN, json.dumps(rackspace()).encode()]),
        st.integers(0, 1500),
        st.binary(max_size=8),
    ),
)


def with_value(value: bytes) -> bytes:
    """Our own event with `value` as one metric's data."""
    return OWN[:-1] + b', "metrics": {"m": {"data": ' + value + b"}}}"


@settings(deadline=None, max_examples=300)
@given(nearly_json, st.sampled_from([None, *FORMATS]))
@example(b'{"schema":"\xff"}', None)
@example(b'"' + b"\xed\xa0\x80" + b'"', "rackspace")
def test_no_bytes_raise_anything_but_invalid_message(value: bytes, fixed: str | None) -> None:
    for read in (lambda: decode(value, fixed=fixed), lambda: decode_tracking(value)):
        with contextlib.suppress(InvalidMessage):
            read()
    salvage(value)


@settings(deadline=None, max_examples=300)
@given(mutations(rackspace()))
def test_what_is_read_from_a_strange_rackspace_payload_is_a_valid_event(
    payload: dict[str, object],
) -> None:
    """Other formats end in the same rules: their events may be written as our own."""
    value = json.dumps(payload).encode()
    try:
        events = decode(value, fixed="rackspace")
    except InvalidMessage:
        salvage(value)
        return
    for event in events:
        EVENTS.validate(json.loads(encode_event(event)))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"null", Reason.SCHEMA_MISMATCH),
        (b"[]", Reason.SCHEMA_MISMATCH),
        (b'"text"', Reason.SCHEMA_MISMATCH),
        (b"{", Reason.NOT_JSON),
        (OWN + b"x", Reason.NOT_JSON),
        (OWN.replace(b"by-hand", b"by-\xff"), Reason.NOT_JSON),
        (OWN.replace(b"by-hand", b"by-\\ud800"), Reason.NOT_JSON),
        (with_value(b"NaN"), Reason.NOT_JSON),
        (with_value(b"-Infinity"), Reason.NOT_JSON),
        (with_value(b"1e400"), Reason.SCHEMA_MISMATCH),
        (with_value(b"9" * 5000), Reason.SCHEMA_MISMATCH),
        (with_value(b"[" * 100_000 + b"]" * 100_000), Reason.SCHEMA_MISMATCH),
        (with_value(b"[" * 70 + b"]" * 70), Reason.SCHEMA_MISMATCH),
        (b'{"x":' * 10_000 + b"1" + b"}" * 10_000, Reason.SCHEMA_MISMATCH),
    ],
)
def test_known_tricks(value: bytes, reason: Reason) -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode(value)
    assert caught.value.reason is reason


def test_of_two_equal_keys_the_last_counts() -> None:
    (event,) = decode(OWN[:-1] + b', "alarm_id": "other"}')
    assert event.alarm_id == "other"


def test_a_deep_stack_changes_nothing() -> None:
    """How deep a message may nest does not depend on who reads it."""

    def deeper(levels: int) -> object:
        return deeper(levels - 1) if levels else decode(with_value(b"[" * 60 + b"]" * 60))

    free = sys.getrecursionlimit() - len(inspect.stack(0))
    assert deeper(free - 250) == decode(with_value(b"[" * 60 + b"]" * 60))


@pytest.mark.parametrize("fixed", [None, "alarm-state-event"])
def test_an_error_quotes_little_and_prints_on_one_line(fixed: str | None) -> None:
    secret = "\n\u2028\x1b" + "x" * 5000
    for changes in (
        {"state": secret},
        {"schema": f"alarm-state-event/{secret}"},
        {"schema": secret},
    ):
        with pytest.raises(InvalidMessage) as caught:
            decode(json.dumps(own(**changes)).encode(), fixed=fixed)
        assert caught.value.detail.isprintable()
        assert caught.value.detail.count("x") <= 200
        assert caught.value.__cause__ is None


@settings(deadline=None)
@given(nearly_json)
def test_detection_raises_nothing_else_either(value: bytes) -> None:
    with contextlib.suppress(InvalidMessage):
        assert detect(value) in FORMATS
