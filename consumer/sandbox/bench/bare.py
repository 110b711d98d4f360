"""The limits: programs of a few lines, run as processes of their own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from consumer.domain.errors import DependencyError
from consumer.sandbox.processes import environment

#: A limit that takes longer is none.
_SECONDS: Final = 1_200


def run_bare(program: str, arguments: Sequence[object], given: bytes) -> dict[str, Any]:
    """Run a program of this package with `given` on its standard input; the JSON that it prints.

    Raises DependencyError with its last words.
    """
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", f"{__package__}.{program}", *map(str, arguments)],
        input=given,
        capture_output=True,
        env=environment(),
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise DependencyError(f"{program} failed: {done.stderr.decode()[-500:]}")
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed
