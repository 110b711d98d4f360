"""What answers mean, as far as it needs no server."""

import pytest

from consumer.adapters.smtp.replies import MAX_TEXT, Reply, Step, lost, read, unfit
from consumer.domain.reasons import Kind, Reason

STEPS = list(Step)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", [-1, 0, 99, 199, 200, 250, 354, 421, 450, 550, 599, 600, 999])
def test_only_a_success_after_the_final_dot_is_one(step: Step, code: int) -> None:
    result = read(step, Reply(code, "text"), "<id@example.com>")
    accepted = step is Step.END and 200 <= code < 300
    assert (result.kind is Kind.ACCEPTED) == accepted
    assert result.provider_id == ("<id@example.com>" if accepted else None)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", [-1, 99, 354, 999])
def test_what_cannot_be_read_is_in_doubt_after_the_final_dot_only(step: Step, code: int) -> None:
    result = read(step, Reply(code, "text"), "<id@example.com>")
    assert result.kind is (Kind.IN_DOUBT if step is Step.END else Kind.DEFERRED)
    assert result.reason is Reason.UNREADABLE_ANSWER
    assert result.code == (354 if code == 354 else None)


@pytest.mark.parametrize("step", STEPS)
def test_a_lost_answer_is_in_doubt_after_the_final_dot_only(step: Step) -> None:
    result = lost(step, "mail.example.com:587: timed out")
    in_doubt = (Kind.IN_DOUBT, Reason.ANSWER_LOST)
    deferred = (Kind.DEFERRED, Reason.UNREACHABLE)
    assert (result.kind, result.reason) == (in_doubt if step is Step.END else deferred)


@pytest.mark.parametrize("step", STEPS)
def test_a_5xx_fails_an_email_only_where_it_is_about_the_email(step: Step) -> None:
    about_it = step in {Step.RECIPIENT, Step.DATA, Step.END}
    failed = (Kind.FAILED, Reason.PROVIDER_REJECTED)
    deferred = (Kind.DEFERRED, Reason.CONFIGURATION)
    result = read(step, Reply(554, "no"), "<id@example.com>")
    assert (result.kind, result.reason) == (failed if about_it else deferred)
    login = read(step, Reply(535, "no"), "<id@example.com>")
    assert (login.kind, login.reason) == deferred


@pytest.mark.parametrize(
    ("code", "text", "enhanced"),
    [
        (250, "2.0.0 Ok: queued as 4F3", "2.0.0"),
        (550, "5.1.1 <a@b>: unknown\n5.1.1 really", "5.1.1"),
        (550, "#5.1.1 (unknown)", "5.1.1"),
        (554, "rejected, see 5.7.1.", "5.7.1"),
        (550, "your host 5.10.20.30 is blocked", None),
        (550, "remote said 4.2.2 and then 5.2.2", "5.2.2"),
        (250, "queued by MTA 5.1.1", None),
        (550, "v5.1.1-rc", None),
        (450, "try later", None),
    ],
)
def test_the_finer_word_beside_a_code(code: int, text: str, enhanced: str | None) -> None:
    """Its class is the answer's own first digit; an IP address has none."""
    assert read(Step.END, Reply(code, text), "<id@example.com>").enhanced_code == enhanced


@pytest.mark.parametrize("text", ["", "x" * 5000, "a\n\r\x00\x07b\u2028c \ufffd", "\u202eabc"])
def test_a_message_is_one_clean_line_with_what_to_do(text: str) -> None:
    for result in (
        read(Step.LOGIN, Reply(535, text), "<id@example.com>"),
        read(Step.END, Reply(250, text), "<id@example.com>"),
        unfit(Step.TLS, text),
        lost(Step.CONNECT, text),
    ):
        assert len(result.message) <= MAX_TEXT
        assert result.message.isprintable()
        assert result.message.endswith("[smtp])") == (result.reason is Reason.CONFIGURATION)
