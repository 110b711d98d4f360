"""The fake Mailgun as a process of its own, which writes down what it accepts.

    python -m consumer.sandbox.bench.provider FOLDER SECONDS [SECONDS ...]

It answers after so many seconds; of several, each is as likely. Then the wait comes before the
acceptance, so that two calls of one alarm at the same time would change places. FOLDER gets the
address and the record of acceptances. Ends on SIGTERM.
"""

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from consumer.sandbox.bench.acceptances import FILE, Acceptance, line_of
from consumer.sandbox.mailgun import FakeMailgun, Options

DOMAIN: Final = "alerts.example.com"
KEY: Final = "key-bench"
URL_FILE: Final = "url"
#: Mails kept, for whoever looks one up; the record has all of them.
_KEPT: Final = 2_000


def main(folder: str, *latencies: str) -> None:
    """Run until SIGTERM."""
    seconds = [float(latency) for latency in latencies]
    options = Options(
        api_keys={KEY: "full"},
        domains=frozenset({DOMAIN}),
        latency_seconds=seconds[0] if len(seconds) == 1 else 0.0,
        max_messages=_KEPT,
    )
    with (
        (Path(folder) / FILE).open("w", encoding="utf-8", buffering=1) as file,
        FakeMailgun(options) as fake,
    ):
        fake.world.store.listeners.append(_writer(file))
        if len(seconds) > 1:
            fake.script(*_dice(seconds))
        _say(Path(folder), fake.url)
        threading.Event().wait()


def _say(folder: Path, url: str) -> None:
    """Whoever sees the file finds the whole address in it."""
    unnamed = folder / f"{URL_FILE}.new"
    unnamed.write_text(url, encoding="ascii")
    unnamed.rename(folder / URL_FILE)


def _writer(file: TextIO) -> Callable[[Any], None]:
    def write(event: Any) -> None:
        if event.kind == "accepted":
            stored = event.stored
            event_id = stored.mail.variables["event_id"]
            file.write(line_of(Acceptance(stored.accepted_at, event_id, stored.mail.message_id)))

    return write


def _dice(seconds: Sequence[float]) -> list[dict[str, Any]]:
    """Faults are tried in their order: each takes its share of what those before it left."""
    left = range(len(seconds), 0, -1)
    return [
        {"kind": "delay", "seconds": each, "count": None, "probability": 1 / n, "seed": n}
        for each, n in zip(seconds, left, strict=True)
    ]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
