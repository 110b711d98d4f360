"""No message costs more than its size: refused unread, or read in steps that can be counted."""

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from consumer.domain.errors import InvalidMessage
from consumer.domain.reasons import Reason
from consumer.formats import FORMATS, Format, markers, naming, read, reading, registry, salvage
from tests.unit.formats.nasty import first_samples
from tests.unit.formats.samples import Sample
from tests.unit.formats.samples.alertmanager import alert, group
from tests.unit.formats.samples.grafana import alert as grafana_alert
from tests.unit.formats.samples.grafana import group as grafana_group

SAMPLES = first_samples()
TEN_MB = 10_000_000


class Unreadable:
    """Fails whoever reads with it."""

    def decode(self, value: bytes, *_: Any) -> Any:
        pytest.fail(f"{len(value)} bytes were read")


#: Beginning, what is repeated, and end.
HUGE = {
    "a text": (b'{"entity": "', b"x", b'"}'),
    "a number": (b'{"time": ', b"9", b"}"),
    "brackets": (b"", b"[", b""),
    "blanks": (b"", b" ", b""),
    "keys": (b"{", b'"a":1,', b'"b":1}'),
}


@pytest.mark.parametrize("title", HUGE)
@pytest.mark.parametrize("fixed", [None, *FORMATS])
def test_what_is_huge_is_refused_by_its_size_alone(
    title: str, fixed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, repeated, end = HUGE[title]
    body = begin + repeated * (TEN_MB // len(repeated)) + end
    refuse = Unreadable().decode
    formats = {
        name: Format(name, refuse, known.emits, known.matches, known.mapping)
        for name, known in FORMATS.items()
    }
    monkeypatch.setattr(reading, "FORMATS", formats)
    monkeypatch.setattr(registry, "FORMATS", formats)
    monkeypatch.setattr(markers, "DECODER", Unreadable())
    monkeypatch.setattr("msgspec.json.decode", refuse)
    with pytest.raises(InvalidMessage) as caught:
        read(body, fixed=fixed)
    assert caught.value.reason is Reason.TOO_LARGE
    assert salvage(body).id is None


# -- steps -----------------------------------------------------------------------------------


def steps(work: Callable[[], object]) -> int:
    """Calls of functions, Python's and C's: the same each time, on any machine."""
    count = 0

    def counted(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def reading_of(name: str, value: Any) -> Callable[[], object]:
    body, headers = json.dumps(value).encode(), SAMPLES[name].headers

    def work() -> None:
        try:
            read(body, headers, name)
        except InvalidMessage:
            salvage(body)

    return work


def grown(value: Any, times: int) -> list[Any]:
    """The document with one of its lists, objects or texts made longer, for each of them."""
    found: list[Any] = []
    if isinstance(value, list):
        found = [value * times]
        children: Any = enumerate(value)
    elif isinstance(value, dict):
        found = [value | {f"{name} {n}": v for n in range(times) for name, v in value.items()}]
        children = value.items()
    else:
        return [value * times] if isinstance(value, str) else []
    for key, child in children:
        for other in grown(child, times):
            copied = value.copy()
            copied[key] = other
            found.append(copied)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_twice_as_long_takes_twice_the_steps_at_most(name: str) -> None:
    value = SAMPLES[name].value
    reading_of(name, value)()
    shorter, longer = grown(value, 60), grown(value, 120)
    for once, twice in zip(shorter, longer, strict=True):
        few, many = steps(reading_of(name, once)), steps(reading_of(name, twice))
        # The longer one may be refused where the shorter was not, which takes its own steps.
        assert many <= 2.2 * few + 150, f"{few} and {many} steps: {str(once)[:300]}"


# -- what all parts of a message share -------------------------------------------------------


class Meter:
    """Counts the bytes that go into digests."""

    def __init__(self) -> None:
        self.bytes = 0

    def blake2b(self, data: bytes, **options: Any) -> Any:
        self.bytes += len(data)
        return hashlib.blake2b(data, **options)


SHARED = {
    "receiver": group(*[alert(labels={"a": str(n)}) for n in range(300)], receiver="x" * 50_000),
    "organisation": grafana_group(
        *[grafana_alert(labels={"a": str(n)}) for n in range(300)], orgId="x" * 50_000
    ),
    "message": grafana_group(
        *[grafana_alert(labels={"a": str(n)}) for n in range(300)], message="x" * 50_000
    ),
    "labels in common": group(
        *[alert(labels={"a": str(n)}) for n in range(300)],
        commonLabels={f"l{n}": "x" for n in range(5000)},
        commonAnnotations={"summary": "x" * 50_000},
    ),
}


@pytest.mark.parametrize("title", SHARED)
def test_what_alerts_share_is_not_paid_for_by_each_of_them(
    title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter()
    monkeypatch.setattr(naming, "hashlib", meter)
    body = Sample(SHARED[title]).body
    decoded = read(body)
    assert len(decoded.events) == 300
    assert meter.bytes <= len(body)
    assert sum(len(str(event)) for event in decoded.events) < 10 * len(body)


def test_there_is_an_end_to_the_alerts_of_one_message() -> None:
    body = Sample(group(*[{}] * 10_001)).body
    with pytest.raises(InvalidMessage, match="10001 alerts, expected 1 to 10000"):
        read(body)


def test_an_envelope_is_opened_once() -> None:
    """However many envelopes are in it."""
    inner = SAMPLES["zabbix"].body
    for _ in range(6):
        data = base64.b64encode(inner).decode()
        inner = Sample(SAMPLES["cloudevents"].value | {"data": None, "data_base64": data}).body
    with pytest.raises(InvalidMessage, match="an envelope inside an envelope"):
        read(inner)
