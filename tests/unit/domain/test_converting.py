"""Converting: threads that need a new type at the same time do not crash the process."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from consumer.domain.converting import convert
from tests.support.factories import make_event

#: In a process of its own: what goes wrong here is a segmentation fault.
_AT_ONCE = """
import sys, threading
import msgspec
from consumer.domain.converting import convert

sys.setswitchinterval(1e-6)
for _ in range(300):
    class Inner(msgspec.Struct):
        a: str = ""
    class Middle(msgspec.Struct):
        inner: Inner
        more: list[Inner] = []
    class Outer(msgspec.Struct):
        middle: Middle
        other: Middle | None = None
    start = threading.Barrier(4)
    def work():
        start.wait()
        convert({"middle": {"inner": {"a": "x"}}}, Outer)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_threads_that_need_a_new_type_at_once_wait_for_each_other() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _AT_ONCE],
        cwd=Path(__file__).parents[3],
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_it_converts_and_refuses_as_msgspec_does() -> None:
    event = make_event()
    assert convert(msgspec.to_builtins(event), type(event)) == event
    assert convert("7", int, strict=False) == 7
    with pytest.raises(msgspec.ValidationError):
        convert("7", int)
