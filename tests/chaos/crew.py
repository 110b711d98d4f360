"""The processes of one consumer, as a disturber sees them: ours, and those of the plain loop."""

import signal
import subprocess
from pathlib import Path
from typing import Protocol

from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.chaos.plan import Plan
from tests.support.kafka import Kafka
from tests.support.messenger import KEY, Messenger, Started
from tests.support.process import Process

#: Seconds after which a process that was told to stop is taken for hanging.
_STOP_LIMIT = 40.0


class Crew(Protocol):
    """Processes by name."""

    #: Whose they are.
    who: str

    def start(self, name: str) -> None: ...
    def kill(self, name: str) -> None: ...
    def terminate(self, name: str) -> int: ...
    def freeze(self, name: str) -> None: ...
    def thaw(self, name: str) -> None: ...
    def ended(self) -> dict[str, int]: ...


class MessengerCrew(Messenger):
    """`Messenger` whose processes can be frozen, and may end at any moment."""

    who = "messenger"

    def freeze(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGCONT)

    def terminate(self, name: str, timeout_seconds: float = _STOP_LIMIT) -> int:
        """SIGTERM and the exit code; -9 for one that had to be killed in the end."""
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return _wait(process, timeout_seconds)

    def ended(self) -> dict[str, int]:
        """Exit codes of processes that ended by themselves since the last call."""
        return _pop_ended(self._processes)

    @property
    def names(self) -> list[str]:
        """Who runs."""
        return list(self._processes)


class NaiveCrew:
    """The plain loop with a fake Mailgun of its own, which fails in the same way."""

    who = "naive loop"

    def __init__(
        self, folder: Path, kafka: Kafka, topic: str, recipients: Path, options: Options
    ) -> None:
        self.folder = folder
        self.group = f"naive-{topic}"
        self.fake = FakeMailgun(options)
        self._command = ("tests.chaos.naive", kafka.bootstrap, topic, self.group, recipients)
        self._processes: dict[str, Started] = {}

    def start(self, name: str) -> None:
        log = self.folder / f"naive-{name}.log"
        self._processes[name] = Process(*map(str, self._command), self.fake.url, KEY, stdout=log)

    def kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def terminate(self, name: str) -> int:
        process = self._processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return _wait(process, _STOP_LIMIT)

    def freeze(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGCONT)

    def ended(self) -> dict[str, int]:
        return _pop_ended(self._processes)

    def stop(self) -> None:
        for name in list(self._processes):
            self.kill(name)
        self.fake.stop()


def overrides(plan: Plan) -> dict[str, object]:
    """Settings of a run: short times, so that much happens in a few minutes."""
    return {
        "delivery.senders": plan.workers,
        "mailgun.read_timeout_seconds": 3,
        "delivery.doubt_seconds.critical": 8,
        "delivery.doubt_seconds.warning": 8,
        "delivery.doubt_seconds.ok": 8,
    }


def options(plan: Plan) -> Options:
    return Options(api_keys={KEY: "full"}, event_delay_seconds=plan.visibility)


def _wait(process: Started, seconds: float) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _pop_ended(processes: dict[str, Started]) -> dict[str, int]:
    codes = {name: process.poll() for name, process in list(processes.items())}
    return {
        name: code
        for name, code in codes.items()
        if code is not None and processes.pop(name, None) is not None
    }
