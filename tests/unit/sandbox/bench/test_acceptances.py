"""The fake's record of what it accepted."""

from pathlib import Path

import pytest

from consumer.sandbox.bench.acceptances import (
    FILE,
    Acceptance,
    AcceptanceFile,
    doubled,
    line_of,
    out_of_order,
    rate,
)


def accepted(at: float, event_id: str = "e", message_id: str = "m") -> Acceptance:
    return Acceptance(at, event_id, message_id)


def test_the_file_is_read_while_it_is_written(tmp_path: Path) -> None:
    """A line counts when it is whole; times come back to the last digit."""
    first, second = accepted(1700000000.123456, "a"), accepted(1700000000.2, "b")
    record = AcceptanceFile(tmp_path)
    with (tmp_path / FILE).open("w") as file:
        file.write(line_of(first) + line_of(second)[:9])
        file.flush()
        assert len(record) == 1
        file.write(line_of(second)[9:])
        file.flush()
        assert len(record) == 2
    assert record.all == [first, second]


def test_the_rate_counts_what_came_after_the_first_call() -> None:
    """The first call's emails took their time before it."""
    assert rate([accepted(10.0)] * 1000 + [accepted(12.0)] * 500) == 250.0


@pytest.mark.parametrize("emails", [[], [accepted(10.0)], [accepted(10.0)] * 1000])
def test_one_call_has_no_rate(emails: list[Acceptance]) -> None:
    assert rate(emails) is None


def test_an_email_that_was_accepted_three_times_is_doubled_twice() -> None:
    ids = ["m1", "m2", "m1", "m3", "m1"]
    assert doubled([accepted(1.0, message_id=id_) for id_ in ids]) == 2


def test_what_comes_after_a_later_event_of_its_alarm_is_out_of_order() -> None:
    """Other alarms do not matter, nor does the same event again."""
    turns = {"a1": (b"a", 1), "a2": (b"a", 2), "a3": (b"a", 3), "b1": (b"b", 1)}
    in_order = [accepted(1.0, id_) for id_ in ("a1", "a2", "b1", "a2", "a3")]
    assert out_of_order(in_order, turns) == 0
    late = [accepted(1.0, id_) for id_ in ("a3", "a1", "b1", "a2", "a3")]
    assert out_of_order(late, turns) == 2
