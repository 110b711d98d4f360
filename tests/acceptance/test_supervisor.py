"""`messenger run --processes N`: N run, what dies is started again, and all end together."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.support.fleet import Fleet, assert_promise_kept
from tests.support.kafka import Kafka, until
from tests.support.load import load


def free_ports(count: int) -> int:
    """The first of so many ports in a row that are free now."""
    for port in range(20_000, 30_000, count):
        try:
            for each in range(port, port + count):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


def crew(fleet: Fleet) -> dict[int, dict[str, Any]]:
    """The processes by number, as the supervisor told last."""
    reports = [line for line in fleet.log("super") if line["event"] == "supervisor.processes"]
    return {each["process"]: each for each in reports[-1]["processes"]} if reports else {}


def pids(fleet: Fleet) -> list[int]:
    return [each["pid"] for each in crew(fleet).values() if "pid" in each]


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def ready_at(port: int) -> Callable[[], bool]:
    def ready() -> bool:
        with requests.Session() as session:
            session.trust_env = False
            try:
                return session.get(f"http://127.0.0.1:{port}/readyz", timeout=1).ok
            except requests.ConnectionError:
                return False

    return ready


def test_processes_run_are_restarted_and_end_together(tmp_path: Path, kafka: Kafka) -> None:
    """Ports are counted up; after kill -9 another is started; SIGTERM ends all, with code 0."""
    with Fleet(tmp_path, kafka) as fleet:
        port = free_ports(2)
        records = load(200)
        fleet.start("super", {"telemetry.port": port}, "--processes", "2")
        for number in range(2):
            until(ready_at(port + number), f"process {number} at its port")
        fleet.feed(records[:100])
        fleet.until_done(100)
        victim = crew(fleet)[0]["pid"]
        os.kill(victim, signal.SIGKILL)
        fleet.until_logged("super", "supervisor.restarting")
        until(lambda: crew(fleet)[0].get("pid", victim) != victim, "another in its place")
        until(ready_at(port), "the new process at the old port")
        fleet.feed(records[100:])
        fleet.until_done(200)
        assert_promise_kept(fleet, records)

        restarting = [x for x in fleet.log("super") if x["event"] == "supervisor.restarting"]
        ends = [(x["process"], x["exit_code"], x["ended"], x["in_seconds"]) for x in restarting]
        assert ends == [(0, -9, "killed by SIGKILL", 1)]
        assert [each["restarts"] for each in crew(fleet).values()] == [1, 0]
        running = pids(fleet)
        assert len(running) == 2
        assert fleet.terminate("super") == 0
        assert not [pid for pid in running if exists(pid)]
        assert fleet.log("super")[-1]["event"] == "supervisor.stopped"
        assert fleet.log("super")[-1]["exit_codes"] == [0, 0]


def test_killed_supervisor_leaves_nobody_running(tmp_path: Path, kafka: Kafka) -> None:
    """The processes stop in order: what was under way is finished, the rest is left to others."""
    with Fleet(tmp_path, kafka) as fleet:
        records = load(160)
        fleet.slow_provider(0.5)
        fleet.feed(records)
        fleet.start("super", {}, "--processes", "2")
        fleet.until_accepted(20)
        running = pids(fleet)
        assert len(running) == 2
        fleet.kill("super")
        until(lambda: not [pid for pid in running if exists(pid)], "the end of both")
        told = [line["event"] for line in fleet.log("super")]
        assert told.count("supervisor.gone") == 2
        assert [x["finished"] for x in fleet.log("super") if x["event"] == "app.stopped"] == [
            True,
            True,
        ]
        assert fleet.fake.stats()["accepted_messages"] < 160
        fleet.slow_provider(0.0)
        fleet.start("next")
        fleet.until_done(160)
        assert_promise_kept(fleet, records)


def test_wrong_settings_end_the_supervisor_when_nobody_could_start(
    tmp_path: Path, kafka: Kafka
) -> None:
    """Another start would end the same way: exit code 2, and no restarts without end."""
    with Fleet(tmp_path, kafka) as fleet:
        # An address of nobody (RFC 5737): neither process can listen there.
        fleet.start("super", {"telemetry.host": "192.0.2.1"}, "--processes", "2")
        assert fleet.until_ended("super") == 2
        assert "cannot listen on 192.0.2.1" in fleet.text("super")
