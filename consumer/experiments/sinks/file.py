"""A file of lines that rotates: `taps.ndjson`, then `taps.ndjson.1` and so on, the oldest last."""

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from consumer.experiments.seen import Seen
from consumer.experiments.sinks import Say, SinkFailed
from consumer.experiments.views import View

#: Bytes that are gathered before they are written, at most.
_GATHERED: Final = 65_536
#: Bytes that all lines of one of our files begin with.
_ALIKE: Final = 8
#: Bytes that are looked at in one go for where the last line ended.
_BLOCK: Final = 65_536


class RotatingFile:
    """A sink of whole lines, also after a crash, a full disk or a kill in the middle of a write.

    A line that an earlier run left unfinished is cut off before anything is written behind it. A
    file that does not look like one of these is left alone.
    """

    def __init__(self, path: Path, view: View, *, most_bytes: int, keep: int, say: Say) -> None:
        """`keep` rotated files stay beside the one that grows. Raises SinkFailed."""
        self.written = 0
        self.dropped = 0
        self._path = path
        self._view = view
        self._most_bytes = most_bytes
        self._keep = keep
        self._say = say
        self._waiting = bytearray()
        self._lines = 0
        self._descriptor = self._open()

    def put(self, seen: Seen) -> None:
        """Take one event; one that the view cannot show is dropped."""
        line = self._view(seen)
        if line is None:
            self.dropped += 1
            return
        if self._size + len(self._waiting) + len(line) > self._most_bytes:
            self.flush()
            if self._size:
                self._rotate()
        self._waiting += line
        self._lines += 1
        if len(self._waiting) >= _GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write whole lines, all or none. Raises SinkFailed for a disk that is full or broken."""
        if not self._waiting:
            return
        try:
            self._write(bytes(self._waiting))
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            self.dropped += self._lines
            self._forget()
            raise SinkFailed(f"{self._path}: {error.strerror}; no half line is left") from error
        self.written += self._lines
        self._size += len(self._waiting)
        self._forget()

    def close(self) -> None:
        """Write what is left."""
        try:
            self.flush()
        finally:
            os.close(self._descriptor)

    def _forget(self) -> None:
        self._waiting.clear()
        self._lines = 0

    def _write(self, lines: bytes) -> None:
        while lines:
            lines = lines[os.write(self._descriptor, lines) :]

    def _open(self) -> int:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        except OSError as error:
            raise SinkFailed(f"{self._path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size = self._mended(descriptor)
        except SinkFailed:
            os.close(descriptor)
            raise
        except OSError as error:
            os.close(descriptor)
            busy = error.errno in (errno.EAGAIN, errno.EACCES)
            why = "another tap writes to it; name another file" if busy else error.strerror
            raise SinkFailed(f"{self._path}: {why}") from error
        return descriptor

    def _mended(self, descriptor: int) -> int:
        """The file's size without a last line that has no end. Raises SinkFailed."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SinkFailed(f"{self._path}: is no regular file; leave --into out")
        size = status.st_size
        whole = _end_of_lines(descriptor, size)
        if whole < size:
            head = os.pread(descriptor, min(_ALIKE, size - whole), whole)
            if not whole or os.pread(descriptor, len(head), 0) != head:
                raise SinkFailed(f"{self._path}: was not written by a tap; name another file")
            os.ftruncate(descriptor, whole)
            self._say(f"{self._path}: cut off {size - whole} bytes of a line without an end")
        return whole

    def _rotate(self) -> None:
        os.close(self._descriptor)
        try:
            for number in range(self._keep, 0, -1):
                older = self._numbered(number - 1)
                if older.exists():
                    older.replace(self._numbered(number))
            if not self._keep:
                self._path.unlink()
        except OSError as error:
            self._descriptor = self._open()
            raise SinkFailed(f"{self._path}: cannot be rotated: {error.strerror}") from error
        self._descriptor = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


def _end_of_lines(descriptor: int, size: int) -> int:
    """Where the last whole line ends."""
    end = size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
