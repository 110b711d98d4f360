"""`messenger check-config`: everything at once, with file and key, and never a secret."""

import json
import tomllib
from pathlib import Path
from typing import NoReturn

import pytest

from consumer.domain.errors import BrokerUnavailable
from tests.unit.cli.conftest import SECRETS, SETTINGS, Run


def test_sound_settings_are_fine(run: Run, config: Path) -> None:
    ran = run("check-config", "--config", config)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{config}: fine\n"


def test_all_problems_are_told_at_once_with_file_and_key(
    run: Run, tmp_path: Path, config: Path
) -> None:
    config.write_text(
        SETTINGS.format(directory=tmp_path)
        .replace("[kafka]", '[kafka]\ntracking_topic = "alarm-events"\nformats = { x = "nagios" }')
        .replace("<alarms@", "<alarms at "),
        encoding="utf-8",
    )
    (tmp_path / "catalog" / "487000" / "alarms.json").write_text(
        '[{"id": "alOne", "notification_plan_id": "npNone"}]', encoding="utf-8"
    )
    ran = run("check-config", "--config", config)
    assert ran.code == 2
    for part in (
        f"{config}: [kafka] events_topic, tracking_topic: 'alarm-events' is named 2 times",
        f"{config}: [kafka] formats.x: there is no format 'nagios'",
        f"{config}: [mailgun] from_address: is no sender",
        "catalog: 487000/alarms.json: [0]: alOne.notification_plan_id: there is no plan npNone",
    ):
        assert part in ran.err
    assert ran.out == f"{config}: 4 problems, 1 warning\n"


def test_wrong_keys_and_values_name_file_section_and_key(
    run: Run, tmp_path: Path, config: Path
) -> None:
    config.write_text(
        SETTINGS.format(directory=tmp_path).replace("[kafka]", "[kafka]\ngroup = 'x'")
        + "\n[delivery]\nsenders = 'many'\n[[routes]]\npercent = 200\n",
        encoding="utf-8",
    )
    ran = run("check-config", "--config", config)
    assert ran.code == 2
    assert f"{config}: [kafka] group: unknown key" in ran.err
    assert f"{config}: [delivery] senders: input should be a valid integer" in ran.err
    assert f"{config}: [[routes]] 1 percent: input should be less than or equal to 100" in ran.err


def test_a_value_of_the_wrong_kind_hides_nothing_else(
    run: Run, tmp_path: Path, config: Path
) -> None:
    """Of what was replaced nothing is said but that, and what hangs on it is not judged."""
    config.write_text(
        SETTINGS.format(directory=tmp_path)
        .replace("[kafka]", '[kafka]\nmax_poll_records = "many"\ntracking_topic = "alarm-events"')
        .replace('domain = "alerts.example.com"', 'domain = "not a domain"')
        .replace('lookup_key = "key-s3cret-to-look-up"', "lookup_key_file = '/nowhere/key'")
        + "\n[delivery]\nsenders = 0\n[[routes]]\npercent = 200\ntenants = [' 1']\n",
        encoding="utf-8",
    )
    (tmp_path / "catalog" / "487000" / "alarms.json").write_text(
        '[{"id": "alOne", "notification_plan_id": "npNone"}]', encoding="utf-8"
    )
    ran = run("check-config", "--config", config)
    assert ran.code == 2
    told = [line.removeprefix(f"messenger: {config}: ") for line in ran.err.splitlines()]
    beginnings = (
        "[kafka] max_poll_records: input should be a valid integer",
        "[mailgun] domain: ",
        "[delivery] senders: input should be greater than",
        "[[routes]] 1 percent: input should be less than",
        "[mailgun]: lookup_key_file /nowhere/key: cannot be read",
        "[kafka] events_topic, tracking_topic: 'alarm-events' is named 2 times",
        "[[routes]] 1 tenants: ' 1' is no tenant id",
        "messenger: catalog: 487000/alarms.json: [0]: alOne.notification_plan_id",
    )
    for line, beginning in zip(told, beginnings, strict=True):
        assert line.startswith(beginning), line


@pytest.mark.parametrize(
    ("policy", "then"), [("send_again", "is sent again"), ("hold", "is held for a person")]
)
def test_without_a_lookup_key_it_is_said_what_becomes_of_a_doubt(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch, policy: str, then: str
) -> None:
    monkeypatch.setenv("MESSENGER_MAILGUN__LOOKUP_KEY", "")
    monkeypatch.setenv("MESSENGER_DELIVERY__DOUBT_POLICY", policy)
    ran = run("check-config", "--config", config)
    assert (ran.code, ran.out) == (0, f"{config}: fine, 1 warning\n")
    assert f"a send whose answer is lost {then} without having been looked up" in ran.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no such file"),
        ("[mailgun\n", "not valid TOML"),
        ("[kafka]\n", "[mailgun]: is missing"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    run: Run, tmp_path: Path, content: str | None, told: str
) -> None:
    file = tmp_path / "broken.toml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    ran = run("check-config", "--config", file)
    assert ran.code == 2
    assert f"{file}: {told}" in ran.err
    assert "Traceback" not in ran.err


def test_an_unreadable_secret_file_is_named(run: Run, tmp_path: Path, config: Path) -> None:
    text = SETTINGS.format(directory=tmp_path)
    text = text.replace('api_key = "key-s3cret-of-mailgun"', f'api_key_file = "{tmp_path}"')
    config.write_text(text, encoding="utf-8")
    ran = run("check-config", "--config", config)
    assert ran.code == 2
    assert f"{config}: [mailgun]: api_key_file {tmp_path}: cannot be read: " in ran.err


