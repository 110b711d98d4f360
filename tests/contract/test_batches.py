"""What sending many emails with one call keeps, over HTTP: each is a mail of its own."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from consumer.adapters.mailgun.batch_limit import BELIEVED_SECONDS
from consumer.adapters.mailgun.client import MailgunTransport
from consumer.adapters.mailgun.lookup import MailgunLookup
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import AccessEntry, BatchTransport
from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.clock import ManualClock
from tests.support.factories import make_email
from tests.unit.adapters.mailgun.batches import DOMAIN, make_emails, nasty_emails

KEY = "full-key"
ACCEPTED = {(Kind.ACCEPTED, Reason.QUEUED)}
REFUSED = {(Kind.DEFERRED, Reason.BATCH_REFUSED)}


class Provider:
    """A fake Mailgun, and the transport that is watched while it calls it."""

    def __init__(self, **changes: Any) -> None:
        self.clock = ManualClock()
        self.fake = FakeMailgun(
            Options(domains={DOMAIN}, api_keys={KEY: "full"}, now=self.clock.now, **changes)
        ).start()
        self.calls: list[AccessEntry] = []
        self.mailgun = self.transport_with()
        self.transport: BatchTransport = self.mailgun
        self.lookup = MailgunLookup(
            base_url=self.fake.url, domain=DOMAIN, lookup_key=KEY, clock=self.clock
        )

    def transport_with(self, **changes: Any) -> MailgunTransport:
        values: dict[str, Any] = {
            "base_url": self.fake.url,
            "domain": DOMAIN,
            "api_key": KEY,
            "clock": self.clock,
            "access_log": self.calls.append,
            "pool_size": 4,
            "read_timeout": 10.0,
        }
        return MailgunTransport(**(values | changes))

    def send(self, emails: Sequence[Email], **options: Any) -> Sequence[SendResult]:
        results = self.transport.send_batch(emails, SendOptions(**options))
        assert len(results) == len(emails)
        return results

    def mails(self) -> dict[str, dict[str, Any]]:
        """What each address got, without what differs from call to call."""
        mails = {mail["recipient"]: mail for mail in self.fake.messages()}
        for mail in mails.values():
            for changing in ("sequence", "storage_key", "batch_id", "accepted_at"):
                del mail[changing]
        return mails

    def fresh(self) -> None:
        self.fake.reset()
        self.calls.clear()
        self.mailgun.close()
        self.transport = self.mailgun = self.transport_with()

    def close(self) -> None:
        self.mailgun.close()
        self.lookup.close()
        self.fake.stop()


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.fresh()
    return running


def told(results: Sequence[SendResult]) -> set[tuple[Kind, Reason]]:
    return {(result.kind, result.reason) for result in results}


def test_a_thousand_emails_are_one_call_and_a_thousand_mails(provider: Provider) -> None:
    emails = make_emails(1000)
    results = provider.send(emails)
    assert told(results) == ACCEPTED
    assert [result.provider_id for result in results] == [email.message_id for email in emails]
    mails = provider.fake.messages()
    assert [(f"<{mail['message_id']}>", mail["recipient"], mail["to"]) for mail in mails] == [
        (email.message_id, email.to, email.to) for email in emails
    ]
    assert [mail["variables"]["uid"] for mail in mails] == [email.uid for email in emails]
    assert provider.fake.stats()["accepted_calls"] == 1


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(emails=nasty_emails())
def test_each_mail_is_what_a_call_of_its_own_would_have_made(
    provider: Provider, emails: Sequence[Email]
) -> None:
    options = SendOptions(test_mode=True, tags=("phase-1",))
    emails = [email for email in emails if provider.transport.together(email, options) is not None]
    if len(emails) < 2:
        return
    provider.fake.reset()
    for email in emails:
        assert provider.transport.send(email, options).kind is Kind.ACCEPTED
    single = provider.mails()
    provider.fake.reset()
    assert told(provider.transport.send_batch(emails, options)) == ACCEPTED
    assert provider.mails() == single


@pytest.mark.parametrize("text", ["%recipient.uid%", "%recipient%", "%recipient_email%"])
def test_what_an_alarm_says_is_never_filled_in(provider: Provider, text: str) -> None:
    email = make_email(text=text, subject=text, html=text)
    assert provider.transport.together(email, SendOptions()) is None
    provider.transport.send(email, SendOptions())
    mail = provider.mails()[email.to]
    assert (mail["text"], mail["subject"], mail["html"]) == (text, text, text)


def test_one_bad_address_refuses_the_batch_and_nothing_goes_out(provider: Provider) -> None:
    *good, last = make_emails(20)
    bad = make_email(to="on..call@example.com", variables=last.variables)
    assert provider.transport.together(bad, SendOptions()) is not None, "only Mailgun tells"
    results = provider.send([*good, bad])
    assert told(results) == REFUSED
    assert "not a valid address" in results[0].message
    assert provider.fake.messages() == []
    assert told(provider.send(good)) == ACCEPTED
    alone = provider.transport.send(bad, SendOptions())
    assert (alone.kind, alone.reason) == (Kind.FAILED, Reason.PROVIDER_REJECTED)


@pytest.mark.parametrize("address", ["person1@example.com", "PERSON1@Example.COM"])
def test_two_emails_for_one_address_are_never_sent_together(
    provider: Provider, address: str
) -> None:
    """Mailgun would drop the second, without a word."""
    results = provider.send([*make_emails(2), make_email(to=address)])
    assert told(results) == REFUSED
    assert {result.calls for result in results} == {0}
    assert provider.fake.stats()["calls"] == 0
    assert provider.calls == []


def test_more_than_a_call_may_carry_is_refused_without_one(provider: Provider) -> None:
    provider.transport = provider.transport_with(batch_limit=10)
    assert provider.transport.batch_limit == 10
    assert told(provider.send(make_emails(11))) == REFUSED
    assert told(provider.send(make_emails(10))) == ACCEPTED
    assert provider.fake.stats()["calls"] == 1


def test_a_body_beyond_mailguns_limit_is_refused_without_a_call(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`batch_bytes` counts characters: control characters and headers make more of them."""
    monkeypatch.setattr("consumer.adapters.mailgun.client._MAX_BODY_BYTES", 5_000)
    emails = [make_email(to=email.to, text=f"{email.uid}\x01" * 300) for email in make_emails(3)]
    assert told(provider.send(emails)) == REFUSED
    assert told(provider.send(make_emails(3))) == ACCEPTED
    assert provider.fake.stats()["calls"] == 1


