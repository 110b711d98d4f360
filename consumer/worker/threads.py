"""Threads whose death is noticed: a process that lost one must not look alive."""

import threading
from collections.abc import Callable

#: Told the thread's name and what ended it.
OnDeath = Callable[[str, BaseException], None]


def watch_threads(on_death: OnDeath) -> None:
    """From now on, call `on_death` when any thread of this process ends by an exception.

    Every thread of ours runs until it is told to stop; one that ends by itself is a defect, and
    the rest of the process could only pretend to work: nothing would be tracked, or committed.
    """

    def noticed(ended: threading.ExceptHookArgs) -> None:
        name = "unknown" if ended.thread is None else ended.thread.name
        on_death(name, ended.exc_value or ended.exc_type())

    threading.excepthook = noticed
