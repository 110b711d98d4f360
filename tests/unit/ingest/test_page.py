"""What docs/ingest.md tells people to copy is right."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.configuration import load_settings
from consumer.ingest.reading import Door
from tests.unit.ingest.rig import Hall

PAGE = (Path(__file__).parents[3] / "docs" / "ingest.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_settings_are_sound(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")
    mailgun = '[mailgun]\ndomain = "a.example"\napi_key = "k"\nfrom_address = "a@a.example"\n'
    text = mailgun + re.sub(r'"/run/secrets/\w+"', f'"{secret}"', "\n".join(blocks("toml")))
    file = tmp_path / "messenger.toml"
    file.write_text(text)
    settings = load_settings(file, environment={})
    assert set(settings.ingest.clients) == {"prometheus", "grafana"}


def test_the_paths_are_those_of_the_doors() -> None:
    assert re.findall(r"^\| `/(\w+)` \|", PAGE, re.MULTILINE) == [
        "alertmanager",
        "grafana",
        "events",
    ]
    assert set(re.findall(r"https://messenger\.example\.com/(\w+)", PAGE)) == set(Door)


def test_the_contact_point_uses_names_that_the_settings_have() -> None:
    _, contact_point = map(yaml.safe_load, blocks("yaml"))
    (receiver,) = contact_point["contactPoints"][0]["receivers"]
    assert receiver["settings"]["username"] == "grafana"


def test_alertmanager_understands_its_configuration(tmp_path: Path) -> None:
    tool = shutil.which("amtool")
    if tool is None:
        reason = "no amtool: install Debian's prometheus-alertmanager"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    token = tmp_path / "token"
    token.write_text("hush")
    file = tmp_path / "alertmanager.yml"
    file.write_text(blocks("yaml")[0].replace("/etc/alertmanager/messenger-token", str(token)))
    done = subprocess.run([tool, "check-config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_answer_is_one_that_is_given() -> None:
    hall = Hall()
    try:
        event: dict[str, Any] = dict.fromkeys(
            ("source", "tenant_id", "entity_id", "check_id", "alarm_id"), "x"
        )
        event |= {"id": "e-0", "state": "OK", "timestamp": 1_392_138_733_810}
        said = hall.post([event, event | {"id": "e-1", "timestamp": "yesterday"}])
    finally:
        hall.server.stop()
    assert said.body == json.loads(blocks("json")[0])
