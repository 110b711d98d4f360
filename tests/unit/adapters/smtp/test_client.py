"""The SMTP transport on real sockets: every answer at every step, and no answer."""

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy

import pytest

from consumer.domain.notification import SendOptions
from consumer.domain.reasons import Kind, Reason
from tests.support.factories import make_email
from tests.support.smtp import FakeSmtp
from tests.unit.adapters.smtp.rig import SECRET, Rig


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


def test_everything_a_person_reads_survives_the_way(rig: Rig) -> None:
    rig.send(
        sender="Alärme <alarms@alerts.example.com>",
        subject="Platte voll: größer als 90 % – Ω",
        text=".\n.. a dot at the start\nö\n",
        html="<p>ö</p>",
        headers=(("X-Alarm-State", "CRITICAL"), ("References", "<" + "r" * 120 + "@example.com>")),
    )
    message = message_from_bytes(rig.server.messages[0].content, policy=policy.default)
    assert message["From"] == "Alärme <alarms@alerts.example.com>"
    assert message["Subject"] == "Platte voll: größer als 90 % – Ω"
    assert message["X-Alarm-State"] == "CRITICAL"
    assert message["References"] == "<" + "r" * 120 + "@example.com>"
    text, html = (part.get_content() for part in message.iter_parts())
    assert text.replace("\r\n", "\n") == ".\n.. a dot at the start\nö\n"
    assert html.strip() == "<p>ö</p>"
    assert rig.server.messages[0].content.isascii()


def test_no_header_can_be_smuggled_in(rig: Rig) -> None:
    rig.send(
        subject="x\r\nBcc: everybody@example.com\r\n\r\nhello", headers=(("X-A", "1\nX-B: 2"),)
    )
    message = message_from_bytes(rig.server.messages[0].content)
    assert (message["Bcc"], message["X-B"]) == (None, None)
    assert message["Subject"] == "x Bcc: everybody@example.com hello"


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
        ("RCPT", "550 5.1.1 no such user", Kind.FAILED, Reason.PROVIDER_REJECTED, "5.1.1"),
        ("DATA", "452 4.3.1 full", Kind.DEFERRED, Reason.THROTTLED, "4.3.1"),
        ("DATA", "554 5.5.1 no", Kind.FAILED, Reason.PROVIDER_REJECTED, "5.5.1"),
        ("END", "451 4.7.1 later", Kind.DEFERRED, Reason.THROTTLED, "4.7.1"),
        ("END", "552 5.3.4 too big", Kind.FAILED, Reason.PROVIDER_REJECTED, "5.3.4"),
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


def test_one_connection_carries_many_emails(rig: Rig) -> None:
    for _ in range(5):
        assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.connections == 1
    rig.server.answer_at("RCPT", "550 5.1.1 no such user", times=1)
    assert rig.send().kind is Kind.FAILED
    assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.connections == 1, "a refusal does not cost the connection"


def test_an_idle_connection_that_the_server_ended_is_replaced(rig: Rig) -> None:
    rig.send()
    rig.server.drop_connections()
    assert rig.send().kind is Kind.ACCEPTED
    assert rig.server.connections == 2


def test_an_idle_connection_is_not_trusted_for_long(rig: Rig) -> None:
    rig.send()
    rig.clock.advance(60.0)
    rig.send()
    assert rig.server.connections == 2


def test_many_threads_share_a_few_connections(server: FakeSmtp) -> None:
    rig = Rig(server, pool_size=3)
    start = threading.Barrier(8)

    def send(number: int) -> Kind:
        start.wait(5)
        return rig.send(uid=f"u{number}").kind

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(send, range(8))) == {Kind.ACCEPTED}
    assert len(server.messages) == 8
    assert server.connections <= 3


def test_an_email_in_test_mode_is_never_handed_over(rig: Rig) -> None:
    """Mailgun takes such an email and does not deliver it; a mail server would."""
    result = rig.transport.send(make_email(), SendOptions(transport="smtp", test_mode=True))
    assert result.kind is Kind.FAILED
    assert rig.server.connections == 0


def test_it_logs_in_when_it_has_a_name() -> None:
    with FakeSmtp(auth=True) as server:
        assert Rig(server, username="bot", password=SECRET).send().kind is Kind.ACCEPTED
        assert any(command.startswith("AUTH") for command in server.commands)


def test_a_refused_login_waits_for_the_operator_and_tells_no_secret() -> None:
    plain = base64.b64encode(f"\0bot\0{SECRET}".encode()).decode()
    with FakeSmtp(auth=True) as server:
        rig = Rig(server, username="bot", password=SECRET)
        server.answer_at("AUTH", f"535 5.7.8 not {SECRET} {plain}")
        result = rig.send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert SECRET not in repr((result, rig.told, rig.transport))
        assert plain not in repr(result)


def test_a_server_without_logins_is_told_of() -> None:
    with FakeSmtp() as server:
        result = Rig(server, username="bot", password=SECRET).send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert server.messages == []


def test_an_answer_of_many_lines_and_bytes_is_one_clean_line(rig: Rig) -> None:
    rig.server.answer_at("RCPT", "550-5.1.1 line\x07 one\n550 5.1.1 \xff" + "x" * 900)
    result = rig.send()
    assert len(result.message) <= 300
    assert result.message.isprintable()


def test_an_address_outside_ascii_needs_a_server_that_takes_it(rig: Rig) -> None:
    result = rig.send(to="öps@example.org")
    assert (result.kind, result.enhanced_code) == (Kind.FAILED, "5.6.7")
