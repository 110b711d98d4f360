"""Group commit: each gets its own answer, errors reach all who asked, nobody is forgotten."""

import threading
from collections.abc import Callable, Sequence

import pytest

from consumer.adapters.group_commit import Gather, NotServedError
from tests.support.worker import SOON, until

ASKERS = 20


class Gate:
    """A `run` that stands in the first call until it is let go."""

    def __init__(self, answer: Callable[[Sequence[int]], Sequence[int]]) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.open = threading.Event()
        self._answer = answer

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        self.entered.set()
        assert self.open.wait(SOON)
        return self._answer(items)


def doubled(items: Sequence[int]) -> Sequence[int]:
    return [item * 2 for item in items]


def ask_from_threads(
    gather: Gather[int, int], items: Sequence[int]
) -> tuple[list[threading.Thread], dict[int, int | Exception]]:
    answers: dict[int, int | Exception] = {}

    def ask(item: int) -> None:
        try:
            answers[item] = gather.ask(item)
        except Exception as error:  # noqa: BLE001  # the thread's answer, whatever it is
            answers[item] = error

    threads = [threading.Thread(target=ask, args=(item,), daemon=True) for item in items]
    for thread in threads:
        thread.start()
    return threads, answers


def finished(threads: Sequence[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(SOON)
    return not any(thread.is_alive() for thread in threads)


def waiting(gather: Gather[int, int]) -> int:
    return len(gather._waiting)


def test_one_asker_is_a_batch_of_one() -> None:
    gate = Gate(doubled)
    gate.open.set()
    assert Gather(gate).ask(21) == 42
    assert gate.batches == [[21]]


def test_what_is_asked_together_is_answered_together_beyond_the_limit_too() -> None:
    gate = Gate(doubled)
    gate.open.set()
    assert Gather(gate, limit=5).ask_all(range(12)) == doubled(range(12))
    assert [len(batch) for batch in gate.batches] == [12]


def test_nobodys_items_are_torn_apart_where_the_limit_is_reached() -> None:
    gate = Gate(doubled)
    gather = Gather(gate, limit=5)
    first, _ = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    several: list[list[int]] = []
    three = threading.Thread(
        target=lambda: several.append([*gather.ask_all([1, 2, 3])]), daemon=True
    )
    three.start()
    until(lambda: waiting(gather) == 1, "the three wait")
    other = threading.Thread(
        target=lambda: several.append([*gather.ask_all([4, 5, 6])]), daemon=True
    )
    other.start()
    until(lambda: waiting(gather) == 2, "the other three wait")
    gate.open.set()
    assert finished([*first, three, other])
    assert sorted(several) == [[2, 4, 6], [8, 10, 12]]
    assert gate.batches == [[0], [1, 2, 3], [4, 5, 6]]


def test_whoever_comes_meanwhile_shares_the_next_batch_and_gets_his_own_answer() -> None:
    gate = Gate(doubled)
    gather = Gather(gate)
    first, answers = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    others, more = ask_from_threads(gather, range(1, ASKERS))
    until(lambda: waiting(gather) == ASKERS - 1, "all others wait")
    gate.open.set()
    assert finished([*first, *others])
    assert answers | more == {item: item * 2 for item in range(ASKERS)}
    assert [len(batch) for batch in gate.batches] == [1, ASKERS - 1]


def test_a_batch_has_a_limit_and_the_rest_follows() -> None:
    gate = Gate(doubled)
    gather = Gather(gate, limit=5)
    first, _ = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    others, answers = ask_from_threads(gather, range(1, 12))
    until(lambda: waiting(gather) == 11, "all others wait")
    gate.open.set()
    assert finished([*first, *others])
    assert answers == {item: item * 2 for item in range(1, 12)}
    assert [len(batch) for batch in gate.batches] == [1, 5, 5, 1]


def test_an_error_reaches_everyone_of_its_batch_and_nobody_else() -> None:
    def answer(items: Sequence[int]) -> Sequence[int]:
        if 0 in items:
            return doubled(items)
        raise ValueError("the database is gone")

    gate = Gate(answer)
    gather = Gather(gate)
    first, good = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    others, bad = ask_from_threads(gather, range(1, 6))
    until(lambda: waiting(gather) == 5, "all others wait")
    gate.open.set()
    assert finished([*first, *others])
    assert good == {0: 0}
    assert {str(error) for error in bad.values()} == {"the database is gone"}
    assert len(bad) == 5


def test_after_an_error_the_next_one_is_served() -> None:
    failing = [True]

    def answer(items: Sequence[int]) -> Sequence[int]:
        if failing.pop() if failing else False:
            raise ValueError("the database is gone")
        return doubled(items)

    gather: Gather[int, int] = Gather(answer)
    with pytest.raises(ValueError, match="gone"):
        gather.ask(1)
    assert gather.ask(2) == 4


def test_fewer_answers_than_items_is_an_error_not_somebody_elses_answer() -> None:
    gather: Gather[int, int] = Gather(lambda _: [])
    with pytest.raises(ValueError, match="shorter"):
        gather.ask(1)


def test_nobody_leads_for_longer_than_his_own_batch() -> None:
    """Others go on asking without end; the first leader has his answer all the same."""
    gate = Gate(doubled)
    gather = Gather(gate)
    leader, answers = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    second_batch = threading.Event()
    hold = threading.Event()

    def answer(items: Sequence[int]) -> Sequence[int]:
        if 0 not in items:
            second_batch.set()
            assert hold.wait(2 * SOON)
        return doubled(items)

    gate._answer = answer
    others, _ = ask_from_threads(gather, [1])
    until(lambda: waiting(gather) == 1, "another one waits")
    gate.open.set()
    assert second_batch.wait(SOON)
    assert finished(leader), "the first one still leads"
    assert answers == {0: 0}
    hold.set()
    assert finished(others)


def test_no_wakeup_is_lost_when_many_ask_again_and_again() -> None:
    gather: Gather[int, int] = Gather(doubled, limit=7)
    start = threading.Barrier(ASKERS)
    wrong: list[int] = []

    def ask_often(first: int) -> None:
        start.wait(SOON)
        wrong.extend(n for n in range(first, first + 200) if gather.ask(n) != n * 2)

    threads = [
        threading.Thread(target=ask_often, args=(n * 1000,), daemon=True) for n in range(ASKERS)
    ]
    for thread in threads:
        thread.start()
    assert finished(threads)
    assert wrong == []


def test_whoever_waits_too_long_gives_up_and_is_not_served() -> None:
    gate = Gate(doubled)
    gather = Gather(gate, timeout_seconds=0.05)
    first, answers = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    with pytest.raises(NotServedError, match="too many others"):
        gather.ask(1)
    gate.open.set()
    assert finished(first)
    assert gather.ask(2) == 4
    assert answers == {0: 0}
    assert gate.batches == [[0], [2]]


def test_a_leader_that_is_stopped_leaves_nobody_waiting() -> None:
    def answer(items: Sequence[int]) -> Sequence[int]:
        if 1 in items:
            raise KeyboardInterrupt
        return doubled(items)

    gate = Gate(answer)
    gather = Gather(gate)
    first, _ = ask_from_threads(gather, [0])
    assert gate.entered.wait(SOON)
    stopped: list[BaseException] = []

    def lead() -> None:
        try:
            gather.ask(1)
        except KeyboardInterrupt as error:
            stopped.append(error)

    leader = threading.Thread(target=lead, daemon=True)
    leader.start()
    until(lambda: waiting(gather) == 1, "the next leader waits")
    carried, answers = ask_from_threads(gather, [2])
    until(lambda: waiting(gather) == 2, "another one waits")
    gate.open.set()
    assert finished([*first, leader, *carried])
    assert len(stopped) == 1
    assert isinstance(answers[2], NotServedError)
    assert gather.ask(3) == 6
