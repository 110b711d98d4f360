"""For all events and records, not only for the examples: encoder, schema and decoder agree."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.domain.alarm import AlarmEvent
from consumer.domain.errors import InvalidMessage
from consumer.domain.tracking import TrackingEvent
from consumer.formats import decode
from consumer.wire import decode_tracking, encode_event, encode_tracking
from tests.contract.schemas.files import EVENT, TRACKING, examples, validator
from tests.contract.schemas.strategies import events, mutations, tracking_events

EVENTS = validator(EVENT)
TRACKINGS = validator(TRACKING)

nearly_events = st.sampled_from(examples(EVENT, "valid")).flatmap(
    lambda path: mutations(json.loads(path.read_bytes()))
)
nearly_trackings = st.sampled_from(examples(TRACKING, "valid")).flatmap(
    lambda path: mutations(json.loads(path.read_bytes()))
)


@settings(deadline=None)
@given(events)
def test_every_event_we_write_validates_and_comes_back(event: AlarmEvent) -> None:
    written = encode_event(event)
    EVENTS.validate(json.loads(written))
    assert decode(written) == [event]


@settings(deadline=None)
@given(tracking_events)
def test_every_tracking_record_we_write_validates_and_comes_back(tracking: TrackingEvent) -> None:
    written = encode_tracking(tracking)
    TRACKINGS.validate(json.loads(written))
    assert decode_tracking(written) == tracking


@settings(deadline=None, max_examples=300)
@given(nearly_events)
def test_what_the_schema_allows_is_read_and_what_is_read_is_put_in_order(
    document: dict[str, object],
) -> None:
    """The decoder is never stricter than the schema; what it lets through, it makes valid."""
    try:
        (event,) = decode(json.dumps(document).encode())
    except InvalidMessage:
        assert not EVENTS.is_valid(document)
    else:
        EVENTS.validate(json.loads(encode_event(event)))


@settings(deadline=None, max_examples=300)
@given(nearly_trackings)
def test_schema_and_decoder_agree_on_tracking_records(document: dict[str, object]) -> None:
    """Only we write these, so there is no leniency: valid is what decodes, and nothing else."""
    try:
        decode_tracking(json.dumps(document).encode())
    except InvalidMessage:
        assert not TRACKINGS.is_valid(document)
    else:
        TRACKINGS.validate(document)
