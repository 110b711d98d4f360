"""What asking a provider about a lost answer keeps, over HTTP, on each API that can be asked."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from consumer.adapters.mailgun.client import MailgunTransport
from consumer.adapters.mailgun.lookup import MailgunLookup
from consumer.adapters.mailgun.lookup_questions import Api
from consumer.domain.errors import LookupUnavailable
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Lookup
from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.clock import ManualClock
from tests.support.factories import make_email

DOMAIN = "alerts.example.com"
SENDING_KEY = "sending-key"
FULL_KEY = "full-key"


class Provider:
    """Mailgun, a sender whose answers can be lost, and the lookup that is asked then."""

    def __init__(self, api: Api) -> None:
        self.clock = ManualClock()
        self.fake = FakeMailgun(
            Options(
                domains={DOMAIN},
                api_keys={SENDING_KEY: "sending", FULL_KEY: "full"},
                event_delay_seconds=20,
                now=self.clock.now,
            )
        ).start()
        self._api: Api = api
        self.lookup: Lookup = self.lookup_with(FULL_KEY)
        self.transport = MailgunTransport(
            base_url=self.fake.url,
            domain=DOMAIN,
            api_key=SENDING_KEY,
            clock=self.clock,
            pool_size=1,
            read_timeout=5.0,
        )

    def lookup_with(self, key: str, **changes: Any) -> MailgunLookup:
        values: dict[str, Any] = {
            "base_url": self.fake.url,
            "domain": DOMAIN,
            "lookup_key": key,
            "api": self._api,
            "clock": self.clock,
        }
        return MailgunLookup(**(values | changes))

    def send_in_doubt(self, fault: dict[str, Any], **changes: Any) -> Email:
        self.fake.script(fault)
        email = make_email(**changes)
        assert self.transport.send(email, SendOptions()).kind is Kind.IN_DOUBT
        return email

    def find(self, email: Email) -> SendResult | None:
        return self.lookup.find(email, self.clock.now())

    def break_lookups(self, **fault: Any) -> None:
        self.fake.script({"call": "lookup", **fault})

    def close(self) -> None:
        self.lookup.close()
        self.transport.close()
        self.fake.stop()


@pytest.fixture(scope="module", params=["events", "logs"])
def running(request: pytest.FixtureRequest) -> Iterator[Provider]:
    made = Provider(request.param)
    yield made
    made.close()


@pytest.fixture
def provider(running: Provider) -> Provider:
    """Without mails and faults of other tests, and with a lookup whose gate is open."""
    running.fake.reset()
    running.lookup.close()
    running.lookup = running.lookup_with(FULL_KEY)
    return running


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "when": "after"},
        {"kind": "status", "status": 500, "when": "after"},
        {"kind": "html502", "when": "after"},
        {"kind": "truncate", "when": "after"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_what_the_provider_took_is_found_once_it_shows(
    provider: Provider, fault: dict[str, Any]
) -> None:
    email = provider.send_in_doubt(fault)
    assert provider.find(email) is None, "events show late: this proves nothing"
    provider.clock.advance(20)
    found = provider.find(email)
    assert found is not None
    assert (found.kind, found.reason) == (Kind.ACCEPTED, Reason.FOUND)
    assert found.message == "Mailgun has it: accepted, delivered"
    assert found.provider_id == email.message_id
    assert found.transport == provider.transport.name


def test_what_the_provider_never_took_is_not_found(provider: Provider) -> None:
    other = make_email(message_id=f"<other@{DOMAIN}>")
    assert provider.transport.send(other, SendOptions()).kind is Kind.ACCEPTED
    email = provider.send_in_doubt({"kind": "reset"}, message_id=f"<ours@{DOMAIN}>")
    provider.clock.advance(20)
    assert provider.find(email) is None
    assert provider.find(other) is not None


def test_what_was_taken_and_thrown_away_has_failed(provider: Provider) -> None:
    email = make_email(message_id=f"<ours@{DOMAIN}>")
    item = {
        "event": "rejected",
        "reject": {"reason": "generic", "description": "Sandbox subdomains are for tests"},
        "message": {"headers": {"message-id": f"ours@{DOMAIN}", "to": email.to}},
    }
    page = {"items": [item], "paging": {}, "pagination": {}}
    provider.break_lookups(kind="status", status=200, body=page)
    found = provider.find(email)
    assert found is not None
    assert (found.kind, found.reason) == (Kind.FAILED, Reason.PROVIDER_REJECTED)
    assert "generic: Sandbox subdomains are for tests" in found.message


@pytest.mark.parametrize("off", [-3000, 3000])
def test_clocks_may_differ(provider: Provider, off: float) -> None:
    email = provider.send_in_doubt({"kind": "reset", "when": "after"})
    provider.clock.advance(20)
    assert provider.lookup.find(email, provider.clock.now() + off) is not None


def test_an_unknown_key_is_told_to_the_operator(provider: Provider) -> None:
    stranger = provider.lookup_with("no-such-key")
    with pytest.raises(LookupUnavailable, match=r"check mailgun\.lookup_key") as caught:
        stranger.find(make_email(), provider.clock.now())
    assert "no-such-key" not in str(caught.value)
    stranger.close()


def test_a_sending_key_cannot_look_up(provider: Provider) -> None:
    sender = provider.lookup_with(SENDING_KEY)
    with pytest.raises(LookupUnavailable, match="must be allowed to read events"):
        sender.find(make_email(), provider.clock.now())
    sender.close()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": "status", "status": 503}, "HTTP 503"),
        ({"kind": "html502"}, "HTTP 502: 502 Bad Gateway"),
        ({"kind": "magnificent"}, r"check mailgun\.domain"),
        ({"kind": "status", "status": 200, "body": "<html>Log in</html>"}, "HTTP 200: Log in"),
        ({"kind": "truncate"}, "cannot be read"),
        ({"kind": "reset", "count": 2}, "reset"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_an_answer_that_is_none_is_never_taken_for_nothing(
    provider: Provider, fault: dict[str, Any], text: str
) -> None:
    """A mail that is out would go out again."""
    email = provider.send_in_doubt({"kind": "reset", "when": "after"})
    provider.clock.advance(20)
    provider.break_lookups(**fault)
    with pytest.raises(LookupUnavailable, match=text):
        provider.find(email)
    assert provider.find(email) is not None, "it was only that answer"


def test_a_provider_that_does_not_answer_in_time(provider: Provider) -> None:
    provider.break_lookups(kind="hang")
    hasty = provider.lookup_with(FULL_KEY, read_timeout=0.2)
    with pytest.raises(LookupUnavailable, match="no answer within"):
        hasty.find(make_email(), provider.clock.now())
    hasty.close()


def test_a_connection_cut_once_is_not_noticed(provider: Provider) -> None:
    email = provider.send_in_doubt({"kind": "reset", "when": "after"})
    provider.clock.advance(20)
    provider.break_lookups(kind="reset")
    assert provider.find(email) is not None


@pytest.mark.parametrize("status", [420, 429])
def test_a_throttled_lookup_waits_and_sends_do_not(provider: Provider, status: int) -> None:
    provider.break_lookups(kind="throttle", status=status, seconds=90, retry="seconds", count=None)
    asked = provider.fake.stats()["lookups"]
    for _ in range(3):
        with pytest.raises(LookupUnavailable, match="wait 90 s"):
            provider.find(make_email())
    assert provider.fake.stats()["lookups"] == asked + 1
    assert provider.transport.send(make_email(), SendOptions()).kind is Kind.ACCEPTED


def test_many_ask_at_the_same_time(provider: Provider) -> None:
    emails = [make_email(message_id=f"<m{number}@{DOMAIN}>") for number in range(16)]
    for email in emails[::2]:
        provider.transport.send(email, SendOptions())
    provider.clock.advance(20)
    found: dict[str, SendResult | None] = {}

    def ask(email: Email) -> None:
        found[email.message_id] = provider.find(email)

    threads = [threading.Thread(target=ask, args=(email,)) for email in emails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [found[email.message_id] is not None for email in emails] == [True, False] * 8


def test_a_closed_lookup_is_unavailable_and_closes_again(provider: Provider) -> None:
    provider.lookup.close()
    with pytest.raises(LookupUnavailable, match="closed"):
        provider.find(make_email())
    provider.lookup.close()
