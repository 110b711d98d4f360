"""`python -m tests.chaos`: one run with the given parameters; exit code 1 if anything is broken."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
from rich.console import Console

from tests.chaos.clean import run as clean_run
from tests.chaos.plan import Plan
from tests.chaos.run import run
from tests.support import kafka_jars
from tests.support.kafka import KafkaBroker
from tests.support.postgres import PostgresServer

_REPORTS = Path(".cache/chaos")
_PREFIX = "MESSENGER_CHAOS_"


def main() -> int:
    plan, clean = _arguments()
    if reason := kafka_jars.missing():
        sys.exit(reason)
    _REPORTS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="messenger-chaos-"))
    (folder / "kafka").mkdir()
    broker = KafkaBroker(folder / "kafka")
    postgres = PostgresServer(own=True) if plan.ledger == "postgresql" else None
    try:
        broker.start()
        if postgres is not None:
            postgres.start()
        report = (clean_run if clean else run)(plan, folder, broker, postgres)
    finally:
        broker.stop()
        if postgres is not None:
            postgres.stop()
    kind = "clean" if clean else plan.ledger
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{kind}-{plan.processes}-seed{plan.seed}.json"
    (_REPORTS / name).write_bytes(report.as_json())
    console = Console(width=100)
    report.print(console)
    console.print(f"report: {_REPORTS / name}")
    if report.broken:
        console.print(f"logs: {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _arguments() -> tuple[Plan, bool]:
    """From the command line, else the environment, else the defaults; and whether it is clean."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    hints = get_type_hints(Plan)
    for field in msgspec.structs.fields(Plan):
        # Taken out: Messenger's own processes would read it as a setting of theirs.
        found = os.environ.pop(f"{_PREFIX}{field.name.upper()}", None)
        choices = [str(choice) for choice in get_args(hints[field.name])]
        parser.add_argument(
            f"--{field.name}", default=found or field.default, choices=choices or None
        )
    parser.add_argument("--clean", action="store_true", help="legal gaps, no disturbances")
    given = vars(parser.parse_args())
    clean = given.pop("clean")
    # Not strict: text from the command line becomes numbers.
    return msgspec.convert(given, Plan, strict=False), clean


if __name__ == "__main__":
    sys.exit(main())
