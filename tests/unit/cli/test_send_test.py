"""`messenger send-test`: one email, and what the transport said of it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.domain.notification import Email, SendOptions, SendResult
from consumer.domain.reasons import Kind, Reason
from tests.unit.cli.conftest import Run

ACCEPTED = SendResult(
    kind=Kind.ACCEPTED,
    reason=Reason.QUEUED,
    message="Queued. Thank you.",
    transport="mailgun",
    provider_id="<an-id@alerts.example.com>",
    code=200,
    duration_ms=143,
)


class Recording:
    """A transport that says what it is told to say."""

    name = "mailgun"

    def __init__(self) -> None:
        self.result = ACCEPTED
        self.sent: list[tuple[Email, SendOptions]] = []
        self.closed = 0

    def send(self, email: Email, options: SendOptions) -> SendResult:
        self.sent.append((email, options))
        return self.result

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    recording = Recording()
    makers = {"mailgun": lambda *_: recording}
    # By its name in sys.modules: the package has the command itself under this name.
    monkeypatch.setattr(sys.modules["consumer.cli.send_test"], "_MAKERS", makers)
    yield recording
    assert recording.closed == len(recording.sent)


def test_what_the_transport_accepted_is_told(run: Run, config: Path, transport: Recording) -> None:
    ran = run("send-test", "ops@EXAMPLE.com", "--config", config)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "accepted by mailgun in 143 ms: Queued. Thank you.\n"
        "to: ops@example.com\n"
        "message id: <an-id@alerts.example.com>\n"
    )
    ((email, options),) = transport.sent
    assert email.to == "ops@example.com"
    assert "CRITICAL" in email.subject
    assert "test" in options.tags
    assert not options.test_mode


def test_each_email_has_an_id_of_its_own(run: Run, config: Path, transport: Recording) -> None:
    for _ in range(2):
        run("send-test", "ops@example.com", "--config", config)
    first, second = (email for email, _ in transport.sent)
    assert first.message_id != second.message_id


@pytest.mark.parametrize("state", ["OK", "WARNING", "CRITICAL"])
def test_the_state_is_the_one_asked_for(
    run: Run, config: Path, transport: Recording, state: str
) -> None:
    assert run("send-test", "ops@example.com", "--config", config, "--state", state).code == 0
    assert state in transport.sent[0][0].subject


def test_test_mode_is_asked_for_or_comes_from_the_settings(
    run: Run, config: Path, transport: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run("send-test", "ops@example.com", "--config", config, "--test-mode")
    assert "not delivered" in asked.out
    monkeypatch.setenv("MESSENGER_DELIVERY__TEST_MODE", "true")
    run("send-test", "ops@example.com", "--config", config)
    run("send-test", "ops@example.com", "--config", config, "--no-test-mode")
    assert [options.test_mode for _, options in transport.sent] == [True, True, False]


def test_json_has_the_result(run: Run, config: Path, transport: Recording) -> None:
    ran = run("send-test", "ops@example.com", "--config", config, "--json")
    told = json.loads(ran.out)
    assert told["accepted"] is True
    assert told["to"] == "ops@example.com"
    assert told["result"]["provider_id"] == "<an-id@alerts.example.com>"
    assert told["result"]["duration_ms"] == 143


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_refusal_ends_with_1_and_says_what_to_look_at(
    run: Run, config: Path, transport: Recording, options: tuple[str, ...]
) -> None:
    transport.result = SendResult(
        kind=Kind.FAILED,
        reason=Reason.CONFIGURATION,
        message="Forbidden\x1b[2J",
        transport="mailgun",
        code=401,
        duration_ms=12,
    )
    ran = run("send-test", "ops@example.com", "--config", config, *options)
    assert ran.code == 1
    assert "not accepted by mailgun (failed, configuration, status 401, 12 ms)" in ran.err
    assert "Forbidden" in ran.err
    assert "api_key in [mailgun]" in ran.err
    assert "\x1b" not in ran.out + ran.err
    if options:
        assert json.loads(ran.out)["accepted"] is False


@pytest.mark.parametrize(
    ("kind", "reason", "code", "advice"),
    [
        (Kind.DEFERRED, Reason.UNREACHABLE, 3, "check [mailgun] base_url, name resolution"),
        (Kind.IN_DOUBT, Reason.ANSWER_LOST, 3, "look into the mailbox first"),
        (Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER, 1, "check [mailgun] base_url and proxies"),
        (Kind.IN_DOUBT, Reason.SERVER_ERROR, 1, "try again later"),
    ],
)
def test_each_end_has_its_exit_code_and_says_what_to_do(
    run: Run, config: Path, transport: Recording, kind: Kind, reason: Reason, code: int, advice: str
) -> None:
    transport.result = SendResult(
        kind=kind, reason=reason, message="as told", transport="mailgun", duration_ms=1
    )
    ran = run("send-test", "ops@example.com", "--config", config)
    assert (ran.code, ran.out) == (code, "")
    assert advice in ran.err


@pytest.mark.parametrize(
    "address", ["ops", "ops@localhost", "a@b.example, c@d.example", "", "\x1b@"]
)
def test_an_address_that_is_none_is_wrong_usage(
    run: Run, config: Path, transport: Recording, address: str
) -> None:
    ran = run("send-test", address, "--config", config)
    assert ran.code == 2
    assert "not an email address" in ran.err
    assert "\x1b" not in ran.err
    assert transport.sent == []


def test_a_transport_that_is_none_is_wrong_usage(run: Run, config: Path) -> None:
    ran = run("send-test", "ops@example.com", "--config", config, "--transport", "pigeon")
    assert ran.code == 2
    assert "pigeon" in ran.err
