"""A candidate's emails go to a sandbox, or nowhere."""

from collections.abc import Sequence

import pytest

from consumer.domain.errors import SettingsError
from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from consumer.experiments.deciding import DecidedEmail, Decision
from consumer.experiments.shadow_asking import Answer
from consumer.experiments.shadow_sending import (
    SandboxAway,
    Sending,
    refuse_real,
    renamed,
    require_fake,
    says_fake,
)
from consumer.sandbox.mailgun import FakeMailgun
from tests.support.factories import make_email, make_event

PRODUCTION = "https://mail-api.example.com"


class Box:
    """A transport that keeps what it is given, and answers as it is told."""

    name = "mailgun"

    def __init__(self, *answers: tuple[Kind, Reason]) -> None:
        self._answers = list(answers)
        self.sent: list[tuple[Email, SendOptions]] = []

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.sent.append((email, options))
        kind, reason = self._answers.pop(0) if self._answers else (Kind.ACCEPTED, Reason.QUEUED)
        return SendResult(
            kind=kind, reason=reason, message=f"it said {reason}", transport="mailgun"
        )

    def opens_in(self) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""


def answer(*options: SendOptions) -> Answer:
    emails: Sequence[DecidedEmail] = [
        DecidedEmail(email=make_email(), options=each, target_id="nt", type="email")
        for each in options or (SendOptions(),)
    ]
    return Answer(decisions=[Decision(event=make_event(), emails=emails)])


@pytest.mark.parametrize(
    "url",
    [
        "https://api.mailgun.net",
        "https://api.eu.mailgun.net",
        "https://API.MAILGUN.NET.",
        "https://api.mailgun.net:8443",
        "https://mail-api.example.com",
        "https://MAIL-API.example.com:443",
    ],
)
def test_an_address_that_reaches_people_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--send sandbox"):
        refuse_real(url, PRODUCTION)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8025", "https://not-mailgun.net.example.com"])
def test_another_address_is_a_sandbox(url: str) -> None:
    refuse_real(url, PRODUCTION)


def test_who_says_so_is_a_fake_and_who_is_not_there_is_none() -> None:
    """A second name of production's address, or a proxy before Mailgun, does not say so."""
    with FakeMailgun() as fake:
        require_fake(fake.url)
        with pytest.raises(SettingsError, match="is no fake Mailgun"):
            require_fake(f"{fake.url}/v3")
    with pytest.raises(SandboxAway, match="refused; check that the sandbox runs"):
        require_fake(fake.url)


@pytest.mark.parametrize(
    "answer", [b"Mailgun Magnificent API", b"[]", b'{"accepted_messages": 1', b"{}", b""]
)
def test_other_answers_are_no_fakes(answer: bytes) -> None:
    assert not says_fake(answer)


def test_test_mode_is_forced_whatever_the_route_says() -> None:
    box = Box()
    Sending(box, test_mode=True)(answer(SendOptions(transport="smtp", test_mode=False)))
    ((_, options),) = box.sent
    assert (options.transport, options.test_mode) == ("mailgun", True)
    assert "shadow" in options.tags


def test_emails_are_no_ones_that_production_would_ask_about() -> None:
    """Neither a lookup by Message-Id nor a report's data may find production's notification."""
    email = make_email()
    other = renamed(email)
    assert other.message_id == f"<shadow-{email.uid}@alerts.example.com>"
    assert other.uid != email.uid
    assert other.variables == ()
    assert (other.subject, other.text, other.html) == (email.subject, email.text, email.html)


def test_what_the_sandbox_says_is_counted() -> None:
    box = Box((Kind.ACCEPTED, Reason.QUEUED), (Kind.FAILED, Reason.PROVIDER_REJECTED))
    sending = Sending(box, test_mode=False)
    sending(answer(SendOptions(), SendOptions(tags=("x",)), SendOptions()))
    assert (sending.sent.accepted, sending.sent.refused) == (2, 1)
    assert sending.sent.why == "it said provider_rejected"


@pytest.mark.parametrize(
    ("reason", "error"),
    [(Reason.UNREACHABLE, SandboxAway), (Reason.CONFIGURATION, SettingsError)],
)
def test_a_sandbox_that_is_not_there_ends_it_at_the_first_email(
    reason: Reason, error: type[Exception]
) -> None:
    with pytest.raises(error, match="--send"):
        Sending(Box((Kind.DEFERRED, reason)), test_mode=False)(answer())
