"""`messenger ingest` before it listens: what it lacks is told, and no secret is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumer.cli.findings import Level
from consumer.cli.ingest_checks import check_ingest, topic_of
from consumer.settings import Ingest, Kafka, Mailgun, Settings
from tests.unit.cli.conftest import SETTINGS, Run

TOKEN = "hush://t0ken-that-looks-like-an-address"
PASSWORD = "passw0rd-hush-of-grafana"
CLIENTS = {"prometheus": {"token": TOKEN}, "grafana": {"password": PASSWORD}}


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    """A settings file with these lines more."""

    def write(lines: str) -> Path:
        file = tmp_path / "messenger.toml"
        file.write_text(SETTINGS.format(directory=tmp_path) + lines)
        (tmp_path / "catalog").mkdir(exist_ok=True)
        return file

    return write


def found(kafka: dict[str, Any] | None = None, **ingest: Any) -> list[tuple[Level, str]]:
    settings = Settings(
        mailgun=Mailgun.model_validate(
            {"domain": "alerts.example.com", "api_key": "k", "from_address": "a@b.example"}
        ),
        kafka=Kafka.model_validate(kafka or {}),
        ingest=Ingest.model_validate({"clients": CLIENTS} | ingest),
    )
    return [(each.level, each.text) for each in check_ingest(settings)]


def test_what_is_right_is_right() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("given", "level", "says"),
    [
        ({"clients": {}}, Level.PROBLEM, "[ingest] clients: nobody may come in"),
        (
            {"clients": {"a": {"token": TOKEN}, "b": {"token": TOKEN}}},
            Level.PROBLEM,
            "[ingest] clients: two have the same token",
        ),
        (
            {"clients": {"a": {"token": "abc"}}},
            Level.WARNING,
            "[ingest] clients.a.token: has fewer",
        ),
        ({"host": "0.0.0.0"}, Level.WARNING, "[ingest] host: tokens and passwords cross"),
        ({"topic": "elsewhere"}, Level.WARNING, "[ingest] topic: elsewhere is not in"),
        (
            {"kafka": {"formats": {"alarm-events": "rackspace"}}},
            Level.PROBLEM,
            "[ingest] topic: each topic of events has a format of another kind",
        ),
        (
            {"topic": "b", "kafka": {"events_topic": "a,b", "formats": {"b": "rackspace"}}},
            Level.PROBLEM,
            "[ingest] topic: b takes rackspace",
        ),
    ],
)
def test_what_is_wrong_is_told_with_place_and_way_out(
    given: dict[str, Any], level: Level, says: str
) -> None:
    ((told, text),) = found(**given)
    assert (told, text[: len(says)]) == (level, says)
    assert "hush" not in text


def test_events_go_to_the_first_topic_that_takes_them() -> None:
    mailgun = {"domain": "alerts.example.com", "api_key": "k", "from_address": "a@b.example"}
    kafka = {"events_topic": "a,b", "formats": {"a": "rackspace"}}
    given: dict[str, Any] = {"mailgun": mailgun, "kafka": kafka}
    assert topic_of(Settings.model_validate(given)) == "b"
    assert topic_of(Settings.model_validate(given | {"ingest": {"topic": "a"}})) == "a"


def test_without_clients_it_does_not_start(run: Run, config: Callable[[str], Path]) -> None:
    ran = run("ingest", "-c", config(""))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("messenger: [ingest] clients: nobody may come in")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[ingest.clients.a]\n", "[ingest] clients.a: give token or token_file, or password"),
        ('[ingest.clients.a]\ntoken_file = "/none"\n', "[ingest] clients.a: token_file /none"),
        ('[ingest.clients."a b"]\ntoken = "hush"\n', "[ingest] clients: a client's name"),
        ('[ingest]\ntopic = "a b"\n', "[ingest] topic: a topic's name"),
        ("[ingest]\nburst = 0\n", "[ingest] burst: "),
    ],
)
def test_a_bad_setting_is_told_in_one_line(
    run: Run, config: Callable[[str], Path], lines: str, says: str
) -> None:
    file = config(lines)
    ran = run("ingest", "-c", file)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith(f"messenger: {file}: {says}")
    assert "hush" not in ran.err


def test_check_config_checks_the_door_where_there_is_one(
    run: Run, config: Callable[[str], Path]
) -> None:
    assert "ingest" not in run("check-config", "-c", config("")).err
    same = "".join(f'[ingest.clients.{name}]\ntoken = "{TOKEN}"\n' for name in ("a", "b"))
    ran = run("check-config", "-c", config(same))
    assert ran.code == 2
    assert "[ingest] clients: two have the same token" in ran.err


@pytest.mark.parametrize("options", [["--show"], ["--show", "--json"]])
def test_the_settings_are_shown_without_secrets(
    run: Run, config: Callable[[str], Path], tmp_path: Path, options: list[str]
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    clients = (
        f'[ingest.clients.a]\ntoken = "{TOKEN}"\n[ingest.clients.b]\npassword_file = "{file}"\n'
    )
    ran = run("check-config", "-c", config(clients), *options)
    assert "hush" not in ran.out + ran.err
    assert "[hidden]" in ran.out
    assert str(file) in ran.out


def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    made = Ingest.model_validate({"clients": {"a": {"token_file": file}, "b": {"token": TOKEN}}})
    assert made.clients["a"].token == made.clients["b"].token
    assert "hush" not in f"{made!r} {made} {made.model_dump()}"
