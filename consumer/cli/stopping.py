"""SIGTERM and Ctrl-C, as a request to stop that cannot block."""

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Have `stop` called, by a thread of its own, when SIGTERM or SIGINT comes.

    A handler runs in the middle of whatever the main thread does. That may be waiting for the
    very event that is to be set, with its lock held; a SimpleQueue is made for that.
    """
    heard: SimpleQueue[int] = SimpleQueue()

    def pass_on() -> None:
        heard.get()
        stop()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: heard.put(number))
