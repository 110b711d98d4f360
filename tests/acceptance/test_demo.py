"""`messenger demo`: from nothing to a table, and nothing left behind."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.kafka import until


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The demo as a process, its temporary files below `folder`.

    SIGINT is ignored at its start, as in everything that a shell starts in the background.
    """
    demo = [sys.executable, "-m", "consumer", "demo", "--rate", "200", *arguments]
    return subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *demo],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder), "COLUMNS": "120"},
    )


def number(table: str, row: str) -> int:
    found = re.search(rf"{row}\s*│\s*(\d+)", table)
    assert found, table
    return int(found[1])


def left_behind(folder: Path) -> list[str]:
    """Processes that were started below the demo's folder, by their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_demo_ends_with_its_numbers_and_leaves_nothing(tmp_path: Path) -> None:
    """300 events: emails, reasons, dead letters, duplicates, latencies, one email's story."""
    demo = start(tmp_path, "--events", "300", "--port", "0")
    out, err = demo.communicate(timeout=110)
    assert demo.returncode == 0, err
    assert number(out, "events in") == 300
    assert number(out, "emails accepted") > 150
    assert number(out, "dead letters") > 0
    assert number(out, "duplicates refused") > 0
    assert "in_doubt" not in out
    for row in ("alarm disabled", "empty list", "unsupported type", "stale", "maintenance"):
        assert row in out
    assert re.search(r"p50\s*│\s*\d+ ms", out)
    assert re.search(r"p99\s*│\s*\d+ ms", out)
    assert "sent, the provider has accepted it" in out
    assert list(tmp_path.iterdir()) == []
    assert left_behind(tmp_path) == []


def test_demo_takes_another_port_when_its_own_is_taken_and_ends_when_asked(tmp_path: Path) -> None:
    """KEEP=1: it prints where to look; Ctrl-C or SIGTERM stops everything and cleans up."""
    folders = {asked: tmp_path / asked.name for asked in (signal.SIGINT, signal.SIGTERM)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demos = {}
        for asked, folder in folders.items():
            folder.mkdir()
            demos[asked] = start(folder, "--events", "30", "--port", port, "--keep")
        for asked, demo in demos.items():
            assert demo.stdout is not None
            lines: list[str] = []
            for line in demo.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            inbox = next(line.split()[1] for line in lines if line.strip().startswith("inbox"))
            assert not inbox.endswith(f":{port}")
            assert left_behind(folders[asked])
            demo.send_signal(asked)
    for demo in demos.values():
        demo.communicate(timeout=60)
        assert demo.returncode == 130
    until(lambda: not left_behind(tmp_path), "no process left")
    assert [list(folder.iterdir()) for folder in folders.values()] == [[], []]
