"""Our own programs as processes: started with a log, asked how they are, ended in order."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import requests

#: Seconds that a consumer may take to end after SIGTERM.
_GRACE = 25.0
#: Seconds to wait for the answer of a process that may be just starting.
_PATIENCE = 1.0


class Running(Protocol):
    """What is asked of a process."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


def start_module(
    arguments: Sequence[str | Path], log: Path, settings: Mapping[str, str] | None = None
) -> Running:
    """`python -m` with these arguments; all that it prints goes to the end of `log`.

    `settings` are variables such as MESSENGER_TELEMETRY__PORT; of ours it inherits none.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", *arguments],
            env=environment() | dict(settings or {}),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is ours to handle: what we started is asked to end in its order.
            start_new_session=True,
        )


def end(process: Running) -> None:
    """SIGTERM, and SIGKILL for one that does not mind it. Harmless if it has ended."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def readiness(port: int) -> dict[str, Any]:
    """What a consumer says at /readyz; nothing while it does not answer."""
    with contextlib.suppress(requests.RequestException, ValueError), requests.Session() as session:
        session.trust_env = False
        answer: dict[str, Any] = json.loads(
            session.get(f"http://127.0.0.1:{port}/readyz", timeout=_PATIENCE).content
        )
        return answer
    return {}


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    """Ours without settings: a file of its own is the whole configuration."""
    inherited = os.environ  # noqa: TID251  # handed on to the children, not read
    return {k: v for k, v in inherited.items() if not k.startswith("MESSENGER_")}
