"""The supervisor of `messenger run --processes N`: starts, restarts, passes signals on, reports.

Each process has for standard input a pipe whose other end is the supervisor's alone. However the
supervisor ends, the pipe closes then, and the process stops in order: nobody works on unnoticed.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from consumer.adapters.clock import SystemClock
from consumer.telemetry.logs import get_logger

#: Seconds between two looks at the processes.
_LOOK_EVERY = 0.2
#: Seconds between two reports of who runs; each change is reported at once.
_REPORT_EVERY = 60.0
#: Seconds before a process that ended is started again; doubled while it ends quickly.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
#: A process that lived this long starts over with the first pause (seconds).
_LIVED = 60.0
#: Wrong usage or configuration: when all ended like this, another start would end the same way.
_HOPELESS = 2


class _Child:
    """One of the processes: running, or waiting for its next start."""

    def __init__(self, number: int, command: Sequence[str], environment: dict[str, str]) -> None:
        self._number = number
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._started_at = 0.0
        self._start_at = 0.0
        self._pause = _FIRST_PAUSE
        #: How it ended last.
        self.exit_code: int | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None

    def look_after(self, now: float) -> bool:
        """Start it when it is due, see whether it ended; True when either happened."""
        if self._process is None:
            return now >= self._start_at and self._start(now)
        code = self._process.poll()
        return code is not None and self._ended(code, now)

    def send(self, number: int) -> None:
        """Pass a signal on."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> None:
        if self._process is not None:
            self.exit_code = self._process.wait()

    def report(self, now: float) -> dict[str, Any]:
        """Who it is now; without a pid it waits for its start."""
        told: dict[str, Any] = {"process": self._number, "restarts": max(0, self._starts - 1)}
        if self._process is None:
            if self.exit_code is None:
                return told
            return told | {"exit_code": self.exit_code, "ended": how_it_ended(self.exit_code)}
        return told | {"pid": self._process.pid, "uptime_seconds": round(now - self._started_at)}

    def _start(self, now: float) -> bool:
        self._starts += 1
        self._started_at = now
        self._process = subprocess.Popen(  # noqa: S603  # our own command
            self._command,
            env=self._environment,
            stdin=subprocess.PIPE,
            # Ctrl-C is the supervisor's to pass on.
            start_new_session=True,
        )
        return True

    def _ended(self, code: int, now: float) -> bool:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None
        self.exit_code = code
        if now - self._started_at > _LIVED:
            self._pause = _FIRST_PAUSE
        self._start_at = now + self._pause
        # It will end the same way until somebody mends the settings; unless all do, it is tried.
        hopeless = code == _HOPELESS
        get_logger(worker="supervisor").error(
            "supervisor.wrong_settings" if hopeless else "supervisor.restarting",
            process=self._number,
            exit_code=code,
            ended=how_it_ended(code),
            in_seconds=self._pause,
        )
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return True


def how_it_ended(code: int) -> str:
    """The exit code in words; a negative one is the signal that ended the process."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"  # a real-time one has no name


class _Asked:
    """The signals heard. A handler may run inside any wait, so it takes no lock."""

    def __init__(self, children: Sequence[_Child]) -> None:
        self._children = children
        self.number: int | None = None

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._hear)
        signal.signal(signal.SIGINT, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.number is not None:
            for child in self._children:
                child.send(signal.SIGKILL)
        self.number = number


def supervise(
    count: int, arguments: Sequence[str], *, port: int, member: str | None, name: str | None
) -> int:
    """Keep `count` processes running until SIGTERM or SIGINT; returns the exit code.

    Each process gets a telemetry port of its own, counted up from `port`, a static member name
    of its own where the settings give one (`member`), and a name of its own: `name`, or the
    machine's, and its number. A second signal kills what has not ended by then.
    """
    clock = SystemClock()
    children = [
        _Child(number, command(number, arguments, name), _environment(number, port, member))
        for number in range(count)
    ]
    asked = _Asked(children)
    asked.listen()
    report_at = 0.0
    while asked.number is None:
        now = clock.monotonic()
        changed = [child.look_after(now) for child in children]
        if any(changed) or now >= report_at:
            _report(children, now)
            report_at = now + _REPORT_EVERY
        if all(child.exit_code == _HOPELESS and not child.runs for child in children):
            return _HOPELESS
        clock.wait(_LOOK_EVERY)
    return _end(children, asked.number)


def stop_when_supervisor_ends(stop: Callable[[], None]) -> None:
    """The other side: call `stop` when standard input closes, which only an end does."""

    def watch() -> None:
        # Not through sys.stdin: its lock would be held while the interpreter shuts down.
        while os.read(0, 1):
            pass
        get_logger(worker="supervisor").error("supervisor.gone", effect="this process stops")
        stop()

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


def _end(children: Sequence[_Child], number: int) -> int:
    """Pass the signal on and wait for everybody."""
    running = [child for child in children if child.runs]
    for child in running:
        child.send(number)
    for child in running:
        child.wait()
    codes = [child.exit_code for child in running]
    get_logger(worker="supervisor").info("supervisor.stopped", exit_codes=codes)
    # Asked to stop while it was still starting, a process ends by the signal itself.
    return 0 if set(codes) <= {0, -signal.SIGTERM, -signal.SIGINT} else 1


def _report(children: Sequence[_Child], now: float) -> None:
    get_logger(worker="supervisor").info(
        "supervisor.processes",
        running=sum(child.runs for child in children),
        processes=[child.report(now) for child in children],
    )


def command(number: int, arguments: Sequence[str], name: str | None) -> list[str]:
    """What starts the process of this number."""
    own = ["--supervised", "--worker", f"{name or os.uname().nodename}-{number}"]
    return [sys.executable, "-m", "consumer", "run", *arguments, *own]


def _environment(number: int, port: int, member: str | None) -> dict[str, str]:
    environment = dict(os.environ)  # noqa: TID251  # handed on to the children, not read
    if port:
        environment["MESSENGER_TELEMETRY__PORT"] = str(port + number)
    if number > 0:
        # Webhooks come to one port.
        environment["MESSENGER_FEEDBACK__WEBHOOKS"] = "false"
    if member:
        # Two static members of one name would fence each other out of the group.
        environment["MESSENGER_KAFKA__GROUP_INSTANCE_ID"] = f"{member}-{number}"
    return environment
