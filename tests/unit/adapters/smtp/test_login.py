"""Logging in, and that nobody else hears name or password."""

import base64
import logging
from collections.abc import Iterator

import pytest

from consumer.adapters.smtp.login import Login
from consumer.domain.reasons import Kind, Reason
from tests.support.smtp import FakeSmtp
from tests.unit.adapters.smtp.rig import SECRET, Rig

USER = "alarm-bot"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLAIN = encoded(f"\0{USER}\0{SECRET}")
FORMS = (USER, SECRET, PLAIN, encoded(USER), encoded(SECRET), SECRET.upper())


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp(auth=True) as fake:
        yield fake


@pytest.fixture
def rig(server: FakeSmtp) -> Rig:
    return Rig(server, username=USER, password=SECRET)


def test_it_logs_in_once_per_connection(rig: Rig) -> None:
    assert [rig.send().kind for _ in range(2)] == [Kind.ACCEPTED] * 2
    logins = [each for each in rig.server.commands if each.startswith("AUTH")]
    assert logins == [f"AUTH PLAIN {PLAIN}"]


def test_a_server_that_knows_only_auth_login_is_served() -> None:
    with FakeSmtp(extensions=("AUTH LOGIN",)) as server:
        assert Rig(server, username=USER, password=SECRET).send().kind is Kind.ACCEPTED
        at = server.commands.index("AUTH LOGIN")
        assert server.commands[at + 1 : at + 3] == [encoded(USER), encoded(SECRET)]


def test_a_password_outside_ascii_is_utf8(server: FakeSmtp) -> None:
    assert Rig(server, username=USER, password="größe").send().kind is Kind.ACCEPTED
    assert f"AUTH PLAIN {encoded(f'{chr(0)}{USER}{chr(0)}größe')}" in server.commands


@pytest.mark.parametrize(
    "answer", ["535 5.7.8 no", "534 5.7.9 too weak", "530 5.7.0 first", "504 5.5.4 unknown"]
)
def test_a_refused_login_waits_for_the_operator(rig: Rig, answer: str) -> None:
    rig.server.answer_at("AUTH", answer)
    result = rig.send()
    assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
    assert result.code == int(answer[:3])
    assert rig.server.messages == []


def test_a_login_that_cannot_be_looked_up_now_is_the_servers_trouble(rig: Rig) -> None:
    rig.server.answer_at("AUTH", "454 4.7.0 temporary")
    assert rig.send().reason is Reason.SERVER_ERROR


@pytest.mark.parametrize("answer", ["250 ok", "334 more", "??? what"])
def test_only_235_is_a_login(rig: Rig, answer: str) -> None:
    rig.server.answer_at("AUTH", answer)
    assert (rig.send().kind, rig.server.messages) == (Kind.DEFERRED, [])


@pytest.mark.parametrize("extensions", [(), ("AUTH CRAM-MD5 XOAUTH2",)])
def test_a_server_without_a_login_that_we_know_is_told_of(extensions: tuple[str, ...]) -> None:
    with FakeSmtp(extensions=extensions) as server:
        result = Rig(server, username=USER, password=SECRET).send()
        assert (result.kind, result.reason) == (Kind.DEFERRED, Reason.CONFIGURATION)
        assert result.code is None, "the server has not said anything"
        assert server.messages == []


@pytest.mark.parametrize("step", ["AUTH", "MAIL", "RCPT", "END"])
@pytest.mark.parametrize("form", FORMS)
def test_what_a_server_echoes_is_not_told(
    rig: Rig, caplog: pytest.LogCaptureFixture, step: str, form: str
) -> None:
    caplog.set_level(logging.DEBUG)
    rig.server.answer_at(step, f"535-5.7.8 AUTH PLAIN {form}\n535 5.7.8 for {form}.")
    result = rig.send()
    told = f"{result!r} {rig.told!r} {rig.transport!r} {vars(rig.transport)!r} {caplog.text}"
    assert form not in told
    assert "***" in result.message


def test_no_part_of_a_secret_is_left_where_a_long_text_ends(rig: Rig) -> None:
    for filler in range(200, 300, 7):
        rig.server.answer_at("AUTH", f"535 {'x' * filler} {SECRET}")
        assert SECRET[:4] not in rig.send().message


def test_a_name_is_struck_as_a_word_only() -> None:
    login = Login("bot", "")
    assert login.struck_from("robot bot, BOT") == "robot ***, ***"
