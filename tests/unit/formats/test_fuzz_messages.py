"""Whole messages that are out of all shape, to every format and to none."""

import gzip
import json

import pytest

from consumer.domain.reasons import Reason
from consumer.formats import FORMATS, salvage
from consumer.pipeline.pipeline import Pipeline
from tests.unit.formats.nasty import check_end, first_samples, make_pipeline, record

SAMPLES = first_samples()
BOM = b"\xef\xbb\xbf"
SOME = json.dumps({"entity": "web-1", "check": "disk", "state": "ok", "time": 1771927600}).encode()

MESSAGES = {
    "no value": (None, Reason.EMPTY),
    "nothing": (b"", Reason.EMPTY),
    "blanks": (b" \r\n\t", Reason.EMPTY),
    "a byte order mark alone": (BOM, Reason.EMPTY),
    "two byte order marks": (BOM + BOM + SOME, Reason.NOT_JSON),
    "UTF-16": (SOME.decode().encode("utf-16"), Reason.NOT_JSON),
    "zipped": (gzip.compress(SOME, mtime=0), Reason.NOT_JSON),
    "zeros": (bytes(100), Reason.NOT_JSON),
    "bytes that are no UTF-8": (SOME.replace(b"disk", b"\xff\xfe"), Reason.NOT_JSON),
    "a character in too many bytes": (SOME.replace(b"disk", b"\xc0\xaf"), Reason.NOT_JSON),
    "a surrogate in bytes": (SOME.replace(b"disk", b"\xed\xa0\x80"), Reason.NOT_JSON),
    "half a message": (SOME[: len(SOME) // 2], Reason.NOT_JSON),
    "two messages": (SOME + b"\n" + SOME, Reason.NOT_JSON),
    "single quotes": (SOME.replace(b'"', b"'"), Reason.NOT_JSON),
    "null": (b"null", Reason.SCHEMA_MISMATCH),
    "a number": (b"1e400", Reason.SCHEMA_MISMATCH),
    "a text": (b'"{}"', Reason.SCHEMA_MISMATCH),
    "a list": (b"[" + SOME + b"]", Reason.SCHEMA_MISMATCH),
    "100,000 brackets": (b"[" * 100_000 + b"]" * 100_000, Reason.SCHEMA_MISMATCH),
    "100,000 brackets that never close": (b"[" * 100_000, Reason.SCHEMA_MISMATCH),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Reason.SCHEMA_MISMATCH),
}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return make_pipeline()


@pytest.mark.parametrize("title", MESSAGES)
def test_no_format_makes_anything_of_it(title: str, pipeline: Pipeline) -> None:
    """Apart from what each misses first; of the one that is looked for, it is the reason given."""
    body, reason = MESSAGES[title]
    topics = ["alarm-events", *FORMATS]
    detected, *fixed = pipeline.receive([record(body, topic=topic) for topic in topics])
    assert check_end(detected) is reason
    assert {check_end(each) for each in fixed} <= {reason, Reason.SCHEMA_MISMATCH}


@pytest.mark.parametrize("name", SAMPLES)
def test_wherever_a_message_was_cut_off(name: str, pipeline: Pipeline) -> None:
    sample = SAMPLES[name]
    records = [
        record(sample.body[:length], sample.headers, name)
        for length in range(1, len(sample.body), 7)
    ]
    assert {check_end(each) for each in pipeline.receive(records)} == {Reason.NOT_JSON}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_byte_order_mark_and_blanks_around_it_change_nothing(
    name: str, pipeline: Pipeline
) -> None:
    sample = SAMPLES[name]
    padded = BOM + b"\n " + sample.body + b"\r\n"
    plain, marked = pipeline.receive(
        [record(body, sample.headers) for body in (sample.body, padded)]
    )
    assert plain.events == marked.events != ()


@pytest.mark.parametrize("name", SAMPLES)
def test_as_any_other_format_it_is_refused_or_read_whole(name: str, pipeline: Pipeline) -> None:
    """A topic that was given the wrong format loses nothing: what cannot be read is kept."""
    body = SAMPLES[name].body
    for received in pipeline.receive([record(body, topic=topic) for topic in FORMATS]):
        check_end(received)
    salvage(body)


@pytest.mark.parametrize(
    "headers",
    [
        [("ce_specversion", b"\xff")],
        [("ce_specversion", b"1.0"), ("ce_id", b"\xff"), ("ce_source", b""), ("ce_type", b"t")],
        [("ce_specversion", b"9" * 10_000)],
        [("ce_specversion", b"1.0")] * 1000,
        [("content-type", b"\xff"), ("", b""), ("ce_", b""), ("ce_time", b"0000")],
    ],
    ids=["no UTF-8", "no UTF-8 in the id", "a long version", "many", "odd names"],
)
def test_headers_may_be_anything(headers: list[tuple[str, bytes]], pipeline: Pipeline) -> None:
    for received in pipeline.receive([record(each.body, headers) for each in SAMPLES.values()]):
        check_end(received)
