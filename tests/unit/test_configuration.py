"""Settings from a file and the environment: what wins, what is told, what never shows."""

from pathlib import Path

import pytest

from consumer.configuration import load_settings, shown
from consumer.domain.errors import SettingsError

GOOD = {
    "MESSENGER_MAILGUN__DOMAIN": "alerts.example.com",
    "MESSENGER_MAILGUN__API_KEY": "key-hush",
    "MESSENGER_MAILGUN__FROM_ADDRESS": "alarms@alerts.example.com",
}


def problems(path: Path | None = None, **environment: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, GOOD | environment)
    return caught.value.problems


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('[kafka]\ngroup_id = "file"\nbootstrap_servers = "file:9092"\n')
    settings = load_settings(file, GOOD | {"MESSENGER_KAFKA__GROUP_ID": "environment"})
    assert settings.kafka.group_id == "environment"
    assert settings.kafka.bootstrap_servers == "file:9092"


def test_a_section_in_the_environment_wins_over_nonsense_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('kafka = "x"\n')
    settings = load_settings(file, GOOD | {"MESSENGER_KAFKA__GROUP_ID": "g"})
    assert settings.kafka.group_id == "g"


def test_lists_are_separated_by_commas() -> None:
    settings = load_settings(None, GOOD | {"MESSENGER_DELIVERY__TAGS": "a,b"})
    assert settings.delivery.tags == ["a", "b"]


def test_all_problems_are_told_at_once_and_where(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text("[delivery]\nsenders = 0\n[[routes]]\n[[routes]]\npercent = 101\n")
    told = problems(file, MESSENGER_KAFKA__MAX_POLL_RECORDS="many")
    assert any(line.startswith(f"{file}: [delivery] senders: ") for line in told)
    assert any(line.startswith(f"{file}: [[routes]] 2 percent: ") for line in told)
    assert any(line.startswith("MESSENGER_KAFKA__MAX_POLL_RECORDS: ") for line in told)


@pytest.mark.parametrize("section", ["", "[smtp]\nport = 587\n"])
@pytest.mark.parametrize(
    "named", ['[delivery]\nfallback = "smtp"\n', '[[routes]]\ntransport = "smtp"\n']
)
def test_a_mail_server_that_is_named_and_not_given_is_told_with_all_else(
    tmp_path: Path, named: str, section: str
) -> None:
    file = tmp_path / "m.toml"
    file.write_text(f"{named}{section}[telemetry]\nport = 70000\n")
    other, told = problems(file)
    assert other.startswith(f"{file}: [telemetry] port: ")
    assert told.startswith(f"{file}: [smtp] host: is missing")


@pytest.mark.parametrize("name", [" , ", "a b", "..", "ä", "x" * 250])
def test_a_topic_that_kafka_would_refuse_is_told(name: str) -> None:
    assert "topic" in problems(MESSENGER_KAFKA__EVENTS_TOPIC=name)[0].lower()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DOMAIN", "alerts_example"),
        ("DOMAIN", "a/b"),
        ("BASE_URL", "https://api.mailgun.net/v3"),
        ("BASE_URL", "api.mailgun.net"),
        ("BASE_URL", "https://api:key-hush@api.mailgun.net"),
    ],
)
def test_an_address_that_mailgun_would_not_understand_is_told(key: str, value: str) -> None:
    (told,) = problems(None, **{f"MESSENGER_MAILGUN__{key}": value})
    assert told.startswith(f"MESSENGER_MAILGUN__{key}: ")
    assert "key-hush" not in told


def test_a_secret_comes_from_its_file_and_a_bad_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("key-from-file\n")
    settings = load_settings(None, GOOD | {"MESSENGER_MAILGUN__API_KEY_FILE": str(file)})
    assert settings.mailgun.api_key is not None
    assert settings.mailgun.api_key.get_secret_value() == "key-from-file"
    for content, word in ((b"", "is empty"), (b"\xff\xfe", "is not text")):
        file.write_bytes(content)
        (told,) = problems(MESSENGER_MAILGUN__API_KEY_FILE=str(file))
        assert word in told
        assert str(file) in told
    (told,) = problems(MESSENGER_MAILGUN__API_KEY_FILE=str(tmp_path / "none"))
    assert "cannot be read" in told


@pytest.mark.parametrize("password", ["hush", "hu/sh", "hu#sh", "hu?sh", "hu@sh", "hu:sh"])
def test_no_secret_is_shown_or_printed(password: str) -> None:
    """Whatever characters it has."""
    url = f"postgresql+psycopg://user:{password}@db/messenger?sslpassword=hush2"
    settings = load_settings(None, GOOD | {"MESSENGER_LEDGER__URL": url})
    seen = f"{shown(settings)} {settings!r} {settings}"
    assert password not in seen
    assert "hush2" not in seen
    assert "key-hush" not in seen
    assert "db/messenger" in str(shown(settings)["ledger"]["url"]) or "[hidden]" in seen
