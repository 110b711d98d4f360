"""A file of whole lines, whatever happened to the run before."""

import os
from pathlib import Path

import pytest

from consumer.experiments.sinks import SinkFailed
from consumer.experiments.sinks.file import RotatingFile
from consumer.experiments.views import json_view
from tests.unit.experiments.seen_rig import make_seen

VIEW = json_view(["offset"])


class Opened:
    """A file sink and what it said."""

    def __init__(self, path: Path, *, most_bytes: int = 10_000, keep: int = 2) -> None:
        self.said: list[str] = []
        self.sink = RotatingFile(path, VIEW, most_bytes=most_bytes, keep=keep, say=self.said.append)

    def write(self, *offsets: int) -> None:
        for offset in offsets:
            self.sink.put(make_seen(offset))
        self.sink.close()


def _offsets(path: Path) -> list[int]:
    return [int(line[10:-1]) for line in path.read_text().splitlines()]


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "taps"
    Opened(path).write(1, 2)
    again = Opened(path)
    again.write(3)
    assert _offsets(path) == [1, 2, 3]
    assert (again.sink.written, again.said) == (1, [])


def test_it_rotates_before_it_is_too_large_and_keeps_some(tmp_path: Path) -> None:
    path = tmp_path / "taps"
    opened = Opened(path, most_bytes=2 * len('{"offset":0}\n'))
    opened.write(*range(8))
    files = {file.name: _offsets(file) for file in tmp_path.iterdir()}
    assert files == {"taps": [6, 7], "taps.1": [4, 5], "taps.2": [2, 3]}
    assert opened.sink.written == 8


def test_with_nothing_to_keep_it_begins_anew(tmp_path: Path) -> None:
    Opened(tmp_path / "taps", most_bytes=20, keep=0).write(1, 2, 3)
    assert {file.name: _offsets(file) for file in tmp_path.iterdir()} == {"taps": [3]}


@pytest.mark.parametrize("half", ['{"off', '{"offset":1234'])
def test_half_a_line_that_a_killed_run_left_is_cut_off(tmp_path: Path, half: str) -> None:
    path = tmp_path / "taps"
    path.write_text('{"offset":1}\n' + half)
    opened = Opened(path)
    opened.write(2)
    assert _offsets(path) == [1, 2]
    assert opened.said == [f"{path}: cut off {len(half)} bytes of a line without an end"]


@pytest.mark.parametrize("content", ["hello", '{"a":1}\nhello', '{"offset":1}'])
def test_a_file_that_no_tap_wrote_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "taps"
    path.write_text(content)
    with pytest.raises(SinkFailed, match="was not written by a tap"):
        Opened(path)
    assert path.read_text() == content


def test_two_taps_do_not_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "taps"
    first = Opened(path)
    with pytest.raises(SinkFailed, match="another tap writes to it"):
        Opened(path)
    first.write(1)
    Opened(path).write(2)
    assert _offsets(path) == [1, 2]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "taps"
    opened = Opened(path)
    opened.sink.put(make_seen(1))
    opened.sink.flush()
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) <= 5:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:-5])

    monkeypatch.setattr(os, "write", full)
    opened.sink.put(make_seen(2))
    with pytest.raises(SinkFailed, match="No space left on device; no half line is left"):
        opened.sink.flush()
    assert _offsets(path) == [1]
    assert (opened.sink.written, opened.sink.dropped) == (1, 1)
    opened.sink.close()


@pytest.mark.parametrize("path", ["/dev/null", "/", "/nowhere/taps"])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(SinkFailed, match=path):
        Opened(Path(path))
