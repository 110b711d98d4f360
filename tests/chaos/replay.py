"""`python -m tests.chaos.replay --events 10000`: an outage, and a replay that is killed on the way.

Not part of `make test`: it takes minutes. Real Kafka, `messenger run` beside the replay, and every
email counted at the fake Mailgun.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.kafka import KafkaBroker
from tests.support.load import assert_in_order, decoded
from tests.support.replaying import Replaying, assert_each_once, replayed

#: Seconds for anything that this run waits for.
_PATIENCE = 900.0
#: One event in so many is told before the outage.
_TOLD_BEFORE = 10


def main() -> int:
    """Run it, and say what was found; 1 if anything was lost, doubled or out of order."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.replay")
    parser.add_argument("--events", type=int, default=10_000, help="given up in the outage")
    parser.add_argument("--kills", type=int, default=3, help="kill -9 of the replay")
    parser.add_argument("--rate", type=int, default=500, help="emails a second")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="messenger-replay-") as folder,
        _broker(Path(folder, "kafka")) as kafka,
    ):
        run = Replaying(Path(folder), kafka, atoms=max(20, given.events // 10))
        try:
            with run:
                _replay(run, given.events, given.kills, given.rate)
        except AssertionError as error:
            _say(f"FAILED: {error}")
            return 1
    return 0


def _replay(run: Replaying, events: int, kills: int, rate: int) -> None:
    begun = time.monotonic()
    run.go_through_an_outage(events // _TOLD_BEFORE, events, _PATIENCE)
    everything, positions = run.told | run.missed, run.positions
    _say(f"outage: {len(run.told)} told, {len(run.missed)} missed", begun)
    run.start("beside")
    for number in range(kills):
        goal = len(run.told) + len(run.missed) * (number + 1) // (kills + 1)
        run.begin("killed", "--all", "--rate", str(rate))
        run.until_accepted(goal, _PATIENCE)
        run.kill("killed")
        _say(f"killed after {sum(run.mails().values())} emails in all", begun)
    told = replayed(run, "--all", "--rate", str(rate), "--name", "killed")
    _say(f"finished: {told['sent']} sent, {told['found']} of them found", begun)
    assert_each_once(run.mails(), everything)
    assert_in_order(run.fake.messages(limit=1_000_000), decoded(run.records))
    again = replayed(run, "--all", "--rate", str(rate))
    assert (again["sent"], again["not_sent"]) == (0, {}), again
    assert run.positions == positions, "production's offsets have moved"
    _say(f"each of {len(everything)} once, in order; a second replay sent none", begun)
    assert run.terminate("beside") == 0


@contextmanager
def _broker(folder: Path) -> Iterator[KafkaBroker]:
    folder.mkdir()
    broker = KafkaBroker(folder)
    try:
        yield broker.start()
    finally:
        broker.stop(kill=True)


def _say(line: str, begun: float | None = None) -> None:
    after = "" if begun is None else f"{time.monotonic() - begun:6.1f} s  "
    sys.stdout.write(f"{after}{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