def test_show_prints_the_effective_settings_as_toml(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESSENGER_KAFKA__GROUP_ID", "of-the-environment")
    ran = run("check-config", "--config", config, "--show")
    shown = tomllib.loads(ran.out)
    assert shown["kafka"]["group_id"] == "of-the-environment"
    assert shown["mailgun"]["api_key"] == "[hidden]"
    assert shown["delivery"]["max_age_seconds"] == {
        "critical": 86400,
        "warning": 86400,
        "ok": 86400,
    }
    assert "# group_instance_id is not set" in ran.out
    assert ran.err == f"{config}: fine\n"


def test_json_tells_the_same(run: Run, config: Path) -> None:
    told = json.loads(run("check-config", "--config", config, "--json").out)
    assert told == {"ok": True, "problems": [], "warnings": [], "away": [], "notes": []}
    with_settings = json.loads(run("check-config", "--config", config, "--json", "--show").out)
    assert with_settings["settings"]["mailgun"]["domain"] == "alerts.example.com"
    config.write_text("nothing = true", encoding="utf-8")
    ran = run("check-config", "--config", config, "--json")
    assert ran.code == 2
    broken = json.loads(ran.out)
    assert not broken["ok"]
    assert [each.removeprefix(f"{config}: ")[:9] for each in broken["problems"][:2]] == [
        "[mailgun]",
        "[nothing]",
    ]


@pytest.mark.parametrize("broken", ["", "senders = 'many'", "template_directory = 'nowhere'"])
@pytest.mark.parametrize("options", [(), ("--show",), ("--json",), ("--show", "--json")])
def test_no_secret_is_ever_printed(
    run: Run, config: Path, broken: str, options: tuple[str, ...]
) -> None:
    config.write_text(
        f"""
        [kafka]
        security_protocol = "SASL_SSL"
        sasl_mechanism = "PLAIN"
        sasl_username = "messenger"
        sasl_password = "s3cret-sasl"
        [mailgun]
        domain = "alerts.example.com"
        api_key = "key-s3cret-of-mailgun"
        lookup_key = "key-s3cret-to-look-up"
        from_address = "wrong"
        [ledger]
        url = "postgresql+psycopg://messenger:s3cret-of-the-ledger@127.0.0.1:1/messenger"
        [catalog]
        url = "postgresql+psycopg://messenger:s3cret-of-the-catalog@127.0.0.1:1/catalog?x=s3cret-y"
        [delivery]
        {broken}
        """,
        encoding="utf-8",
    )
    ran = run("check-config", "--config", config, *options)
    assert ran.code == 2
    for secret in (*SECRETS, "s3cret"):
        assert secret not in ran.out + ran.err


@pytest.mark.parametrize("section", ["ledger", "catalog"])
def test_an_address_that_is_none_is_not_quoted(
    run: Run, config: Path, section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"MESSENGER_{section.upper()}__URL", "mysql://me:s3cret@127.0.0.1/db")
    ran = run("check-config", "--config", config, "--show")
    assert ran.code == 2
    assert f"{config}: [{section}] url: " in ran.err
    assert "s3cret" not in ran.out + ran.err


def test_connect_says_who_is_away_and_ends_with_3(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://me:s3cret-of-the-ledger@127.0.0.1:1/db"
    monkeypatch.setenv("MESSENGER_LEDGER__URL", url)

    def away(*_: object) -> NoReturn:
        raise BrokerUnavailable("Kafka at 127.0.0.1:1 does not answer")

    monkeypatch.setattr("consumer.cli.store_checks.missing_topics", away)
    monkeypatch.setenv("MESSENGER_MAILGUN__BASE_URL", "http://127.0.0.1:1")
    ran = run("check-config", "--config", config, "--connect")
    assert ran.code == 3
    assert "Kafka at 127.0.0.1:1 does not answer" in ran.err
    assert "ledger (PostgreSQL" in ran.err
    assert "s3cret" not in ran.err
    assert f"{config}: [mailgun] lookup_key: 127.0.0.1:1: Connection refused" in ran.err
    assert ran.out == f"{config}: 4 unreachable systems\n"


def test_a_misspelt_topic_is_told_with_the_name_that_is_there(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"alarm-evnts": "alarm-events", "tracking": None}
    monkeypatch.setattr("consumer.cli.store_checks.missing_topics", lambda *_: missing)
    monkeypatch.setenv("MESSENGER_MAILGUN__BASE_URL", "http://127.0.0.1:1")
    ran = run("check-config", "--config", config, "--connect")
    assert ran.code == 2
    create = "does not exist; run `messenger topics create`"
    assert (
        f"topic alarm-evnts: {create}, or correct the name in [kafka]: there is alarm-events\n"
        in ran.err
    )
    assert f"topic tracking: {create}\n" in ran.err


def test_control_characters_of_a_catalog_do_not_reach_the_terminal(
    run: Run, config: Path, tmp_path: Path
) -> None:
    alarm = {"id": "al\x1b[2J\x9b31m", "notification_plan_id": "np\u202eNone"}
    file = tmp_path / "catalog" / "alarms.json"
    file.write_text(json.dumps([alarm]), encoding="utf-8")
    for options in ((), ("--json",)):
        ran = run("check-config", "--config", config, *options)
        assert ran.code == 2
        assert not {"\x1b", "\x9b"} & set(ran.out + ran.err)
