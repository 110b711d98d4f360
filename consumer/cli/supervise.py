"""The supervisor of `messenger run --processes N`: starts, restarts, passes signals on."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from consumer.adapters.clock import SystemClock
from consumer.telemetry.logs import get_logger

#: Seconds before a process that ended is started again; doubled while it ends quickly.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
#: A process that lived this long starts over with the first pause (seconds).
_LIVED = 60.0
#: Wrong usage or configuration: another start would end the same way.
_HOPELESS = 2


class _Child:
    def __init__(
        self, number: int, arguments: Sequence[str], port: int, member: str | None
    ) -> None:
        self.number = number
        self._arguments = arguments
        self._port = port
        self._member = member
        self.pause = _FIRST_PAUSE
        self.start_at = 0.0
        self.started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, now: float) -> None:
        self.started_at = now
        environment = _inherited()
        if self._port:
            environment["MESSENGER_TELEMETRY__PORT"] = str(self._port + self.number)
        if self._member:
            # Two static members of one name would fence each other out of the group.
            environment["MESSENGER_KAFKA__GROUP_INSTANCE_ID"] = f"{self._member}-{self.number}"
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            [
                sys.executable,
                "-m",
                "consumer",
                "run",
                *self._arguments,
                "--worker",
                f"{os.uname().nodename}-{self.number}",
            ],
            env=environment,
            start_new_session=True,
        )


def supervise(count: int, arguments: Sequence[str], port: int, member: str | None) -> int:
    """Keep `count` processes running until SIGTERM or SIGINT; returns the exit code.

    Each process gets a telemetry port of its own, counted up from `port`, and a static member
    name of its own where the settings give one (`member`). A second signal
    kills what has not ended by then.
    """
    log = get_logger(worker="supervisor")
    stop = threading.Event()
    clock = SystemClock(stop)
    children = [_Child(number, arguments, port, member) for number in range(count)]

    def pass_on(number: int, _frame: FrameType | None) -> None:
        again = stop.is_set()
        stop.set()
        for child in children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGKILL if again else number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    while not stop.is_set():
        for child in children:
            code = _look_after(child, clock.monotonic())
            if code == _HOPELESS:
                pass_on(signal.SIGTERM, None)
                break
        clock.wait(0.2)
    codes = [child.process.wait() for child in children if child.process is not None]
    log.info("supervisor.stopped", exit_codes=codes)
    if _HOPELESS in codes:
        return _HOPELESS
    # Asked to stop while it was still starting, a process ends by the signal itself.
    return 0 if set(codes) <= {0, -signal.SIGTERM, -signal.SIGINT} else 1


def _look_after(child: _Child, now: float) -> int | None:
    """Start what is due; returns the exit code of a process that has just ended."""
    process = child.process
    if process is None:
        if now >= child.start_at:
            child.start(now)
        return None
    code = process.poll()
    if code is None or code == _HOPELESS:
        return code
    if now - child.started_at > _LIVED:
        child.pause = _FIRST_PAUSE
    child.start_at = now + child.pause
    child.pause = min(child.pause * 2, _LONGEST_PAUSE)
    child.process = None
    get_logger(worker="supervisor").error(
        "supervisor.restarting",
        process=child.number,
        exit_code=code,
        in_seconds=round(child.start_at - now, 1),
    )
    return code


def _inherited() -> dict[str, str]:
    return dict(os.environ)  # noqa: TID251  # handed on to the children, not read
