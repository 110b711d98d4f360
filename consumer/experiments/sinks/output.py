"""Standard output, without waiting for ever: its reader may sleep, or have gone."""

import errno
import os
import select
from collections.abc import Callable
from typing import Final

from consumer.experiments.seen import Seen
from consumer.experiments.sinks import SinkClosed, SinkFailed
from consumer.experiments.views import View

#: Bytes that a pipe that can be written to takes at once: PIPE_BUF.
_CHUNK: Final = 4_096
#: Milliseconds between two looks whether we are to stop.
_LOOK_MS: Final = 100
#: Bytes that are gathered, at most.
_GATHERED: Final = 65_536


class Output:
    """A sink into a file descriptor: terminal, pipe or redirected file."""

    def __init__(self, descriptor: int, view: View, stop: Callable[[], bool]) -> None:
        self.written = 0
        self.dropped = 0
        self._descriptor = descriptor
        self._view = view
        self._stop = stop
        self._waiting = bytearray()
        self._lines = 0
        self._poll = select.poll()
        self._poll.register(descriptor, 0)

    def put(self, seen: Seen) -> None:
        """Take one event; one that the view cannot show is dropped."""
        line = self._view(seen)
        if line is None:
            self.dropped += 1
            return
        self._waiting += line
        self._lines += 1
        if len(self._waiting) >= _GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write all. Raises SinkClosed when the reader has gone, also when there is nothing."""
        if any(event & (select.POLLERR | select.POLLNVAL) for _, event in self._poll.poll(0)):
            raise self._closed()
        while self._waiting:
            if not self._writable():
                self._give_up()
                return
            self._write()

    def close(self) -> None:
        """Write what the reader takes at once."""
        self.flush()

    def _writable(self) -> bool:
        """Wait for the reader; False: we are to stop, and it does not read."""
        while True:
            _, writable, _ = select.select([], [self._descriptor], [], _LOOK_MS / 1000)
            if writable:
                return True
            if self._stop():
                return False

    def _write(self) -> None:
        try:
            done = os.write(self._descriptor, self._waiting[:_CHUNK])
        except BrokenPipeError:
            raise self._closed() from None
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.EIO:  # the terminal is gone
                raise self._closed() from None
            self._give_up()
            raise SinkFailed(f"standard output cannot be written: {error.strerror}") from error
        ended = self._waiting.count(b"\n", 0, done)
        self.written += ended
        self._lines -= ended
        del self._waiting[:done]

    def _closed(self) -> SinkClosed:
        self._give_up()
        return SinkClosed()

    def _give_up(self) -> None:
        self.dropped += self._lines
        self._lines = 0
        self._waiting.clear()
