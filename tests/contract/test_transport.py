"""What every way of delivering email keeps, on each implementation of `Transport`."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import pytest

from consumer.adapters.clock import SystemClock
from consumer.adapters.mailgun.client import MailgunTransport
from consumer.adapters.smtp.client import SmtpTransport
from consumer.domain.notification import SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.ports import Transport
from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.factories import make_email
from tests.support.smtp import FakeSmtp

DOMAIN = "alerts.example.com"


class Provider(Protocol):
    """A provider that a test owns: it can be looked into and made to fail."""

    transport: Transport

    def received(self) -> Sequence[tuple[str, str, str, str]]:
        """Message-Id in brackets, address, subject and text of each email taken."""

    def take_next_without_an_answer(self) -> None: ...

    def refuse_next(self) -> None: ...

    def throttle(self) -> None: ...

    def go_away(self) -> None: ...


class Mailgun:
    """Mailgun's transport on the fake Mailgun."""

    def __init__(self) -> None:
        self._fake = FakeMailgun(Options(domains={DOMAIN}), port=0).start()
        self.transport: Transport = MailgunTransport(
            base_url=self._fake.url,
            domain=DOMAIN,
            api_key=self._fake.api_key,
            clock=SystemClock(),
            pool_size=4,
            connect_timeout=2.0,
            read_timeout=5.0,
        )

    def received(self) -> Sequence[tuple[str, str, str, str]]:
        return [
            (f"<{mail['message_id']}>", mail["recipient"], mail["subject"], mail["text"])
            for mail in self._fake.messages()
        ]

    def take_next_without_an_answer(self) -> None:
        self._fake.script({"kind": "reset", "when": "after"})

    def refuse_next(self) -> None:
        body = {"message": "to parameter is not a valid address. please check documentation"}
        self._fake.script({"kind": "status", "status": 400, "body": body})

    def throttle(self) -> None:
        self._fake.script({"kind": "throttle", "seconds": 600, "count": None})

    def go_away(self) -> None:
        self._fake.stop()

    def close(self) -> None:
        self.transport.close()
        self._fake.stop()


class Smtp:
    """A mail server's transport on the fake one."""

    def __init__(self) -> None:
        self._fake = FakeSmtp().start()
        self.transport: Transport = SmtpTransport(
            host="127.0.0.1",
            port=self._fake.port,
            tls="none",
            clock=SystemClock(),
            pool_size=4,
            connect_timeout=2.0,
            read_timeout=5.0,
        )

    def received(self) -> Sequence[tuple[str, str, str, str]]:
        return [
            (mail.message_id, mail.recipient, mail.subject, mail.text.rstrip())
            for mail in self._fake.messages
        ]

    def take_next_without_an_answer(self) -> None:
        self._fake.cut_at("END")

    def refuse_next(self) -> None:
        self._fake.answer_at("RCPT", "553 5.1.3 not a valid address")

    def throttle(self) -> None:
        self._fake.answer_at("RCPT", "450 4.7.1 too many from you")

    def go_away(self) -> None:
        self._fake.stop()

    def close(self) -> None:
        self.transport.close()
        self._fake.stop()


@pytest.fixture(params=[Mailgun, Smtp], ids=lambda provider: provider.__name__.lower())
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    made = request.param()
    yield made
    made.close()


def send(provider: Provider, **changes: Any) -> SendResult:
    return provider.transport.send(make_email(**changes), SendOptions())


def test_an_accepted_email_arrives_once_and_as_it_was(provider: Provider) -> None:
    email = make_email(subject="Höhe > 90 % & steigend", text='"Ja" + 100 %\n火事 🔥')
    sent = provider.transport.send(email, SendOptions())
    assert (sent.kind, sent.reason) == (Kind.ACCEPTED, Reason.QUEUED)
    assert sent.transport == provider.transport.name
    assert sent.provider_id == email.message_id
    assert provider.received() == [(email.message_id, email.to, email.subject, email.text)]


def test_a_lost_answer_is_in_doubt_and_nothing_is_repeated(provider: Provider) -> None:
    provider.take_next_without_an_answer()
    sent = send(provider)
    assert (sent.kind, sent.reason, sent.calls) == (Kind.IN_DOUBT, Reason.ANSWER_LOST, 1)
    assert len(provider.received()) == 1


def test_a_refusal_is_final_and_says_why(provider: Provider) -> None:
    provider.refuse_next()
    sent = send(provider)
    assert (sent.kind, sent.reason) == (Kind.FAILED, Reason.PROVIDER_REJECTED)
    assert "not a valid address" in sent.message
    assert provider.received() == []


def test_a_throttled_email_was_not_taken(provider: Provider) -> None:
    provider.throttle()
    sent = send(provider)
    assert (sent.kind, sent.reason) == (Kind.DEFERRED, Reason.THROTTLED)
    assert provider.received() == []


def test_a_provider_that_is_away_took_nothing(provider: Provider) -> None:
    provider.go_away()
    sent = send(provider)
    assert (sent.kind, sent.reason) == (Kind.DEFERRED, Reason.UNREACHABLE)


def test_many_senders_share_a_transport(provider: Provider) -> None:
    results: dict[str, SendResult] = {}

    def sender(number: int) -> None:
        for part in range(5):
            message_id = f"<m{number}.{part}@{DOMAIN}>"
            results[message_id] = send(provider, message_id=message_id)

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {result.kind for result in results.values()} == {Kind.ACCEPTED}
    assert sorted(mail[0] for mail in provider.received()) == sorted(results)


def test_a_closed_transport_defers_and_closes_again(provider: Provider) -> None:
    provider.transport.close()
    assert send(provider).kind is Kind.DEFERRED
    provider.transport.close()
