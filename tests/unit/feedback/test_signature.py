"""Whose webhook it is, and how old."""

from typing import Any

import pytest

from consumer.feedback.signature import Checked, check, token_of
from tests.support.reports import SIGNING_KEY, signature

NOW = 1_767_225_600.0
TOKEN = "0123456789abcdef0123456789abcdef0123456789abcdef01"
DAY = 86_400.0


def checked(of: Any, key: str = SIGNING_KEY, max_age: float = DAY) -> Checked:
    return check(of, key, NOW, max_age)


def test_mailguns_own_example_is_good() -> None:
    """The documentation gives timestamp, token, key and result."""
    example = "f3003d3e1187aba1b1213f12ca1c9e469423a69131553b5d0f0290d3f407f995"
    assert signature(NOW, TOKEN)["signature"] == example
    assert checked({"timestamp": "1767225600", "token": TOKEN, "signature": example}) is (
        Checked.GOOD
    )


def test_a_timestamp_may_be_a_number() -> None:
    assert checked(signature(NOW, TOKEN) | {"timestamp": 1_767_225_600}) is Checked.GOOD


def test_a_subaccounts_webhook_is_good_by_the_parents_signature() -> None:
    own = signature(NOW, TOKEN, "key-of-the-subaccount")
    assert checked(own) is Checked.BAD
    parents = signature(NOW, TOKEN)["signature"]
    assert checked(own | {"parent-signature": parents}) is Checked.GOOD
    assert checked(own | {"parent-signature": parents}, "key-of-the-subaccount") is Checked.GOOD


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": None},
        {"signature": "ä\ud800"},
        {"token": f"x{TOKEN[1:]}"},
        {"token": ""},
        {"token": None},
        {"timestamp": "1767225601"},
        {"timestamp": None},
        {"timestamp": True},
        {"timestamp": 1767225600.5},
        {"timestamp": "9" * 400},
    ],
)
def test_anything_changed_is_bad(changes: dict[str, Any]) -> None:
    assert checked(signature(NOW, TOKEN) | changes) is Checked.BAD


@pytest.mark.parametrize("of", [None, [], "text", {}])
def test_no_signature_is_bad(of: Any) -> None:
    assert checked(of) is Checked.BAD


def test_an_old_one_is_told_apart_from_a_bad_one() -> None:
    assert checked(signature(NOW - 3600, TOKEN), max_age=3600) is Checked.GOOD
    assert checked(signature(NOW - 3601, TOKEN), max_age=3600) is Checked.OLD


def test_one_of_a_time_to_come_is_a_matter_of_clocks() -> None:
    assert checked(signature(NOW + 900, TOKEN)) is Checked.GOOD
    assert checked(signature(NOW + 901, TOKEN)) is Checked.AHEAD


def test_digits_moved_from_the_token_to_the_time_make_no_new_token() -> None:
    """The same text is signed; the time it gives is not of this century."""
    good = signature(NOW, TOKEN)
    moved = good | {"timestamp": f"{good['timestamp']}0", "token": TOKEN[1:]}
    assert checked(moved) is Checked.AHEAD
    moved = good | {"timestamp": good["timestamp"][:-1], "token": f"0{TOKEN}"}
    assert checked(moved) is Checked.OLD


def test_a_token_is_a_short_text() -> None:
    assert token_of({"token": TOKEN}) == TOKEN
    assert [token_of({"token": each}) for each in ("x" * 129, "ä", 7)] == [None] * 3
