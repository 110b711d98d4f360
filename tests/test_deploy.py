"""What deploy/ ships is right: the example configuration, the compose file, the unit, the image."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr
from typer.testing import CliRunner

from consumer.cli import app
from consumer.cli.findings import Level, texts
from consumer.cli.ingest_checks import check_ingest
from consumer.configuration import load_settings
from consumer.settings import Route, Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
EXAMPLE = (DEPLOY / "messenger.example.toml").read_text()
#: The example with each commented setting switched on.
FULL_EXAMPLE = re.sub(r"^# (\[+[\w.-]+\]+|[\w-]+ = .*)$", r"\1", EXAMPLE, flags=re.MULTILINE)

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())[
    "services"
]
OURS = [name for name, service in SERVICES.items() if service["image"] == "messenger"]

UNIT = DEPLOY / "messenger@.service"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("text", [EXAMPLE, FULL_EXAMPLE], ids=["as it is", "all switched on"])
def test_the_example_configuration_is_valid(tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sqlite://")
    file = tmp_path / "messenger.toml"
    file.write_text(re.sub(r'"/run/secrets/\w+"', f'"{secret}"', text))
    assert load_settings(file, environment={}).mailgun.domain == "alerts.example.com"


def test_the_example_configuration_names_every_setting() -> None:
    given_by_their_twins = {
        "kafka.sasl_password",
        "mailgun.api_key",
        "mailgun.lookup_key",
        "feedback.signing_key",
        "smtp.password",
    }
    assert set(_defaults()) - set(_shown()) == given_by_their_twins


def test_what_the_example_configuration_shows_as_default_is_the_default() -> None:
    without_default: tuple[object, ...] = (None, {})
    wrong = {
        key: (shown, _defaults()[key])
        for key, shown in _shown().items()
        if _defaults().get(key) not in without_default and _defaults()[key] != shown
    }
    assert wrong == {}


@pytest.mark.parametrize("name", OURS)
def test_each_compose_command_is_one_that_messenger_knows(name: str) -> None:
    outcome = CliRunner().invoke(app, [*SERVICES[name]["command"], "--help"])
    assert outcome.exit_code == 0, outcome.output


@pytest.mark.parametrize("name", OURS)
def test_the_compose_environment_is_a_valid_configuration(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert load_settings(None, environment).kafka.bootstrap_servers == "kafka:9092"


def test_the_door_of_compose_lets_somebody_in() -> None:
    settings = load_settings(None, SERVICES["ingest"]["environment"])
    assert texts(check_ingest(settings), Level.PROBLEM) == []
    assert settings.ingest.clients


def test_compose_waits_for_services_that_exist() -> None:
    waited_for = {one for service in SERVICES.values() for one in service.get("depends_on", ())}
    assert waited_for <= set(SERVICES)


def test_no_image_floats() -> None:
    """Each image has a version; `messenger` itself is built here."""
    compose = {service["image"] for service in SERVICES.values()} - {"messenger"}
    images = compose | set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert images
    for image in images:
        assert re.fullmatch(r"[\w/]+:\d[\w.-]*", image), image


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_systemd_unit_is_understood(tmp_path: Path) -> None:
    instance = tmp_path / "messenger@9464.service"
    instance.write_text(UNIT.read_text().replace("/opt/messenger/bin/messenger", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", instance], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_systemd_command_is_one_that_messenger_knows() -> None:
    line = re.search(r"^ExecStart=/opt/messenger/bin/messenger (.+)$", UNIT.read_text(), re.M)
    assert line is not None
    outcome = CliRunner().invoke(app, [*line[1].split(), "--help"])
    assert outcome.exit_code == 0, outcome.output


def test_the_image_knows_its_instructions_and_drops_root_before_it_runs() -> None:
    known = ["FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "EXPOSE", "HEALTHCHECK"]
    known += ["ENTRYPOINT", "CMD"]
    whole_lines = DOCKERFILE.replace("\\\n", "").splitlines()
    steps = [line.split(maxsplit=1) for line in whole_lines if line and line[0] != "#"]
    assert {name for name, _ in steps} <= set(known)
    final = dict(steps[max(_where("FROM", steps)) :])
    assert final["USER"].isdigit()
    assert final["USER"] != "0"
    assert max(_where("RUN", steps)) < min(_where("USER", steps)) < min(_where("CMD", steps))


def test_what_the_image_copies_exists_and_is_let_in() -> None:
    lets_in = re.findall(r"^!(\S+)", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M)
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    for source in copied:
        assert (DEPLOY.parent / source).exists(), source
        assert source.split("/")[0] in lets_in, source


def _where(name: str, steps: list[list[str]]) -> list[int]:
    return [place for place, step in enumerate(steps) if step[0] == name]


def _defaults() -> dict[str, Any]:
    """Every setting by its dotted name, and its default."""
    rules = {f"routes.{name}": field.default for name, field in Route.model_fields.items()}
    return _of_model(Settings) | rules


def _of_model(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind, default = field.annotation, field.default
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _of_model(kind, f"{prefix}{name}.")
        elif isinstance(default, SecretStr):
            found[prefix + name] = default.get_secret_value()
        elif name != "routes":
            found[prefix + name] = None if field.is_required() else default
    return found


def _shown() -> dict[str, Any]:
    """Every setting that the example shows, by its dotted name."""
    return _flat(tomllib.loads(FULL_EXAMPLE))


#: Tables whose keys are the operator's own.
_TABLES = ("formats", "mapping", "topic_mapping", "clients", "tenants")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name == "routes":
            found |= _flat(value[0], "routes.")
        elif isinstance(value, dict) and name not in _TABLES:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found
