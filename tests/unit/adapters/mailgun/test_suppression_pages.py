"""Pages of suppressed addresses: what is asked, and what Mailgun's answers hold."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from consumer.adapters.mailgun.suppression_pages import addition, ask, read, removal_path
from consumer.domain.suppression import SuppressedAddress, SuppressionList

DOMAIN = "alerts.example.com"
BOUNCES, ALLOWLIST = SuppressionList.BOUNCES, SuppressionList.ALLOWLIST
NEXT = (
    f"https://api.mailgun.net/v3/{DOMAIN}/bounces?page=next&address=gone%2Bx%40example.com&limit=2"
)


def bounce(**changes: Any) -> dict[str, Any]:
    return {
        "address": "Gone@example.com",
        "code": "550",
        "error": "No\nsuch user",
        "created_at": "Thu, 11 Dec 2025 01:49:40 UTC",
    } | changes


def test_the_next_page_is_where_the_link_says_with_our_own_limit() -> None:
    first = read(BOUNCES, {"items": [bounce()], "paging": {"next": NEXT}}, None)
    assert first is not None
    url = urlsplit(ask(DOMAIN, BOUNCES, first.after).path)
    assert url.path == f"/v3/{DOMAIN}/bounces"
    assert parse_qs(url.query) == {
        "page": ["next"],
        "address": ["gone+x@example.com"],
        "limit": ["1000"],
    }


def test_an_entry_has_its_time_and_its_words_on_one_line() -> None:
    page = read(BOUNCES, {"items": [bounce()], "paging": {}}, None)
    assert page is not None
    assert page.entries == [
        SuppressedAddress(
            list=BOUNCES,
            address="gone@example.com",
            since=1_765_417_780.0,
            why="550 No such user",
        )
    ]


def test_the_allowlist_has_other_names() -> None:
    item = {
        "type": "domain",
        "value": "example.com",
        "reason": "ours",
        "createdAt": "Thu, 11 Dec 2025 01:49:40 UTC",
    }
    page = read(ALLOWLIST, {"items": [item], "paging": {}}, None)
    assert page is not None
    (entry,) = page.entries
    assert (entry.address, entry.why, entry.since) == ("example.com", "ours", 1_765_417_780.0)
    assert not entry.holds_back


@pytest.mark.parametrize(
    ("items", "asked"),
    [([], None), ([bounce()], "page=next&address=gone%2Bx%40example.com")],
    ids=["empty", "a link to itself"],
)
def test_pages_end(items: list[Any], asked: str | None) -> None:
    page = read(BOUNCES, {"items": items, "paging": {"next": NEXT}}, asked)
    assert page is not None
    assert page.after is None


def test_what_is_no_entry_is_left_out_and_what_is_odd_in_one_is_not_there() -> None:
    items = [None, {}, bounce(address=7), bounce(address=" "), bounce(created_at={}, error=None)]
    page = read(BOUNCES, {"items": items, "paging": {}}, None)
    assert page is not None
    (entry,) = page.entries
    assert (entry.since, entry.why) == (None, "550")


@pytest.mark.parametrize("document", [None, [], {"items": []}, {"items": {}, "paging": {}}])
def test_another_answer_is_no_page(document: Any) -> None:
    assert read(BOUNCES, document, None) is None


def test_an_address_survives_its_way_into_a_path() -> None:
    assert removal_path(DOMAIN, BOUNCES, "a+b/c@example.com").endswith("/a%2Bb%2Fc%40example.com")


def test_the_allowlist_takes_domains_too() -> None:
    entry = SuppressedAddress(list=ALLOWLIST, address="example.com", why="ours")
    assert addition(DOMAIN, entry).body == b"domain=example.com&reason=ours"
