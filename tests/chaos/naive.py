"""The baseline: poll, post, commit. What one writes in an afternoon, with tenacity for retries.

    python -m tests.chaos.naive BOOTSTRAP TOPIC GROUP RECIPIENTS URL KEY

It is given what it needs to do well: it knows in memory when the last event of each alarm was, so
that repeats and late ones lead to no email while it lives. RECIPIENTS is a JSON file:
addresses by record key.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import requests
import tenacity
from kafka import KafkaConsumer

from tests.support.messenger import DOMAIN


class Loop:
    """One consumer of the group."""

    def __init__(self, recipients: dict[str, list[str]], url: str, key: str) -> None:
        self._recipients = recipients
        self._messages = f"{url}/v3/{DOMAIN}/messages"
        self._key = key
        self._last: dict[str, int] = {}
        self._session = requests.Session()
        self.stopped = False

    def run(self, consumer: Any) -> None:
        while not self.stopped:
            batches = consumer.poll(timeout_ms=500)
            for records in batches.values():
                for record in records:
                    self._handle(record)
            if batches:
                consumer.commit()
        consumer.close()

    def _handle(self, record: Any) -> None:
        try:
            event = json.loads(record.value)
        except ValueError:
            return
        atom = record.key.decode()
        if event["timestamp"] <= self._last.get(atom, 0):
            return
        self._last[atom] = event["timestamp"]
        if not event["actions_enabled"]:
            return
        for recipient in self._recipients[atom]:
            try:
                self._post(event, recipient)
            except requests.RequestException as error:
                print("given up:", error, file=sys.stderr)  # noqa: T201

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(requests.RequestException),
        wait=tenacity.wait_exponential(multiplier=0.1, max=2),
        stop=tenacity.stop_after_attempt(5),
        reraise=True,
    )
    def _post(self, event: dict[str, Any], recipient: str) -> None:
        response = self._session.post(
            self._messages,
            auth=("api", self._key),
            data={
                "from": f"Alarms <alarms@{DOMAIN}>",
                "to": recipient,
                "subject": f"{event['state']}: {event['alarm_id']}",
                "text": event["status"],
                "v:event_id": event["id"],
            },
            timeout=3,
        )
        response.raise_for_status()


def main(bootstrap: str, topic: str, group: str, recipients: str, url: str, key: str) -> None:
    loop = Loop(json.loads(Path(recipients).read_text(encoding="utf-8")), url, key)
    signal.signal(signal.SIGTERM, lambda *_: setattr(loop, "stopped", True))
    loop.run(
        KafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=3000,
            heartbeat_interval_ms=600,
            max_poll_records=100,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
