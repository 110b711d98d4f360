"""Another installation at the end of a pipe: the same answers, and every way it can go wrong."""

import io
import sys

import msgspec
import pytest

from consumer.domain.errors import SettingsError
from consumer.domain.record import Record
from consumer.experiments.shadow_asking import Answer, Question
from consumer.experiments.shadow_differences import compare
from consumer.experiments.shadow_process import CandidateAway, ProcessSide, emit_decisions
from tests.unit.experiments.shadow_rig import EVENT, record, side

HELLO = '{"version":"9.9","protocol":1}'
BINARY = Record("alarm-events", 3, 5, None, b"\xff\x00", (("h", b"\xfe"),), 1)


def python(*lines: str, answer_seconds: float = 30.0) -> ProcessSide:
    """A process that says these lines, and then reads what it is asked."""
    said = "\n".join(lines)
    program = f"import sys; print({said!r}, flush=True); sys.stdin.read()"
    return ProcessSide([sys.executable, "-S", "-c", program], answer_seconds=answer_seconds)


def test_answers_through_a_pipe_are_the_same() -> None:
    questions = [Question(record=record(EVENT)), Question(record=BINARY)]
    asked = io.BytesIO(b"".join(msgspec.json.encode(each) + b"\n" for each in questions))
    answers = io.BytesIO()
    with side() as piped, side() as direct:
        emit_decisions(piped, "9.9", asked, answers)
        hello, *lines = answers.getvalue().splitlines()
        assert msgspec.json.decode(hello) == {"version": "9.9", "protocol": 1}
        for question, line in zip(questions, lines, strict=True):
            told = msgspec.json.decode(line, type=Answer)
            expected = direct.answer(question)
            assert len(told.decisions) == len(expected.decisions)
            assert set(compare(question.record.position, expected, told)) == {None}


def test_what_is_no_question_is_refused() -> None:
    with side() as asked, pytest.raises(msgspec.MsgspecError):
        emit_decisions(asked, "9.9", io.BytesIO(b"{}\n"), io.BytesIO())


def test_a_candidate_answers_line_by_line() -> None:
    with python(HELLO, '{"unread":{"reason":"empty","detail":"no value"}}') as candidate:
        assert candidate.hello.version == "9.9"
        answer = candidate.answer(Question(record=BINARY))
        assert answer.unread is not None
        assert answer.unread.reason == "empty"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("hello", "is no messenger that knows"),
        ('{"version":"9.9","protocol":2}', "speaks version 2"),
    ],
)
def test_a_candidate_of_other_words_is_refused(said: str, why: str) -> None:
    with pytest.raises(CandidateAway, match=why), python(said):
        pass


def test_a_candidate_that_answers_nonsense_is_told() -> None:
    with python(HELLO, "[]") as candidate, pytest.raises(CandidateAway, match="no decisions"):
        candidate.answer(Question(record=BINARY))


def test_a_candidate_that_is_silent_is_told() -> None:
    silent = python(HELLO, answer_seconds=0.05)
    with silent, pytest.raises(CandidateAway, match=r"gave no answer for 0\.05 s"):
        silent.answer(Question(record=BINARY))


@pytest.mark.parametrize(("code", "error"), [(1, CandidateAway), (2, SettingsError)])
def test_a_candidate_that_ends_says_how(code: int, error: type[Exception]) -> None:
    program = [sys.executable, "-S", "-c", f"raise SystemExit({code})", "--password", "secret"]
    with pytest.raises(error, match=f"ended with {code}") as raised, ProcessSide(program):
        pass
    assert "secret" not in str(raised.value)


def test_a_candidate_that_is_not_there_is_told() -> None:
    with pytest.raises(CandidateAway, match="cannot be started"), ProcessSide(["/no/such"]):
        pass
