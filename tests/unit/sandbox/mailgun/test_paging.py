"""Pages of the event log: ranges, directions, tokens."""

from functools import partial

import pytest

from consumer.sandbox.mailgun.compose import compose
from consumer.sandbox.mailgun.options import Options
from consumer.sandbox.mailgun.paging import (
    BadQuery,
    Move,
    Page,
    Query,
    Select,
    read_page,
    time_range,
)
from consumer.sandbox.mailgun.store import Store
from tests.support.clock import ManualClock
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, make_form


class Log:
    """A store in which each second brings a mail; its events are `<subject><kind>`."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.store = Store(Options(now=self.clock.now))
        self.select: Select = partial(self.store.events, lambda _: True)

    def mails(self, subjects: str) -> None:
        for subject in subjects:
            self.store.accept(compose(make_form(subject=subject), DOMAIN, NOW).mails)
            self.clock.advance(1)

    def page(self, query: Query) -> Page:
        return read_page(query, self.select)

    def follow(self, page: Page, move: Move) -> Page:
        """By way of the token, as a client does."""
        return self.page(Query.of_token(page.links[move].token()))


def shown(page: Page) -> str:
    return " ".join(event.stored.mail.subject + event.kind[0] for event in page.events)


@pytest.fixture
def log() -> Log:
    log = Log()
    log.mails("123")
    return log


def test_an_ascending_walk_ends_with_an_empty_page_and_goes_on_later(log: Log) -> None:
    first = log.page(Query(newest_first=False, limit=4))
    second = log.follow(first, "next")
    end = log.follow(second, "next")
    still_the_end = log.follow(end, "next")

    assert [shown(page) for page in (first, second, end, still_the_end)] == [
        "1a 1d 2a 2d",
        "3a 3d",
        "",
        "",
    ]
    log.mails("4")
    assert shown(log.follow(still_the_end, "next")) == "4a 4d"
    assert shown(log.follow(second, "next")) == "4a 4d"


def test_a_descending_walk_goes_back_in_time(log: Log) -> None:
    first = log.page(Query(limit=4))
    second = log.follow(first, "next")

    assert (shown(first), shown(second)) == ("3d 3a 2d 2a", "1d 1a")
    assert shown(log.follow(second, "next")) == ""


def test_previous_leads_back_to_the_page_before(log: Log) -> None:
    first = log.page(Query(newest_first=False, limit=2))
    second = log.follow(first, "next")
    end = log.follow(log.follow(second, "next"), "next")

    assert shown(log.follow(second, "previous")) == "1a 1d"
    assert shown(log.follow(first, "previous")) == ""
    assert shown(log.follow(end, "previous")) == "3a 3d"


def test_previous_of_the_newest_page_brings_what_came_since(log: Log) -> None:
    newest = log.page(Query(limit=2))
    log.mails("4")

    assert shown(log.follow(newest, "previous")) == "4d 4a"


@pytest.mark.parametrize(("newest_first", "last"), [(False, "3a 3d"), (True, "1d 1a")])
def test_first_and_last(log: Log, newest_first: bool, last: str) -> None:
    page = log.page(Query(newest_first=newest_first, limit=2))
    middle = log.follow(page, "next")

    assert shown(log.follow(middle, "last")) == last
    assert shown(log.follow(middle, "first")) == shown(page)


def test_a_walk_from_an_empty_log_finds_what_comes() -> None:
    log = Log()
    page = log.page(Query(newest_first=False))
    assert shown(page) == ""

    log.mails("1")

    assert shown(log.follow(page, "next")) == "1a 1d"


def test_the_range_includes_its_ends(log: Log) -> None:
    assert shown(log.page(Query(low=NOW + 1, high=NOW + 1.5, newest_first=False))) == "2a 2d"


@pytest.mark.parametrize(
    ("begin", "end", "ascending", "query"),
    [
        ("", "", "", Query()),
        ("", "", "yes", Query(newest_first=False)),
        ("5", "9", "", Query(low=5, high=9, newest_first=False)),
        ("9", "5", "", Query(low=5, high=9)),
        ("5", "9", "yes", Query(low=5, high=9, newest_first=False)),
        ("9", "5", "no", Query(low=5, high=9)),
        ("5", "", "yes", Query(low=5, newest_first=False)),
        ("5", "", "no", Query(high=5)),
        ("", "9", "yes", Query(high=9, newest_first=False)),
        ("5", "", "", Query()),
        ("", "9", "", Query()),
        (
            "Thu, 01 Jan 2026 00:00:00 +0000",
            "",
            "yes",
            Query(low=NOW, newest_first=False),
        ),
        ("1767225600.5", "", "yes", Query(low=NOW + 0.5, newest_first=False)),
    ],
)
def test_begin_end_and_ascending(begin: str, end: str, ascending: str, query: Query) -> None:
    assert time_range(begin, end, ascending) == query


@pytest.mark.parametrize(
    ("begin", "end", "ascending"), [("5", "9", "no"), ("9", "5", "yes"), ("lately", "", "yes")]
)
def test_a_contradiction_is_an_error(begin: str, end: str, ascending: str) -> None:
    with pytest.raises(BadQuery):
        time_range(begin, end, ascending)


@pytest.mark.parametrize("token", ["", "x", "W10", "W251bGxd", "\u00e4"])
def test_an_invented_token_is_an_error(token: str) -> None:
    with pytest.raises(BadQuery):
        Query.of_token(token)
