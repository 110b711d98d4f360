"""Who sleeps, who is woken, and that nobody is forgotten."""

import threading

from consumer.worker.sleepers import Sleepers
from tests.support.worker import SOON, until


class Bedroom:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sleepers = Sleepers(self.lock)
        self.woken: list[str] = []
        self.threads: list[threading.Thread] = []

    def puts_to_bed(self, name: str, seconds: float = SOON) -> None:
        before = len(self.sleepers._beds)
        thread = threading.Thread(target=self._sleep, args=(name, seconds), daemon=True)
        thread.start()
        self.threads.append(thread)
        until(lambda: len(self.sleepers._beds) > before, f"{name} sleeps")

    def _sleep(self, name: str, seconds: float) -> None:
        with self.lock:
            self.sleepers.sleep(seconds)
            self.woken.append(name)

    def wakes(self) -> None:
        before = len(self.woken)
        with self.lock:
            self.sleepers.wake()
        until(lambda: len(self.woken) > before, "somebody is awake")


def test_who_fell_asleep_last_is_woken_first() -> None:
    room = Bedroom()
    for name in "abc":
        room.puts_to_bed(name)
    for _ in "abc":
        room.wakes()
    assert room.woken == ["c", "b", "a"]


def test_all_are_woken_together() -> None:
    room = Bedroom()
    for name in "abc":
        room.puts_to_bed(name)
    with room.lock:
        room.sleepers.wake_all()
    for thread in room.threads:
        thread.join(SOON)
    assert sorted(room.woken) == ["a", "b", "c"]


def test_nobody_who_woke_by_himself_is_woken_in_place_of_another() -> None:
    """A wake-up that goes to somebody who is up already would be lost."""
    room = Bedroom()
    room.puts_to_bed("stays")
    with room.lock:
        room.sleepers.sleep(0.01)
    room.wakes()
    assert room.woken == ["stays"]


def test_without_sleepers_nothing_is_kept_for_later() -> None:
    room = Bedroom()
    with room.lock:
        room.sleepers.wake()
        room.sleepers.wake_all()
    room.puts_to_bed("a")
    assert room.woken == []
    room.wakes()
    assert room.woken == ["a"]
