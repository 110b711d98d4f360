"""Mailgun's answers to a change of its lists."""

import json
from collections.abc import Callable

import pytest

from consumer.adapters.mailgun.asking import Asking
from consumer.adapters.mailgun.suppressions import MailgunSuppressions
from consumer.domain.errors import LookupUnavailable, MessengerError, SettingsError
from consumer.domain.suppression import SuppressedAddress, SuppressionList
from tests.support.clock import ManualClock
from tests.unit.adapters.mailgun.server import MisbehavingServer, answering, http_answer

BOUNCES = SuppressionList.BOUNCES
ENTRY = SuppressedAddress(list=BOUNCES, address="gone@example.com")


def client(url: str, domain: str = "alerts.example.com") -> MailgunSuppressions:
    asking = Asking(
        base_url=url,
        key="key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
        key_setting="mailgun.lookup_key",
        what="lists",
        clock=ManualClock(),
        connect_timeout=1.0,
        read_timeout=1.0,
    )
    return MailgunSuppressions(asking, domain)


def answer(status: str, message: str) -> MisbehavingServer:
    return MisbehavingServer(
        answering(http_answer(json.dumps({"message": message}).encode(), status))
    )


def test_what_is_wrong_with_the_entry_is_no_outage() -> None:
    with (
        answer("400 Bad Request", "Invalid address") as server,
        pytest.raises(MessengerError, match=r"does not take gone@example\.com") as caught,
    ):
        client(server.url).add(ENTRY)
    assert not isinstance(caught.value, LookupUnavailable)


@pytest.mark.parametrize(
    "message",
    [
        "Address not found in bounces table",
        "No spam complaints found for this address",
        "Address/Domain not found in allowlist table",
    ],
)
def test_an_entry_that_is_not_there_is_told_from_a_domain_that_is_not(message: str) -> None:
    with answer("404 Not Found", message) as server:
        assert not client(server.url).remove(BOUNCES, "gone@example.com")
    assert server.requests[0].startswith(
        b"DELETE /v3/alerts.example.com/bounces/gone%40example.com HTTP/1.1"
    )
    with (
        answer("404 Not Found", "Domain not found: alerts.example.com") as other,
        pytest.raises(LookupUnavailable, match=r"check mailgun\.domain"),
    ):
        client(other.url).remove(BOUNCES, "gone@example.com")


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "500 Server Error"])
@pytest.mark.parametrize(
    "call",
    [
        lambda lists: lists.add(ENTRY),
        lambda lists: lists.remove(BOUNCES, ENTRY.address),
        lambda lists: lists.page(BOUNCES),
    ],
    ids=["add", "remove", "page"],
)
def test_what_is_refused_for_another_reason_is_an_outage(
    status: str, call: Callable[[MailgunSuppressions], object]
) -> None:
    with answer(status, "no") as server, pytest.raises(LookupUnavailable, match="HTTP"):
        call(client(server.url))


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError):
        client("http://127.0.0.1:1", "no domain")
