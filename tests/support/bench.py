"""`make bench`: the benchmarks on a real Kafka of their own.

python -m tests.support.bench [NAME [OPTIONS]]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import kafka_jars
from tests.support.kafka import KafkaBroker

ALL = ("storm", "single", "fairness", "throttled", "tap")


def main(name: str | None = None, *options: str) -> int:
    """Run one or all; the last exit code that was not 0."""
    reason = kafka_jars.missing()
    if reason:
        raise SystemExit(reason)
    code = 0
    with tempfile.TemporaryDirectory(prefix="messenger-bench-kafka-") as folder:
        broker = KafkaBroker(Path(folder)).start()
        try:
            for each in ALL if name is None else (name,):
                command = [sys.executable, "-m", "consumer", "bench", each, *options]
                given = ["--bootstrap-servers", broker.bootstrap]
                code = subprocess.run([*command, *given], check=False).returncode or code
        finally:
            broker.stop()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
