"""Who is sent an email at once, and who is told in a summary."""

from typing import Any

import pytest

from consumer.domain.alarm import State
from consumer.domain.follow_up import stands_alone
from consumer.domain.rate_limit import (
    Asked,
    Owed,
    Standing,
    decide,
    is_summary,
    recipient_of,
    summary_event,
    summary_id_of,
    summary_uid,
)
from tests.support.factories import make_event

TENANT, ONCALL = "487000", "oncall@example.com"
WHO = recipient_of(TENANT, ONCALL)


def asked(uid: str, at_most: int | None = 2, **changes: Any) -> Asked:
    values: dict[str, Any] = {
        "uid": uid,
        "tenant_id": TENANT,
        "destination": ONCALL,
        "atom": "a",
        "event_id": f"event of {uid}",
        "state": State.WARNING,
        "timestamp_ms": 1_392_138_733_810,
        "at_most": at_most,
    }
    return Asked(**(values | changes))


@pytest.mark.parametrize(
    ("standing", "at_most", "goes"),
    [
        (Standing(), 2, True),
        (Standing(sent=1), 2, True),
        (Standing(sent=2), 2, False),
        (Standing(sent=9), 2, False),
        # What must not be held back goes whatever else is so.
        (Standing(sent=9), None, True),
        (Standing(sent=9, summary_id="open"), None, True),
        # There is room again, and yet it would tell a newer state than the summary after it.
        (Standing(sent=0, summary_id="open"), 2, False),
        (Standing(sent=0, under_way=True), 2, False),
    ],
)
def test_the_table(standing: Standing, at_most: int | None, goes: bool) -> None:
    assert (decide([asked("1", at_most)], {WHO: standing})["1"] is None) is goes


def test_earlier_ones_of_a_batch_count_for_later_ones() -> None:
    decided = decide([asked(str(n)) for n in range(5)], {})
    opened = summary_id_of("2")
    assert decided == {"0": None, "1": None, "2": opened, "3": opened, "4": opened}


def test_what_must_go_counts_too() -> None:
    decided = decide([asked("1", None), asked("2", None), asked("3")], {})
    assert [each is None for each in decided.values()] == [True, True, False]


def test_an_open_summary_is_joined_and_one_under_way_is_not() -> None:
    joined = decide([asked("1")], {WHO: Standing(summary_id="open")})
    assert joined == {"1": "open"}
    opened = decide([asked("1"), asked("2")], {WHO: Standing(under_way=True)})
    assert set(opened.values()) == {summary_id_of("1")}


def test_another_address_and_another_tenant_are_counted_by_themselves() -> None:
    batch = [
        asked("1", 1),
        asked("2", 1, destination="second@example.com"),
        asked("3", 1, tenant_id="487001"),
        asked("4", 1, destination="OnCall@example.com"),
    ]
    assert [uid for uid, held in decide(batch, {}).items() if held] == ["4"]


def test_the_same_notification_twice_counts_once() -> None:
    assert decide([asked("1"), asked("1"), asked("2")], {}) == {"1": None, "2": None}


def test_the_summarys_event_is_no_alarms() -> None:
    id_ = summary_id_of("1")
    event = summary_event(Owed(id=id_, tenant_id=TENANT, destination=ONCALL), 1)
    assert (event.id, event.tenant_id) == (id_, TENANT)
    assert is_summary(event)
    assert stands_alone(event)
    # Whoever knows nothing of summaries sends nothing for it.
    assert not event.actions_enabled


def test_a_foreign_event_of_such_an_id_is_an_alarms() -> None:
    assert not is_summary(make_event(id=summary_id_of("1")))


def test_the_summarys_uid_does_not_depend_on_how_its_address_is_written() -> None:
    assert summary_uid("summary-1", "OnCall@example.com") == summary_uid("summary-1", ONCALL)
