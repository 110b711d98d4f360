"""Samples of all formats, changed at random: events that keep our rules, or a closed reason."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer.formats import FORMATS
from consumer.pipeline.pipeline import Pipeline
from tests.contract.schemas.strategies import mutations
from tests.unit.formats.nasty import check_end, make_pipeline, record
from tests.unit.formats.samples import Sample, all_samples

SAMPLES = list(all_samples().items())

#: A format's name, and a sample of it with one to three of its values changed or gone.
changed = st.sampled_from(SAMPLES).flatmap(
    lambda each: st.tuples(
        st.just(each[0][0]),
        mutations(each[1].value).map(lambda value: Sample(value, each[1].headers)),
    )
)
header_names = st.sampled_from(
    ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "Content-Type"]
) | st.text(max_size=10)
headers = st.lists(st.tuples(header_names, st.binary(max_size=20) | st.just(b"1.0")), max_size=6)
quick = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return make_pipeline()


@quick
@given(changed=changed)
def test_changed_values(changed: tuple[str, Sample], pipeline: Pipeline) -> None:
    name, sample = changed
    for topic in ("alarm-events", name):
        (received,) = pipeline.receive([record(sample.body, sample.headers, topic)])
        check_end(received)


@quick
@given(
    each=st.sampled_from(SAMPLES),
    place=st.integers(0, 3000),
    junk=st.binary(max_size=6),
    gone=st.integers(0, 20),
    topic=st.sampled_from(["alarm-events", *FORMATS]),
)
def test_changed_bytes(
    each: tuple[tuple[str, str], Sample],
    place: int,
    junk: bytes,
    gone: int,
    topic: str,
    pipeline: Pipeline,
) -> None:
    (_, _), sample = each
    at = place % len(sample.body)
    body = sample.body[:at] + junk + sample.body[at + gone :]
    (received,) = pipeline.receive([record(body, sample.headers, topic)])
    check_end(received)


@quick
@given(each=st.sampled_from(SAMPLES), headers=headers)
def test_changed_headers(
    each: tuple[tuple[str, str], Sample],
    headers: list[tuple[str, bytes]],
    pipeline: Pipeline,
) -> None:
    (received,) = pipeline.receive([record(each[1].body, headers)])
    check_end(received)
