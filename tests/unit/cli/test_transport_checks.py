"""What Mailgun and the mail server say to `check-config --connect`; nothing is ever sent."""

from collections.abc import Iterator, Sequence

import pytest

from consumer.cli.findings import Level
from consumer.cli.transport_checks import check_mailgun, check_smtp
from consumer.sandbox.mailgun import FakeMailgun, Options
from consumer.settings import Mailgun, Settings, Smtp
from tests.support.clock import ManualClock
from tests.support.smtp import FakeSmtp

DOMAIN = "alerts.example.com"
FULL, SENDING = "key-full", "key-sending"


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeMailgun]:
    with FakeMailgun(Options(api_keys={FULL: "full", SENDING: "sending"}, domains={DOMAIN})) as it:
        yield it


def settings(url: str, domain: str = DOMAIN, **keys: str) -> Settings:
    mailgun = {"base_url": url, "domain": domain, "from_address": f"alarms@{domain}"}
    return Settings(mailgun=Mailgun.model_validate(mailgun | keys))


def mailgun_says(given: Settings) -> list[tuple[Level, str]]:
    return [(each.level, each.text) for each in check_mailgun(given, ManualClock())]


def test_keys_that_may_do_what_they_are_for_are_fine(fake: FakeMailgun) -> None:
    assert mailgun_says(settings(fake.url, api_key=FULL, lookup_key=FULL)) == []
    assert fake.messages() == []


def test_a_sending_key_is_fine_and_said_to_be_one(fake: FakeMailgun) -> None:
    ((level, said),) = mailgun_says(settings(fake.url, api_key=SENDING))
    assert (level, said.startswith("[mailgun] api_key: is a sending key")) == (Level.NOTE, True)
    assert fake.messages() == []


def test_a_sending_key_cannot_look_up(fake: FakeMailgun) -> None:
    ((level, said),) = mailgun_says(settings(fake.url, api_key=FULL, lookup_key=SENDING))
    assert (level, said.startswith("[mailgun] lookup_key: HTTP 40")) == (Level.PROBLEM, True)


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"api_key": "nobody's"}, "[mailgun] api_key: HTTP 401"), ({"domain": "other.example"}, "")],
)
def test_a_wrong_key_or_domain_is_a_problem(
    fake: FakeMailgun, changes: dict[str, str], place: str
) -> None:
    keys = {"api_key": changes.get("api_key", FULL)}
    ((level, said),) = mailgun_says(settings(fake.url, changes.get("domain", DOMAIN), **keys))
    assert (level, said.startswith(place)) == (Level.PROBLEM, True)
    assert "nobody's" not in said


def test_who_does_not_answer_is_away_and_named() -> None:
    told = mailgun_says(settings("http://127.0.0.1:1", api_key=FULL, lookup_key=FULL))
    assert [level for level, _ in told] == [Level.AWAY] * 2
    assert all("127.0.0.1:1: Connection refused" in said for _, said in told)


def smtp_says(**given: object) -> Sequence[tuple[Level, str]]:
    smtp = Smtp.model_validate({"host": "127.0.0.1", "tls": "none"} | given)
    all_ = settings("http://127.0.0.1:1", api_key=FULL).model_copy(update={"smtp": smtp})
    checked = check_smtp(all_, ManualClock())
    return [(each.level, each.text) for each in checked]


def test_a_mail_server_is_greeted_and_logged_in_to() -> None:
    with FakeSmtp(auth=True) as server:
        assert smtp_says(port=server.port, username="me", password="s3cret") == []
        server.answer_at("AUTH", "535 5.7.8 no")
        ((level, said),) = smtp_says(port=server.port, username="me", password="s3cret")
        assert (level, "535 at login" in said) == (Level.PROBLEM, True)
        ((level, said),) = smtp_says(port=server.port, tls="starttls")
        assert (level, "no STARTTLS" in said) == (Level.PROBLEM, True)
        assert server.messages == []
    ((level, said),) = smtp_says(port=1)
    assert (level, "127.0.0.1:1: Connection refused" in said) == (Level.AWAY, True)
