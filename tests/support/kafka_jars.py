"""Apache Kafka's jars: fetched once with Maven, kept in `.cache/kafka`."""

import hashlib
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
POM = Path(__file__).with_name("kafka-pom.xml")
JARS = ROOT / ".cache" / "kafka" / "jars"

#: What a first broker leaves for all later ones, which then start in half the time: its classes as
#: the JVM has them in memory (a JVM that cannot use them does not), and its formatted data folder.
ARCHIVE = JARS.with_name("classes.jsa")
FORMATTED = JARS.with_name("formatted")

#: Names the pom that the jars were fetched for; written last, so a broken download has none.
_STAMP = JARS.parent / "jars.sha256"

_TIMEOUT_SECONDS = 900


def missing() -> str | None:
    """What stands in the way of starting a broker, with the remedy; None when nothing does."""
    if shutil.which("java") is None:
        return "no Java: install a JRE 17 or newer (Debian: default-jre-headless)"
    if not _is_current():
        return "no Kafka jars: run `python -m tests.support.kafka prepare` (needs Maven)"
    return None


def prepare() -> None:
    """Fetch the jars unless they are there. Exits with one line when Maven is missing or fails."""
    if _is_current():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise SystemExit("no Maven: install it (Debian: maven), or set MESSENGER_TEST_KAFKA")
    shutil.rmtree(JARS, ignore_errors=True)
    ARCHIVE.unlink(missing_ok=True)
    JARS.parent.mkdir(parents=True, exist_ok=True)
    fetch = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*fetch, f"-DoutputDirectory={JARS}"],
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit("Maven could not fetch the Kafka jars; its own message is above")
    _STAMP.write_text(_digest(), encoding="ascii")


def _is_current() -> bool:
    return _STAMP.exists() and _STAMP.read_text(encoding="ascii") == _digest()


def _digest() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()
