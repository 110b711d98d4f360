"""What every format promises, tried on every sample of every format."""

import json

import pytest

from consumer.formats import FORMATS, detect, markers, read
from consumer.wire import encode_event
from tests.contract.schemas.files import EVENT, validator
from tests.unit.formats.samples import Sample, all_samples

SAMPLES = all_samples()
EVENTS = validator(EVENT)

each_sample = pytest.mark.parametrize(
    ("name", "sample"),
    [(name, sample) for (name, _), sample in SAMPLES.items()],
    ids=[f"{name}: {title}" for name, title in SAMPLES],
)


def test_every_format_has_a_sample() -> None:
    assert {name for name, _ in SAMPLES} == {*FORMATS}


@each_sample
def test_a_sample_is_detected_as_itself(name: str, sample: Sample) -> None:
    assert detect(sample.body, sample.headers) == name


@each_sample
def test_a_sample_is_claimed_by_one_format_only(name: str, sample: Sample) -> None:
    """Whatever the order in which they are tried. What headers tell is asked for before."""
    found = markers.DECODER.decode(sample.body)
    claims = [known.name for known in FORMATS.values() if known.matches(found)]
    assert sample.headers or claims == [name]


@each_sample
def test_its_events_fit_our_own_schema(name: str, sample: Sample) -> None:
    decoded = read(sample.body, sample.headers)
    assert decoded.events
    for event in decoded.events:
        EVENTS.validate(json.loads(encode_event(event)))


@each_sample
def test_reading_it_twice_gives_the_same_events(name: str, sample: Sample) -> None:
    """So that a message that comes twice is a duplicate, on whatever machine."""
    assert read(sample.body, sample.headers) == read(sample.body, sample.headers, name)
