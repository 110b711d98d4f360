"""A real Prometheus Alertmanager, Debian's `prometheus-alertmanager` say, from PATH."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.kafka import until

_NAMES = ("prometheus-alertmanager", "alertmanager")
_START_SECONDS = 60.0
_LISTENS = re.compile(r'msg="Listening on" address=(\S+)')

#: A tenant's alerts in one message, soon, and soon again what failed: nobody has to wait.
_CONFIG = """
route:
  receiver: messenger
  group_by: [tenant]
  group_wait: 10ms
  group_interval: 250ms
  repeat_interval: 4h
receivers:
  - name: messenger
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization:
            credentials: {token}
"""


def _program() -> str:
    """Skips where there is none, but fails in CI, where there must be one."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Alertmanager: install Debian's prometheus-alertmanager"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return found


class Alertmanager:
    """One process that posts to `url` with `token`; a context manager."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self._program = _program()
        self._folder = folder
        self._log = folder / "alertmanager.log"
        self._config = folder / "alertmanager.yml"
        self._config.write_text(_CONFIG.format(url=url, token=token))

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._config}",
                    f"--storage.path={self._folder / 'alertmanager'}",
                    "--web.listen-address=127.0.0.1:0",
                    "--cluster.listen-address=",
                    "--log.level=debug",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests; they stop it
            )
        until(self._address, f"an Alertmanager that listens; see {self._log}", _START_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def post(
        self, alerts: Sequence[Mapping[str, str]], *, since: datetime, until: datetime | None = None
    ) -> None:
        """Alerts by their labels, as Prometheus would tell them; `until`: they are resolved."""
        told = [
            {
                "labels": dict(labels),
                "annotations": {"summary": f"{labels['alertname']} on {labels['instance']}"},
                "startsAt": since.astimezone(UTC).isoformat(),
            }
            | ({} if until is None else {"endsAt": until.astimezone(UTC).isoformat()})
            for labels in alerts
        ]
        request = urllib.request.Request(
            f"http://{self._address()}/api/v2/alerts",
            json.dumps(told).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def has_told(self) -> bool:
        """Some message was answered so that it takes its alerts for told."""
        return 'msg="Notify success"' in self._log.read_text()

    def _address(self) -> str | None:
        assert self._process.poll() is None, self._log.read_text()
        found = _LISTENS.search(self._log.read_text())
        return found and found[1]
