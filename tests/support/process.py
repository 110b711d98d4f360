"""`python -m` something, without its first second: forked off a process that has all imports.

What comes of it is a process like any other: with its own pid, environment, directory, log and
exit code, and it can be stopped, frozen and killed. A run of all tests starts a few hundred, and a
fresh interpreter would spend most of that time on imports. The demo and what a supervisor starts
are fresh ones all the same.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: What the commands import, some of it only when they run.
_PRELOADED: Final = (
    "__main__",
    "tests.support.process",
    "consumer.cli",
    "consumer.adapters.catalog.files",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
)

_FORKING: Final = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(list(_PRELOADED))


class Process:
    """One that has started. The methods are those of subprocess.Popen."""

    def __init__(
        self,
        module: str,
        *arguments: str | Path,
        stdout: Path,
        stderr: Path | None = None,
        stdin: Path = Path(os.devnull),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Output is appended, without `stderr` all to `stdout`. The files are there at once."""
        files = stdin, stdout, stderr or stdout
        for file in files[1:]:
            file.touch()
        self._process = _FORKING.Process(
            target=_become,
            args=(
                [module, *map(str, arguments)],
                files,
                cwd or Path.cwd(),
                dict(os.environ if env is None else env),
            ),
            daemon=True,  # it does not outlive the tests
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None  # it has started
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Minus the signal's number for one that a signal ended."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def run(
    module: str,
    *arguments: str | Path,
    text: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_seconds: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """Run to the end, with `text` as standard input."""
    with tempfile.TemporaryDirectory() as name:
        stdin, stdout, stderr = (Path(name, each) for each in ("stdin", "stdout", "stderr"))
        stdin.write_text(text, encoding="utf-8")
        process = Process(
            module, *arguments, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env
        )
        try:
            code = process.wait(timeout_seconds)
        finally:
            process.kill()
        out, err = (each.read_text(encoding="utf-8") for each in (stdout, stderr))
    return subprocess.CompletedProcess([module, *map(str, arguments)], code, out, err)


def _become(
    command: list[str], files: tuple[Path, Path, Path], cwd: Path, env: dict[str, str]
) -> None:
    """In the new process: all that `python -m` would have found at its start."""
    stdin, *output = files
    modes = os.O_RDONLY, *[os.O_WRONLY | os.O_APPEND] * 2
    for number, (path, mode) in enumerate(zip((stdin, *output), modes, strict=True)):
        opened = os.open(path, mode)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    module, *sys.argv[1:] = command
    runpy.run_module(module, run_name="__main__", alter_sys=True)
