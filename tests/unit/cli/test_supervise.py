"""What the supervisor calls its processes, and how it says that they ended."""

import pytest

from consumer.cli.supervise import command, how_it_ended


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (2, "exit code 2"),
        (-9, "killed by SIGKILL"),
        (-15, "killed by SIGTERM"),
        (-40, "killed by signal 40"),
    ],
)
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words


def test_processes_of_one_name_can_be_told_apart() -> None:
    names = [command(number, [], "mail")[-1] for number in range(3)]
    assert names == ["mail-0", "mail-1", "mail-2"]


def test_without_a_name_they_have_their_machines() -> None:
    assert command(1, ["--config", "x"], None)[-1].endswith("-1")
    assert "--config" in command(1, ["--config", "x"], None)
