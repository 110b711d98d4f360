"""Clients on Node, fetched once with npm, kept in `.cache/node-clients`."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests" / "contract" / "clients" / "node"
CACHE = ROOT / ".cache" / "node-clients"

#: Names the lock file that was installed; written last, so a broken download has none.
_STAMP = CACHE / "lock.sha256"

_INSTALL_SECONDS = 100
_RUN_SECONDS = 30


def missing() -> str | None:
    """What stands in the way of running them, with the remedy; None when nothing does."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "no Node: install Node 20 or newer with npm (Debian: nodejs npm)"
    if not _is_current() and not _install():
        return "npm could not fetch the clients: see its own message, or try again online"
    return None


def run(script: str, *arguments: str) -> dict[str, Any]:
    """The JSON object that a script of `SOURCES` prints. Raises CalledProcessError."""
    # Node looks for packages beside the script.
    place = shutil.copy(SOURCES / script, CACHE / script)
    done = subprocess.run(
        ["node", str(place), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=_RUN_SECONDS,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _install() -> bool:
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, CACHE / name)
    try:
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
            cwd=CACHE,
            stdin=subprocess.DEVNULL,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode == 0:
        _STAMP.write_text(_digest(), encoding="ascii")
    return done.returncode == 0


def _is_current() -> bool:
    return _STAMP.exists() and _STAMP.read_text(encoding="ascii") == _digest()


def _digest() -> str:
    return hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
