"""Linux's figures of processes: those of this one are known."""

import os
import socket
import time

import pytest

from consumer.sandbox.bench import proc

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc here")  # noqa: PTH110


MEBIBYTE = 2**20


def burn(seconds: float) -> None:
    """Use so much processor time, in this thread alone."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_processor_time_is_that_of_the_process() -> None:
    before = proc.cpu_seconds(os.getpid())
    burn(0.1)
    assert proc.cpu_seconds(os.getpid()) - before >= 0.08  # counted in ticks of 10 ms


def test_peak_memory_does_not_shrink() -> None:
    held = b"x" * 64 * MEBIBYTE
    peak = proc.peak_bytes(os.getpid())
    assert peak > len(held)
    del held
    # The kernel counts with a grain.
    assert proc.peak_bytes(os.getpid()) > peak - 8 * MEBIBYTE


def test_who_listens_on_a_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert proc.listener(port) == os.getpid()
    assert proc.listener(port) is None


def test_load_is_told_by_name_and_the_rest_is_others() -> None:
    load = proc.Load({"me": os.getpid()})
    burn(0.1)
    shares = load.shares(0.1)
    assert shares.keys() == {"me", proc.OTHERS}
    assert shares["me"] >= 80
    assert load.shares(0.0) == {}


def test_the_machine_says_its_cores() -> None:
    told = {figure.name: figure.value for figure in proc.machine()}
    assert told["cores"] == len(os.sched_getaffinity(0))
