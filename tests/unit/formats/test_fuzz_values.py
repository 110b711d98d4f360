"""Every nasty value in every place of every format's message: no place brings the consumer down."""

from collections import Counter
from typing import Any

import pytest

from consumer.domain.reasons import Reason
from consumer.pipeline.pipeline import Pipeline
from tests.unit.formats.nasty import (
    VALUES,
    check_end,
    first_samples,
    make_pipeline,
    places,
    record,
    written_at,
)
from tests.unit.formats.samples import Sample

SAMPLES = first_samples()


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return make_pipeline()


@pytest.mark.parametrize("name", SAMPLES)
def test_it_ends_as_events_or_as_a_dead_letter_with_a_reason(name: str, pipeline: Pipeline) -> None:
    sample, ends = SAMPLES[name], Counter[Reason | None]()
    for place in places(sample.value):
        records = [
            record(written_at(sample.value, place, text), sample.headers, name)
            for text in VALUES.values()
        ]
        for title, received in zip(VALUES, pipeline.receive(records), strict=True):
            try:
                ends[check_end(received)] += 1
            except Exception as error:
                error.add_note(f"{title} at {place}")
                raise
    assert ends[None], "what only informs may be anything"
    assert ends[Reason.SCHEMA_MISMATCH]
    assert ends[Reason.NOT_JSON]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("title", ["not a number", "infinity", "half a surrogate pair"])
def test_what_is_not_json_is_refused_even_where_nobody_reads_it(
    name: str, title: str, pipeline: Pipeline
) -> None:
    body = SAMPLES[name].body
    strange = body[:-1] + b', "nobody reads this": ' + VALUES[title].encode() + b"}"
    (received,) = pipeline.receive([record(strange, SAMPLES[name].headers)])
    assert check_end(received) is Reason.NOT_JSON


@pytest.mark.parametrize("name", SAMPLES)
def test_of_two_equal_keys_the_last_counts(name: str, pipeline: Pipeline) -> None:
    sample = SAMPLES[name]
    twice = Sample(_otherwise(sample.value)).body[:-1] + b"," + sample.body[1:]
    once, again = pipeline.receive(
        [record(body, sample.headers, name) for body in (sample.body, twice)]
    )
    assert check_end(once) is check_end(again) is None
    assert once.events == again.events


def _otherwise(value: Any) -> Any:
    """The same with other texts and numbers."""
    if isinstance(value, dict):
        return {name: _otherwise(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_otherwise(child) for child in value]
    if isinstance(value, str):
        return value + "?"
    return value + 1 if type(value) is int else value
