"""A real PostgreSQL for tests: the one named in the environment, or one of our own.

`MESSENGER_TEST_POSTGRES` is the URL of a server on which databases may be created. Without it
the server's programs are looked for, and one is started on loopback for the test session.
"""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
#: PostgreSQL refuses to run as root.
_USERS = ("postgres", "nobody")


def find_postgres() -> Path | None:
    """The folder of `initdb` and `postgres`: from PATH, else where Debian puts them."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    # The newest version first; the folder's name is its number.
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: float(path.parent.name), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


class PostgresServer:
    """A server, and fresh databases on it."""

    def __init__(self, *, own: bool = False) -> None:
        """`own`: never the one in the environment; it may be halted, even crashed."""
        self._is_own = own
        # What was committed has to outlive a crash.
        self._settings = _DURABLE if own else _SETTINGS
        self._admin: URL | None = None
        self._databases: list[str] = []
        self._own = contextlib.ExitStack()
        self._launch: Callable[[], None] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises RuntimeError when there is none to start, or it does not come up."""
        given = None if self._is_own else os.environ.get("MESSENGER_TEST_POSTGRES")
        self._admin = make_url(given) if given else self._start_own()

    def stop(self) -> None:
        """Drop the databases, and the server if it is ours. Safe to call twice."""
        if self._admin is not None:
            for name in self._databases:
                # A test that broke the server or left a connection is not to fail all others.
                with contextlib.suppress(psycopg.Error):
                    self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._admin = None
        self._databases.clear()
        self._own.close()

    def halt(self, *, crash: bool = False) -> None:
        """End our own server's process; `crash` gives it no time to write anything."""
        assert self._process is not None, "somebody else's server"
        _stop_process(self._process, signal.SIGQUIT if crash else signal.SIGINT)

    def relaunch(self) -> None:
        """Start it again, on the same port with the same data, and wait until it answers."""
        assert self._launch is not None, "somebody else's server"
        self._launch()

    def new_database(self) -> str:
        """Create an empty database; returns its URL."""
        assert self._admin is not None, "not started"
        name = f"messenger_test_{uuid.uuid4().hex}"
        self._execute("CREATE DATABASE {}", name)
        self._databases.append(name)
        return self._admin.set(drivername="postgresql+psycopg", database=name).render_as_string(
            hide_password=False
        )

    def _execute(self, statement: str, name: str) -> None:
        assert self._admin is not None
        with psycopg.connect(_dsn(self._admin), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def _start_own(self) -> URL:
        programs = find_postgres()
        if programs is None:
            raise RuntimeError("no PostgreSQL: neither MESSENGER_TEST_POSTGRES nor initdb found")
        user = _unprivileged_user()
        folder = Path(tempfile.mkdtemp(prefix="messenger-postgres-"))
        self._own.callback(shutil.rmtree, folder, ignore_errors=True)
        atexit.register(self.stop)
        self._own.callback(atexit.unregister, self.stop)
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        _initdb(programs, data, user)
        port = _free_port()
        log = self._own.enter_context((folder / "log").open("wb"))
        admin = URL.create(
            "postgresql+psycopg", "messenger", host="127.0.0.1", port=port, database="postgres"
        )

        def launch() -> None:
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(port), *self._settings],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                user=user,
                # Ctrl-C is for the tests; they stop the server.
                start_new_session=True,
            )
            _await_ready(self._process, admin, folder / "log")

        self._own.callback(self._end)
        self._launch = launch
        try:
            launch()
        except BaseException:
            self._own.close()
            raise
        return admin

    def _end(self) -> None:
        if self._process is not None:
            _stop_process(self._process, signal.SIGINT)


_DURABLE = (
    *("-c", "listen_addresses=127.0.0.1"),
    *("-c", "unix_socket_directories="),
    # Speed: what a crash of the machine would lose is not tested here.
    *("-c", "fsync=off"),
    *("-c", "full_page_writes=off"),
)
_SETTINGS = (*_DURABLE, "-c", "synchronous_commit=off")


def _initdb(programs: Path, data: Path, user: str | None) -> None:
    done = subprocess.run(
        [
            *(programs / "initdb", "-D", data, "-U", "messenger"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        cwd=data.parent,
        user=user,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


def _await_ready(process: subprocess.Popen[bytes], admin: URL, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(_dsn(admin), connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                text = log.read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {text}") from None
            time.sleep(0.05)  # there is nothing to wait on but the port
        else:
            return


def _stop_process(process: subprocess.Popen[bytes], number: int) -> None:
    """SIGINT is "fast": it ends the sessions, and does not wait for them. SIGQUIT is a crash."""
    process.send_signal(number)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    import pwd  # not on Windows, where nobody is root either

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in _USERS if name in names), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server. Skips where there is none, but fails in CI, where there must be one."""
    yield from _started(PostgresServer())


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server of this test alone: it may be halted and crashed."""
    yield from _started(PostgresServer(own=True))


def _started(server: PostgresServer) -> Iterator[PostgresServer]:
    try:
        server.start()
    except RuntimeError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.stop()
