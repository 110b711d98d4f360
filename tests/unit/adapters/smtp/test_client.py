"""The SMTP transport on real sockets: every answer at every step, and no answer."""

import time
from collections.abc import Iterator
from email import message_from_bytes

import pytest

from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from tests.support.factories import make_email
from tests.support.smtp import FakeSmtp
from tests.unit.adapters.smtp.rig import Rig


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as fake:
        yield fake


@pytest.fixture
def rig(server: FakeSmtp) -> Rig:
    return Rig(server)


def test_an_email_arrives_with_the_message_id_it_has_everywhere(rig: Rig) -> None:
    email = make_email()
    result = rig.send()
    assert (result.kind, result.reason, result.code) == (Kind.ACCEPTED, Reason.QUEUED, 250)
    assert (result.enhanced_code, result.provider_id) == ("2.0.0", email.message_id)
    (received,) = rig.server.messages
    assert received.message_id == email.message_id
    assert email.to.endswith(received.recipient)
    (told,) = rig.told
    assert (told.transport, told.kind, told.status) == ("smtp", Kind.ACCEPTED, 250)


@pytest.mark.parametrize(
    ("step", "answer", "kind", "reason", "enhanced"),
    [
        ("CONNECT", "554 5.7.1 go away", Kind.DEFERRED, Reason.CONFIGURATION, "5.7.1"),
        ("CONNECT", "421 4.3.2 closing", Kind.DEFERRED, Reason.SERVER_ERROR, "4.3.2"),
        ("EHLO", "502 no", Kind.DEFERRED, Reason.CONFIGURATION, None),
        ("MAIL", "451 4.3.0 disk", Kind.DEFERRED, Reason.SERVER_ERROR, "4.3.0"),
        ("MAIL", "550 5.7.1 sender refused", Kind.DEFERRED, Reason.CONFIGURATION, "5.7.1"),
        ("MAIL", "530 5.7.0 log in first", Kind.DEFERRED, Reason.CONFIGURATION, "5.7.0"),
        ("RCPT", "450 4.2.0 greylisted", Kind.DEFERRED, Reason.THROTTLED, "4.2.0"),
        ("RCPT", "421 4.4.2 too busy", Kind.DEFERRED, Reason.SERVER_ERROR, "4.4.2"),
        ("RCPT", "554 5.7.1 Relay access denied", Kind.DEFERRED, Reason.CONFIGURATION, "5.7.1"),
        ("RCPT", "550 5.1.8 sender's domain", Kind.DEFERRED, Reason.CONFIGURATION, "5.1.8"),
        ("RCPT", "550 5.1.1 no such user", Kind.FAILED, Reason.PROVIDER_REJECTED, "5.1.1"),
        ("DATA", "452 4.3.1 full", Kind.DEFERRED, Reason.THROTTLED, "4.3.1"),
        ("DATA", "554 5.5.1 no", Kind.FAILED, Reason.PROVIDER_REJECTED, "5.5.1"),
        ("END", "451 4.7.1 later", Kind.DEFERRED, Reason.THROTTLED, "4.7.1"),
        ("END", "421 4.3.2 closing", Kind.DEFERRED, Reason.SERVER_ERROR, "4.3.2"),
        ("END", "552 5.3.4 too big", Kind.FAILED, Reason.PROVIDER_REJECTED, "5.3.4"),
        ("END", "530 5.7.0 log in first", Kind.DEFERRED, Reason.CONFIGURATION, "5.7.0"),
        ("MAIL", "354 go on", Kind.DEFERRED, Reason.UNREADABLE_ANSWER, None),
        ("DATA", "250 ok", Kind.DEFERRED, Reason.UNREADABLE_ANSWER, None),
    ],
)
def test_what_an_answer_means(
    rig: Rig, step: str, answer: str, kind: Kind, reason: Reason, enhanced: str | None
) -> None:
    rig.server.answer_at(step, answer)
    result = rig.send()
    assert (result.kind, result.reason, result.enhanced_code) == (kind, reason, enhanced)
    assert result.code == int(answer[:3])
    assert answer[4:] in result.message
    assert rig.server.messages == []


