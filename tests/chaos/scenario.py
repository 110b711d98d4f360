"""A few events, one thing that goes wrong at a known moment, and the same checker as a long run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from consumer import wire
from consumer.sandbox.mailgun import Options
from tests.chaos.checker import Findings, check
from tests.chaos.crew import MessengerCrew
from tests.chaos.feeding import Feeder
from tests.chaos.run import arrivals, expectations
from tests.chaos.traffic import Item, write_catalog
from tests.support.kafka import Kafka
from tests.support.messenger import KEY


class Scenario(MessengerCrew):
    """Processes of one mutation (see `mutant.py`) and the traffic that they get."""

    def __init__(
        self,
        folder: Path,
        kafka: Kafka,
        items: Sequence[Item],
        *,
        mutation: str = "none",
        partitions: int = 2,
        overrides: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(
            folder,
            kafka,
            partitions=partitions,
            options=Options(api_keys={KEY: "full"}),
            overrides=overrides,
        )
        self.program = ("tests.chaos.mutant", mutation)
        self.items = items
        write_catalog(self.catalog)

    def feed(self, items: Sequence[Item]) -> None:
        """All of them are on the topic when this returns."""
        feeder = Feeder(self.folder, self.kafka.bootstrap, self.events, items)
        feeder.start()
        feeder.join()

    def findings(self) -> Findings:
        """What became of all items."""
        wanted, ends = expectations(self.items, self.kafka.read_all(self.events))
        told = [wire.decode_tracking(r.value) for r in self.kafka.read_all(self.tracking)]
        return check(wanted, arrivals(self.fake), ends=ends, told=told)
