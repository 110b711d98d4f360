"""The real clock: the only user of `time` in the project."""

import threading
import time


class SystemClock:
    """Wall clock, monotonic clock, and a wait that a stop request ends early."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        self._stop.wait(seconds)
