"""What Linux says of processes, and of the machine: /proc, read at the moment of asking."""

import contextlib
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from consumer.domain.errors import SettingsError
from consumer.sandbox.bench.figures import Figure

#: In a share-out of processor time: whatever is not asked about.
OTHERS: Final = "others"

_PROC: Final = Path("/proc")
#: Of the fields behind the command's name: time in user mode, and in the kernel.
_UTIME, _STIME = 11, 12
#: In /proc/net/tcp: the socket's address, its state, its inode; and the state "listening".
_ADDRESS, _STATE, _INODE, _LISTENING = 1, 3, 9, "0A"


def ensure_linux() -> None:
    """Raises SettingsError where there is no /proc to measure with."""
    if not (_PROC / "self" / "stat").exists():
        raise SettingsError(["the benchmarks read /proc: run them on Linux"])


def cpu_seconds(pid: int) -> float:
    """Processor time that all threads of the process took so far. Raises OSError without it."""
    _, _, fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")
    times = fields.split()
    return (int(times[_UTIME]) + int(times[_STIME])) / os.sysconf("SC_CLK_TCK")


def peak_bytes(pid: int) -> int:
    """The most memory it ever had resident. Raises OSError without the process."""
    for line in (_PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0  # it has just ended


def busy_seconds() -> float:
    """Processor time that all processes of the machine took since its start."""
    first, *_ = (_PROC / "stat").read_text(encoding="ascii").splitlines()
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, first.split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def listener(port: int) -> int | None:
    """The process that listens on this port; None if it is not here, or somebody else's."""
    wanted = set(_listening_inodes(port))
    for folder in _PROC.glob("[0-9]*/fd"):
        # Somebody else's, or gone since.
        with contextlib.suppress(OSError):
            if any(_link(entry) in wanted for entry in folder.iterdir()):
                return int(folder.parent.name)
    return None


def _link(entry: Path) -> str:
    """Where it leads; nowhere if it was closed since, as what lists our own files is."""
    with contextlib.suppress(OSError):
        return str(entry.readlink())
    return ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in (_PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            address, state = fields[_ADDRESS], fields[_STATE]
            if state == _LISTENING and int(address.rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[_INODE]}]"


def cores() -> int:
    """Processor cores that we may use."""
    return len(os.sched_getaffinity(0))


def machine() -> list[Figure]:
    """On what the figures were measured."""
    info = (_PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [
        Figure("processor", next(models, platform.machine())),
        Figure("cores", cores()),
        Figure("memory", round(memory, 1), "GiB"),
        Figure("Python", platform.python_version()),
    ]


class Load:
    """Whose processor time a stretch of time was, in percent of one core."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before = self._taken()

    def shares(self, seconds: float) -> dict[str, float]:
        """By name, since this was made, `seconds` ago; OTHERS is the rest of the machine."""
        after = self._taken()
        grown = {name: max(0.0, after[name] - self._before[name]) for name in after}
        ours = sum(grown.values()) - grown[OTHERS]
        grown[OTHERS] = max(0.0, grown[OTHERS] - ours)
        return {name: 100 * spent / seconds for name, spent in grown.items()} if seconds else {}

    def _taken(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()} | {
            OTHERS: busy_seconds()
        }
