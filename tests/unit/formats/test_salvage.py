"""Ids that can still be read from a message that was refused."""

import json

import pytest

from consumer.domain.alarm import State
from consumer.domain.tracking import TrackedEvent
from consumer.formats import salvage
from consumer.formats.reading import PARSE_LIMIT_BYTES
from tests.unit.formats.payloads import own, rackspace
from tests.unit.formats.samples.monasca import transition


def test_our_own_fields() -> None:
    told = salvage(json.dumps(own(schema="alarm-state-event/2", alarm_id=7, txn_id="t")).encode())
    assert told == TrackedEvent(
        id="0d0c7a52-6a3f-4a5e-9d35-0c1e6a1f5b77",
        tenant_id="487000",
        entity_id="web-1",
        check_id="disk",
        state=State.WARNING,
        timestamp=1_392_138_733_810,
        txn_id="t",
    )


def test_fields_of_the_rackspace_payload() -> None:
    payload = rackspace(tenant_id=None, details={"state": "DISABLED"})
    told = salvage(json.dumps(payload).encode())
    assert told == TrackedEvent(
        id=payload["log_entry_id"],
        event_id=payload["event_id"],
        entity_id="enW3bSrv01",
        check_id="chHttpW3b1",
        alarm_id="alBodyM4tc",
        timestamp=1_392_138_733_810,
        txn_id=payload["details"]["txn_id"],
    )


def test_what_is_no_sound_id_is_left_out() -> None:
    strange = own(id="a\x00b", tenant_id="", entity_id="e" * 256, state="critical", timestamp=5)
    told = salvage(json.dumps(strange).encode())
    assert told == TrackedEvent(id=None, check_id="disk", alarm_id="disk-full")


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{", b"[]", b"5", b"[" * 100_000, b'"\xff"', b" " * PARSE_LIMIT_BYTES + b"{}"],
)
def test_nothing_is_known_of_what_is_no_object(value: bytes | None) -> None:
    assert salvage(value) == TrackedEvent(id=None)


def test_the_ids_of_a_transition_are_read() -> None:
    found = salvage(json.dumps(transition(newState="?")).encode())
    assert found.tenant_id == "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    assert found.alarm_id == "7d2e8b44-6a0f-4c55-9d1b-2f1f2b7c0001"
    assert found.timestamp == 1_392_138_733_810
