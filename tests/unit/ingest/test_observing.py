"""What the door does is counted and logged; a flood of strangers is only counted."""

import structlog
from structlog.testing import LogCapture

from consumer.ingest.credentials import STRANGER
from consumer.ingest.door import Answer
from consumer.ingest.observing import IngestObserving
from consumer.ingest.reading import Door
from consumer.telemetry.metrics import Metrics


class Rig:
    """Hooks whose log and metrics can be read."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.capture = LogCapture()
        log = structlog.wrap_logger(structlog.PrintLogger(), processors=[self.capture])
        self.observing = IngestObserving(self.metrics, log, ["prometheus"])

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"messenger_ingest_{name}_total", labels)

    def logged(self) -> list[str]:
        return [line["event"] for line in self.capture.entries if line["log_level"] != "debug"]


def test_every_label_is_there_from_the_start() -> None:
    rig = Rig()
    for door in Door:
        assert rig.sample("answers", door=door, status="503") == 0
        for name in ("events", "refused", "left_out"):
            assert rig.sample(name, door=door, client="prometheus") == 0


def test_what_is_taken_is_counted_by_client_and_makes_no_noise() -> None:
    rig = Rig()
    rig.observing.answered(Door.EVENTS, "prometheus", Answer(status=200, said="", taken=3))
    assert rig.sample("answers", door="events", status="200") == 1
    assert rig.sample("events", door="events", client="prometheus") == 3
    assert rig.logged() == []


def test_what_is_broken_or_left_out_is_counted_and_said() -> None:
    rig = Rig()
    answer = Answer(status=200, said="why", taken=1, refused=1, left_out=7)
    rig.observing.answered(Door.ALERTMANAGER, "prometheus", answer)
    rig.observing.answered(Door.EVENTS, "prometheus", Answer(status=429, said="too often"))
    assert rig.logged() == ["ingest.refused", "ingest.left_out", "ingest.refused"]
    assert rig.capture.entries[0]["why"] == "why"
    assert rig.sample("refused", door="alertmanager", client="prometheus") == 1
    assert rig.sample("left_out", door="alertmanager", client="prometheus") == 7


def test_strangers_are_logged_until_they_are_a_flood() -> None:
    rig = Rig()
    for status in (401, 429, 429):
        rig.observing.answered(Door.EVENTS, STRANGER, Answer(status=status, said=""))
    assert rig.logged() == ["ingest.refused"]
    assert rig.sample("answers", door="events", status="429") == 2
    assert rig.sample("events", door="events", client=STRANGER) is None