@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["hang_at", "cut_at"])
def test_without_the_final_dot_nothing_was_accepted(server: FakeSmtp, step: str, how: str) -> None:
    rig = Rig(server, read_timeout=0.2, connect_timeout=0.2)
    getattr(server, how)(step)
    result = rig.send()
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.UNREACHABLE)
    assert server.messages == []


@pytest.mark.parametrize("how", ["hang_at", "cut_at"])
def test_after_the_final_dot_nobody_knows(server: FakeSmtp, how: str) -> None:
    rig = Rig(server, read_timeout=0.2)
    getattr(server, how)("END")
    result = rig.send()
    assert (result.kind, result.reason) == (Kind.IN_DOUBT, Reason.ANSWER_LOST)
    assert len(server.messages) == 1


def test_a_server_that_is_not_there_defers() -> None:
    with FakeSmtp() as gone:
        pass
    result = Rig(gone).send()
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.UNREACHABLE)


@pytest.mark.parametrize("answer", ["??? what", "354 go on", "99 x", "250 " + "x" * 9000])
def test_an_answer_that_means_nothing_says_nothing_of_the_email(rig: Rig, answer: str) -> None:
    """It may have been taken: neither a second one nor a false success may come of it."""
    rig.server.answer_at("END", answer)
    result = rig.send()
    assert (result.kind, result.reason) == (Kind.IN_DOUBT, Reason.UNREADABLE_ANSWER)
    assert len(rig.server.messages) == 1


def test_a_slow_greeting_has_the_time_of_an_answer(server: FakeSmtp) -> None:
    """Servers keep strangers waiting on purpose, longer than a connection may take."""
    rig = Rig(server, connect_timeout=0.1, read_timeout=0.4)
    server.hang_at("CONNECT")
    started = time.monotonic()
    assert rig.send().reason is Reason.UNREACHABLE
    assert time.monotonic() - started >= 0.4


def test_an_email_in_test_mode_is_never_handed_over(rig: Rig) -> None:
    """Mailgun takes such an email and does not deliver it; a mail server would."""
    result = rig.transport.send(make_email(), SendOptions(transport="smtp", test_mode=True))
    assert result.kind is Kind.FAILED
    assert rig.server.connections == 0


def test_an_answer_of_many_lines_and_bytes_is_one_clean_line(rig: Rig) -> None:
    rig.server.answer_at("RCPT", "550-5.1.1 line\x07 one\n550 5.1.1 \xff" + "x" * 900)
    result = rig.send()
    assert len(result.message) <= 300
    assert result.message.isprintable()


def test_a_domain_outside_ascii_is_written_in_its_ascii_form(rig: Rig) -> None:
    assert rig.send(to="ops@münchen.example").kind is Kind.ACCEPTED
    (received,) = rig.server.messages
    assert received.recipient == "ops@xn--mnchen-3ya.example"
    assert message_from_bytes(received.content)["To"] == "ops@xn--mnchen-3ya.example"


def test_an_address_that_smtp_has_no_form_for_ends_there(rig: Rig) -> None:
    result = rig.send(to="öps@example.org")
    assert (result.kind, result.reason) == (Kind.FAILED, Reason.PROVIDER_REJECTED)
    assert (result.calls, rig.server.connections) == (0, 0)


def test_a_sender_that_smtp_has_no_form_for_waits_for_the_operator(rig: Rig) -> None:
    result = rig.send(sender="Alarms <alärms@example.org>")
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
    assert (result.calls, rig.server.connections) == (0, 0)


@pytest.mark.parametrize(
    "to", ["a@b.example>\r\nRCPT TO:<evil@x.example", "<a@b.example\r\nRCPT TO:<evil@x.example>"]
)
def test_no_command_can_be_smuggled_in(rig: Rig, to: str) -> None:
    rig.send(to=to)
    assert [each for each in rig.server.commands if each.startswith("RCPT")] == []
    assert {each.recipient for each in rig.server.messages} <= {"a@b.example"}
