"""Disks that are full: the ledger's, and the one that the log goes to."""

import os
import resource
from pathlib import Path

import pytest

from tests.support.fleet import Fleet, assert_promise_kept
from tests.support.kafka import Kafka, until
from tests.support.load import load
from tests.support.outages import ALARMS, NAME, QUICK, Outage

#: Bytes that the log may grow by while nothing else may be written.
_ROOM_FOR_THE_LOG = 100_000


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limits of another process here")
def test_ledger_on_a_full_disk(tmp_path: Path, kafka: Kafka) -> None:
    """Nothing can be written down, so nothing is sent; with space again everything goes out once.

    A limit on the size of the process's files stands in for a full disk: writes fail the same way.
    """
    with Outage(tmp_path, kafka, overrides=QUICK) as run:
        run.begin(rounds=2)
        limit = (tmp_path / f"{NAME}.log").stat().st_size + _ROOM_FOR_THE_LOG
        assert (tmp_path / "messenger.db-wal").stat().st_size > limit, "the next write is beyond it"
        before = resource.prlimit(run.pid(NAME), resource.RLIMIT_FSIZE)
        resource.prlimit(run.pid(NAME), resource.RLIMIT_FSIZE, (limit, before[1]))
        run.next_events()
        run.until_waits_for("ledger")
        resource.prlimit(run.pid(NAME), resource.RLIMIT_FSIZE, before)
        run.until_all_accepted()
        until(lambda: run.readiness()["ready"], "ready again")
        run.assert_went_on()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_logs_that_cannot_be_written(tmp_path: Path, kafka: Kafka) -> None:
    """Their lines are lost, and nothing else: not an email, not the way to an orderly end."""
    full = os.open("/dev/full", os.O_WRONLY)
    reading, pipe = os.pipe()
    os.close(reading)
    with Fleet(tmp_path, kafka, overrides=QUICK) as fleet:
        records = load(ALARMS, atoms=ALARMS)
        fleet.feed(records)
        for name, log in {"full": full, "pipe": pipe}.items():
            fleet.start(name, stderr=log)
            os.close(log)
        fleet.until_done(ALARMS)
        assert_promise_kept(fleet, records)
        for name in ("full", "pipe"):
            assert fleet.terminate(name) == 0
            assert fleet.text(name) == ""
