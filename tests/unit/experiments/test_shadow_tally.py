"""Counts, examples of each sort, and the limit that a deploy pipeline stops at."""

import msgspec
import pytest

from consumer.domain.notification import SendOptions
from consumer.experiments.deciding import DecidedEmail, Decision
from consumer.experiments.shadow_asking import Answer
from consumer.experiments.shadow_differences import Change, Difference, Outcome
from consumer.experiments.shadow_tally import Limit, Tally, parse_limit
from tests.support.factories import make_email, make_event

EMAIL = Outcome(what="email")
ANSWERS = (Answer(), Answer())


def difference(number: int, after: str) -> Difference:
    return Difference(
        position=("alarm-events", 0, number),
        event_id=f"event-{number}",
        atom="487000:en:al:ch",
        state="CRITICAL",
        timestamp=0,
        production=EMAIL,
        candidate=Outcome(what=after),
        changes=[Change(who="a@example.com", production=EMAIL, candidate=Outcome(what=after))],
    )


@pytest.mark.parametrize(
    ("text", "different", "events", "passed"),
    [
        ("1%", 1, 100, False),
        ("1%", 2, 100, True),
        ("0.5 %", 1, 100, True),
        ("0", 0, 100, False),
        ("0", 1, 100, True),
        ("20", 20, 30, False),
        ("0%", 0, 0, False),
        ("100%", 7, 7, False),
    ],
)
def test_a_limit_is_passed_by_more_than_it_says(
    text: str, different: int, events: int, *, passed: bool
) -> None:
    assert parse_limit(text).passed_by(different, events) is passed


@pytest.mark.parametrize("text", ["", "-1", "101%", "1.5", "many", "%", "1%%"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit: write a number of events"):
        parse_limit(text)


def test_a_limit_is_told_as_it_was_given() -> None:
    assert (str(Limit(number=20)), str(Limit(percent=0.5))) == ("20", "0.5%")


def test_a_template_that_does_not_work_is_counted_also_where_production_has_it_too() -> None:
    broken = msgspec.structs.replace(make_email(), template_error="acme: line 1\x1b: no")
    email = DecidedEmail(email=broken, options=SendOptions(), target_id="nt", type="email")
    answer = Answer(decisions=[Decision(event=make_event(), emails=[email, email])])
    tally = Tally()
    tally.add((answer, answer), [None])
    assert tally.counts().different == 0
    assert tally.counts().template_errors == {"acme: line 1 : no": 2}


def test_each_sort_has_an_example_before_any_has_a_second() -> None:
    tally = Tally()
    for number in range(40):
        tally.add(ANSWERS, [difference(number, "stale" if number % 10 else "unchanged")])
    sorts = tally.sorts(3)
    assert [(sort.pattern, sort.events) for sort in sorts] == [
        (("email → stale",), 36),
        (("email → unchanged",), 4),
    ]
    assert [len(sort.examples) for sort in sorts] == [2, 1]
    assert [len(sort.examples) for sort in tally.sorts(0)] == [0, 0]


def test_examples_are_bounded_and_counts_are_not() -> None:
    tally = Tally()
    for number in range(1_000):
        tally.add(ANSWERS, [difference(number, f"reason {number}"), None])
    counts = tally.counts()
    assert (counts.events, counts.different) == (2_000, 1_000)
    assert counts.addresses_lost == {"a@example.com": 1_000}
    assert counts.recipients_added == 0
    sorts = tally.sorts(10_000)
    assert sum(sort.events for sort in sorts) == 1_000
    assert sum(len(sort.examples) for sort in sorts) < 250


def test_without_events_there_are_no_times() -> None:
    assert Tally().times() is None
