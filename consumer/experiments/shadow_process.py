"""Another installation as a side: it runs as a process and answers line by line through a pipe.

`messenger shadow --emit-decisions` is the other end: it reads questions from its standard input,
writes each answer as one line of JSON, and ends with its input. It needs neither Kafka nor ledger.
"""

import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, BinaryIO, Final, Self

import msgspec

from consumer.domain.errors import DependencyError, MessengerError, SettingsError
from consumer.experiments.shadow_asking import Answer, Asked, Hello, Question

_PROTOCOL: Final = 1
#: Seconds for one answer, and for an installation to start: a container may have to be fetched.
_ANSWER_SECONDS: Final = 60.0
_START_SECONDS: Final = 120.0
_END_SECONDS: Final = 10.0
#: What our command ends with where its configuration is wrong.
_WRONG_SETTINGS: Final = 2

_answers: Final = msgspec.json.Decoder(Answer)
_questions: Final = msgspec.json.Decoder(Question)
_hellos: Final = msgspec.json.Decoder(Hello)


class CandidateAway(DependencyError):
    """The candidate's process does not answer, or not in our words."""


def emit_decisions(side: Asked, version: str, asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer each question until there are no more. Raises what `side` raises, and ValueError for
    a question that is none."""
    _write(answers, Hello(version=version, protocol=_PROTOCOL))
    for line in asked:
        _write(answers, side.answer(_questions.decode(line)))


def _write(to: IO[bytes], message: msgspec.Struct) -> None:
    to.write(msgspec.json.encode(message) + b"\n")
    to.flush()


class ProcessSide:
    """A side at the end of a pipe. A context manager: the process ends with it.

    What the process says on its standard error goes to ours.
    """

    def __init__(self, command: Sequence[str], *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._command = command
        self._seconds = answer_seconds
        self._lines: SimpleQueue[bytes] = SimpleQueue()

    def __enter__(self) -> Self:
        """Raises CandidateAway, and SettingsError where the other side's are wrong."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the operator's own command
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl-C is for us: what is asked is answered first.
                start_new_session=True,
            )
        except OSError as error:
            raise CandidateAway(
                f"{self._name}: cannot be started: {error.strerror}; give an installed messenger"
            ) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._reader = threading.Thread(target=self._read, name="candidate", daemon=True)
        self._reader.start()
        try:
            self.hello = self._greet()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def answer(self, question: Question) -> Answer:
        """Raises CandidateAway."""
        try:
            _write(self._stdin, question)
        except OSError:
            raise self._gone() from None
        line = self._next_line(self._seconds)
        try:
            return _answers.decode(line)
        except msgspec.MsgspecError as error:
            raise CandidateAway(f"{self._name} gives no decisions: {error}") from None

    @property
    def _name(self) -> str:
        """Without arguments: there may be a secret among them."""
        return f"candidate {self._command[0]}"

    def _greet(self) -> Hello:
        line = self._next_line(_START_SECONDS)
        try:
            hello = _hellos.decode(line)
        except msgspec.MsgspecError:
            raise CandidateAway(
                f"{self._name} is no messenger that knows `shadow --emit-decisions`"
            ) from None
        if hello.protocol != _PROTOCOL:
            raise CandidateAway(
                f"{self._name} ({hello.version}) speaks version {hello.protocol} of the "
                f"decisions' format, this one speaks {_PROTOCOL}"
            )
        return hello

    def _next_line(self, seconds: float) -> bytes:
        try:
            line = self._lines.get(timeout=seconds)
        except Empty:
            raise CandidateAway(f"{self._name} gave no answer for {seconds:g} s") from None
        if not line.endswith(b"\n"):
            raise self._gone()
        return line

    def _gone(self) -> MessengerError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        code = self._process.returncode
        said = (
            f"{self._name} ended with {code}; "
            "what it said is above, `check-config` of that installation tells more"
        )
        return SettingsError([said]) if code == _WRONG_SETTINGS else CandidateAway(said)

    def _read(self) -> None:
        for line in self._stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _end(self) -> None:
        with suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_SECONDS)
        self._stdout.close()
