"""Bodies: what is in them comes out, and never more than the limit is held."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.ingest.unpacking import Body, BrokenBody, GzipBody, TooLargeBody

LIMIT = 10_000


def fed(body: Body, data: bytes, step: int = 700) -> bytes:
    for start in range(0, len(data), step):
        body.feed(data[start : start + step])
    return body.end()


@given(st.binary(max_size=2_000), st.integers(1, 300))
def test_what_was_packed_comes_out_however_it_is_cut(data: bytes, step: int) -> None:
    assert fed(Body(LIMIT), data, step) == data
    assert fed(GzipBody(LIMIT), gzip.compress(data), step) == data


def test_several_members_are_one_body() -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    assert fed(GzipBody(LIMIT), packed, 5) == b"one two"
    assert fed(GzipBody(LIMIT), packed, 1_000) == b"one two"


@pytest.mark.parametrize("step", [1, 100, 100_000])
def test_the_limit_counts_what_comes_out(step: int) -> None:
    assert len(fed(GzipBody(LIMIT), gzip.compress(b"x" * LIMIT), step)) == LIMIT
    with pytest.raises(TooLargeBody):
        fed(GzipBody(LIMIT), gzip.compress(b"x" * (LIMIT + 1)), step)


def test_a_bomb_is_left_before_it_goes_off() -> None:
    """10 MB in one chunk: no more than the limit and a byte is unpacked of it."""
    body = GzipBody(LIMIT)
    with pytest.raises(TooLargeBody):
        body.feed(gzip.compress(b"\0" * 10_000_000)[:LIMIT])
    assert len(vars(body)["_content"]) == LIMIT + 1


@pytest.mark.parametrize("kind", [Body, GzipBody])
def test_what_comes_in_is_limited_too(kind: type[Body]) -> None:
    """Thousands of members that are all empty would never reach a limit of what comes out."""
    empty = gzip.compress(b"") * 1_000
    with pytest.raises(TooLargeBody):
        fed(kind(LIMIT), empty)


@pytest.mark.parametrize("step", [1, 1_000_000])
def test_what_is_no_whole_gzip_is_refused(step: int) -> None:
    packed = gzip.compress(random.Random(1).randbytes(5_000))
    damaged = bytearray(packed)
    damaged[-5] ^= 1
    broken = (
        b"",
        b"{}",
        packed[:-1],
        packed[:40],
        packed + b"x",
        bytes(damaged),
        zlib.compress(b""),
    )
    for data in broken:
        with pytest.raises(BrokenBody):
            fed(GzipBody(LIMIT), data, step)