def test_an_account_on_probation_is_respected_and_tried_again_later() -> None:
    provider = Provider(probation_recipients=10)
    try:
        refused = provider.send(make_emails(200))
        assert told(refused) == REFUSED
        assert "large batches" in refused[0].message
        assert provider.transport.batch_limit == 10
        assert told(provider.send(make_emails(10))) == ACCEPTED
        provider.clock.advance(BELIEVED_SECONDS)
        assert provider.transport.batch_limit == 1000
    finally:
        provider.close()


def test_the_most_that_mailgun_names_is_learned(provider: Provider) -> None:
    body = {"message": "Too many recipients, max is 100"}
    provider.fake.script({"kind": "status", "status": 400, "body": body})
    assert told(provider.send(make_emails(200))) == REFUSED
    assert provider.transport.batch_limit == 100


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 401, "body": "Forbidden"}, Reason.CONFIGURATION),
        ({"kind": "magnificent"}, Reason.CONFIGURATION),
        ({"kind": "status", "status": 413, "body": "<html>too large</html>"}, Reason.BATCH_REFUSED),
    ],
    ids=lambda value: str(value.get("status", "200")) if isinstance(value, dict) else "",
)
def test_what_was_not_taken_is_deferred_for_all(
    provider: Provider, fault: dict[str, Any], expected: Reason
) -> None:
    provider.fake.script(fault)
    assert told(provider.send(make_emails(3))) == {(Kind.DEFERRED, expected)}
    assert provider.fake.messages() == []


@pytest.mark.parametrize("status", [420, 429])
def test_a_throttled_batch_closes_the_gate_for_everything(provider: Provider, status: int) -> None:
    provider.fake.script(
        {"kind": "throttle", "status": status, "seconds": 90, "retry": "seconds", "count": None}
    )
    results = provider.send(make_emails(3))
    assert told(results) == {(Kind.DEFERRED, Reason.THROTTLED)}
    assert {result.retry_at for result in results} == {provider.clock.now() + 90}
    assert provider.transport.opens_in() == 90
    assert told(provider.send(make_emails(3))) == {(Kind.DEFERRED, Reason.THROTTLED)}
    assert provider.transport.send(make_email(), SendOptions()).calls == 0
    assert provider.fake.stats()["calls"] == 1


@pytest.mark.parametrize("kind", ["reset", "html502", "truncate"])
def test_a_lost_answer_is_in_doubt_for_all_and_each_is_found(provider: Provider, kind: str) -> None:
    emails = make_emails(3)
    provider.fake.script({"kind": kind, "when": "after"})
    assert {result.kind for result in provider.send(emails)} == {Kind.IN_DOUBT}
    assert provider.fake.stats()["calls"] == 1, "nothing is repeated"
    for email in emails:
        found = provider.lookup.find(email, provider.clock.now())
        assert found is not None
        assert (found.reason, found.provider_id) == (Reason.FOUND, email.message_id)


def test_a_batch_that_was_never_taken_is_not_found(provider: Provider) -> None:
    taken, never = make_emails(4)[:2], make_emails(4)[2:]
    provider.send(taken)
    provider.fake.script({"kind": "reset"})
    assert {result.kind for result in provider.send(never)} == {Kind.IN_DOUBT}
    for email in never:
        assert provider.lookup.find(email, provider.clock.now()) is None


def test_a_provider_that_is_away_took_nothing() -> None:
    provider = Provider()
    provider.fake.stop()
    assert told(provider.send(make_emails(3))) == {(Kind.DEFERRED, Reason.UNREACHABLE)}
    provider.close()


def test_each_call_is_one_line_of_the_access_log(provider: Provider) -> None:
    emails = make_emails(5)
    provider.send(emails)
    provider.transport.send(make_email(), SendOptions())
    assert [(entry.emails, entry.kind) for entry in provider.calls] == [
        (5, Kind.ACCEPTED),
        (1, Kind.ACCEPTED),
    ]
    assert provider.calls[0].uid == emails[0].uid


def test_many_senders_share_the_transport(provider: Provider) -> None:
    results: list[SendResult] = []

    def sender(number: int) -> None:
        emails = make_emails(50)
        for part in range(3):
            batch = [
                make_email(to=email.to, message_id=f"<{number}.{part}.{place}@{DOMAIN}>")
                for place, email in enumerate(emails)
            ]
            results.extend(provider.send(batch))

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told(results) == ACCEPTED
    received = {f"<{mail['message_id']}>" for mail in provider.fake.messages()}
    assert received == {result.provider_id for result in results}
    assert len(received) == 600


def test_a_batch_of_usual_size_is_within_the_bytes_of_a_call(provider: Provider) -> None:
    email = make_email(text="x" * 2_000, html="y" * 5_000)
    assert 1000 * email.size <= provider.transport.batch_bytes
