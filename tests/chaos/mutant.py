"""Messenger with one of its safeguards taken out, or on a Kafka client with a known defect.

    python -m tests.chaos.mutant NAME run -c FILE ...

Shows that the checker sees what such a Messenger does, and that the gap check and the watchdog
heal what such a client does. The product has no such options: it is changed from outside, here.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final
from unittest import mock

from consumer.__main__ import main
from consumer.adapters.kafka import source
from consumer.adapters.ledger.ledger import SqlLedger
from consumer.worker import resolver
from consumer.worker.offsets import PartitionOffsets
from tests.chaos.clients import SilentUntilRejoin, SilentUntilSeek, Skipping


def _without_mark() -> None:
    """Sends are not in the ledger before they are posted."""
    mock.patch.object(SqlLedger, "mark_sending", return_value=()).start()


def _without_contiguous_commit() -> None:
    """The highest offset that is done is committed, whatever is open below it."""
    highest: dict[int, int] = {}
    done = PartitionOffsets.done

    def note(offsets: PartitionOffsets, offset: int) -> None:
        highest[id(offsets)] = max(offset + 1, highest.get(id(offsets), 0))
        done(offsets, offset)

    def committable(offsets: PartitionOffsets) -> int | None:
        return highest.get(id(offsets))

    mock.patch.object(PartitionOffsets, "done", note).start()
    mock.patch.object(
        PartitionOffsets, "committable", lambda offsets: highest.get(id(offsets))
    ).start()


def _without_resolver() -> None:
    """A send whose answer was lost is sent again at once, nobody is asked."""
    mock.patch.object(resolver.Resolver, "_look_up", return_value=(None, True)).start()
    mock.patch.object(resolver, "next_lookup", return_value=None).start()


def _on(client: type) -> Callable[[], None]:
    def mutate() -> None:
        defaults: dict[str, Any] | None = source.KafkaSource.__init__.__kwdefaults__
        assert defaults is not None
        defaults["make_consumer"] = client
        # Not to wait for the watchdog's leisure.
        mock.patch.object(source, "_PATIENCE", 1.0).start()

    return mutate


MUTATIONS: Final[Mapping[str, Callable[[], None]]] = {
    "none": lambda: None,
    "without-mark": _without_mark,
    "without-contiguous-commit": _without_contiguous_commit,
    "without-resolver": _without_resolver,
    "skipping": _on(Skipping),
    "silent-until-seek": _on(SilentUntilSeek),
    "silent-until-rejoin": _on(SilentUntilRejoin),
}

if __name__ == "__main__":
    MUTATIONS[sys.argv.pop(1)]()
    sys.exit(main())
