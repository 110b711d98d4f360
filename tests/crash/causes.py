"""What happens to the process at the boundary: each cause ends with every thread free to go on."""

import threading
from collections.abc import Callable
from typing import Final

from tests.crash.events import FIRST, LOG, SECOND, uid
from tests.crash.process import Process
from tests.crash.stage import Stage
from tests.crash.world import LEASE_SECONDS
from tests.support.worker import FIRST as PARTITION
from tests.support.worker import until

Cause = Callable[[Stage], None]


def kill(stage: Stage) -> None:
    """kill -9. Its lease runs out, and the next owner reads what is not committed."""
    stage.process.kill()
    stage.pass_time(LEASE_SECONDS + 1)
    stage.succeed()


def kill_in_call(stage: Stage, *, taken: bool) -> None:
    """As kill, while the request is on its way: does the provider take it?"""
    stage.process.kill()
    stage.world.provider.take(uid(FIRST), accepted=taken)
    stage.pass_time(LEASE_SECONDS + 1)
    stage.succeed()


def sigterm(stage: Stage) -> None:
    """What is under way goes on; the successor starts once the process has ended."""
    stage.process.stop.set()
    stage.process.end()
    assert stage.process.finished, "not all that was under way was finished"
    stage.succeed()


def rebalance(stage: Stage) -> None:
    """The partition goes to another member once what is under way has ended."""
    revoked = _listen(stage, in_time=True)
    stage.process.go_on.set()
    stage.until(revoked.is_set, "the partition is revoked")
    stage.succeed()


def rebalance_late(stage: Stage) -> None:
    """What is under way outlasts the wait: the partition goes, and both have the record."""
    if stage.boundary.stops_polling:
        _taken_from_a_silent_one(stage)
        return
    revoked = _listen(stage, in_time=False)
    stage.until(revoked.is_set, "the partition is revoked")
    successor = stage.succeed()
    stage.until(lambda: _waits_for_lock(successor), "the successor finds the alarm held")
    stage.process.go_on.set()


def broker_loss(stage: Stage) -> None:
    """From the boundary on Kafka answers nobody; it comes back later."""
    process, before = stage.process, stage.world.next_offset
    process.source.away = process.sink.away = True
    process.go_on.set()
    away = {"kafka"} if stage.boundary.name == "committed" else {"kafka", "kafka_producer"}
    stage.until(lambda: away <= process.watching.away, "Kafka is found to be away")
    assert stage.world.next_offset == before
    process.source.away = process.sink.away = False


def provider_timeout(stage: Stage, *, taken: bool) -> None:
    """The next answer about the alarm's emails is lost: was the email accepted?"""
    told = stage.boundary.name in _TOLD
    if stage.boundary.name == "in_doubt":
        stage.world.provider.unanswered = 3
    else:
        stage.world.provider.lose(uid(SECOND if told else FIRST), accepted=taken)
    stage.process.go_on.set()


#: Boundaries at which the first email has its answer: the next one is the second's.
_TOLD: Final = ("answered", "settled", "written", "acknowledged", "closed", "committed")


def _listen(stage: Stage, *, in_time: bool) -> threading.Event:
    """Revoke the partition inside the next poll, as the client's listener does."""
    loop, source, revoked = stage.process.worker.loop, stage.process.source, threading.Event()

    def revoke() -> None:
        source.on_poll = lambda: None
        source.batches.clear()
        loop.revoking([PARTITION])
        if in_time:
            until(lambda: loop.quiet([PARTITION]), "nothing of the partition is under way")
        source.commit(loop.revoked([PARTITION]))
        source.rebalancing = True
        revoked.set()

    source.on_poll = revoke
    return revoked


def _taken_from_a_silent_one(stage: Stage) -> None:
    """The process has not polled for so long that the group went on without it."""
    process, source = stage.process, stage.process.source
    source.rebalancing = True
    source.batches.clear()
    successor = stage.succeed()
    stage.until(
        lambda: _waits_for_lock(successor) or stage.world.next_offset == len(LOG),
        "the successor does what it may",
    )

    def lose() -> None:
        if stage.world.is_closed(FIRST):
            source.on_poll = lambda: None
            process.worker.loop.lost([PARTITION])

    source.on_poll = lose
    process.go_on.set()


def _waits_for_lock(process: Process) -> bool:
    return process.worker.loop._intake.parked > 0
