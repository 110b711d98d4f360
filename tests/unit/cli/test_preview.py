"""`messenger preview`: the emails an event leads to, or why there are none."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.unit.cli.conftest import Run

SCHEMAS = Path(__file__).parents[3] / "schemas/examples/alarm-state-event.v1/valid"
FULL = SCHEMAS / "critical-with-everything.json"
MINIMAL = SCHEMAS / "minimal.json"


def catalog_of(config: Path, **files: list[dict[str, Any]]) -> None:
    """Give the tenant of the sample event what it lacks."""
    for name, rows in files.items():
        file = config.parent / "catalog" / "487000" / f"{name}.json"
        file.write_text(json.dumps(rows), encoding="utf-8")


PLAN = {"id": "npOnCall01", "critical_state": ["ntOne", "ntTwo"]}
TARGETS = [
    {"id": "ntOne", "type": "email", "details": {"address": "oncall@example.com"}},
    {"id": "ntTwo", "type": "webhook", "details": {"url": "https://hook.example"}},
]


def test_without_settings_the_snapshots_are_used(run: Run) -> None:
    ran = run("preview", FULL)
    assert ran.code == 0
    assert ran.err == (
        "messenger: note: no settings, so no catalog; everything goes to preview@example.com\n"
    )
    assert ran.out.startswith("to: preview@example.com (by mailgun)\nsubject: ** CRITICAL: ")
    assert "shop-load-balancer" in ran.out
    assert "This mail is late" not in ran.out
    assert "out of date" not in ran.out


def test_without_snapshots_the_ids_stand_in(run: Run) -> None:
    ran = run("preview", MINIMAL)
    assert ran.code == 0
    assert "to: preview@example.com" in ran.out
    assert "web-1" in ran.out


def test_with_settings_the_catalog_decides(run: Run, config: Path) -> None:
    catalog_of(config, notification_plans=[PLAN], notifications=TARGETS)
    ran = run("preview", FULL, "--config", config)
    assert ran.code == 0
    assert "to: oncall@example.com (by mailgun)" in ran.out
    assert "no email to ntTwo: Notifications of type webhook are not sent" in ran.out
    assert "the event's own snapshots stand in" in ran.err


def test_an_event_nobody_knows_says_what_is_missing(run: Run, config: Path) -> None:
    ran = run("preview", MINIMAL, "--config", config)
    assert ran.code == 0
    assert ran.out.startswith("no email: ")
    assert "not in the catalog, no snapshot (lookup_failed, not_in_catalog)" in ran.out


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"actions_enabled": False}, "The producer disabled actions (disabled, actions_disabled)"),
        ({"state": "UNKNOWN"}, "(ignored, unknown_state)"),
        ({"check": {"disabled": True}}, "The check is disabled (disabled, check_disabled)"),
    ],
)
def test_an_event_that_is_not_notified_says_why(
    run: Run, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(json.loads(FULL.read_text()) | changes), encoding="utf-8")
    ran = run("preview", file)
    assert ran.code == 0
    assert ran.out.startswith("no email: ")
    assert why in ran.out


def test_a_test_event_shows_that_it_is_not_delivered(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(encode_event(make_event(test=True)))
    assert "(by mailgun, in test mode: not delivered)" in run("preview", file).out


def test_out_writes_files_and_prints_their_paths(run: Run, tmp_path: Path) -> None:
    ran = run("preview", FULL, "--out", tmp_path / "new")
    paths = [Path(line) for line in ran.out.splitlines()[2:]]
    assert {path.suffix for path in paths} == {".txt", ".html", ".eml"}
    assert all(path.is_file() for path in paths)


def test_open_shows_the_html(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path / prefix))
    assert run("preview", FULL, "--open").code == 0
    (address,) = opened
    assert address.startswith("file:///")
    assert Path(address.removeprefix("file://")).read_text().startswith("<!")


def test_a_place_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run("preview", FULL, "--out", tmp_path / "file")
    assert ran.code == 2
    assert f"{tmp_path}/file: cannot be written" in ran.err


def test_a_line_of_ndjson_and_the_first_one_without_being_asked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    states = [make_event(state=state, id=f"e-{state}") for state in ("WARNING", "CRITICAL")]
    file.write_bytes(b"\n" + b"\n".join(encode_event(event) for event in states) + b"\n")
    assert "subject: ** WARNING" in run("preview", file).out
    assert "subject: ** CRITICAL" in run("preview", file, "--line", "3").out
    too_far = run("preview", file, "--line", "9")
    assert too_far.code == 2
    assert f"{file}: has no line 9" in too_far.err


def test_an_event_over_several_lines_with_a_byte_order_mark(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(b"\xef\xbb\xbf" + msgspec.json.format(encode_event(make_event()), indent=2))
    assert "subject: ** CRITICAL" in run("preview", file).out


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FULL.read_bytes())))
    assert "subject: ** CRITICAL" in run("preview", "-").out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    empty = run("preview", "-")
    assert empty.code == 1
    assert "standard input: empty: " in empty.err


def test_a_missing_file_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    ran = run("preview", tmp_path / "none.json")
    assert ran.code == 2
    assert f"{tmp_path}/none.json: no such file" in ran.err
    assert run("preview", tmp_path).code == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "not_json"),
        (b'{"schema": "alarm-state-event/1",\n "id": 1}', "schema_mismatch"),
        (b'{"hello": "world"}', "unknown_format"),
        (b'{"\x1b[2J": 1}', "not_json"),
    ],
)
def test_a_broken_event_says_why(run: Run, tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    ran = run("preview", file)
    assert ran.code == 1
    assert f"{file}: {why}: " in ran.err
    assert "\x1b" not in ran.err


def test_wrong_settings_are_not_taken_for_none(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("preview", FULL, "--config", tmp_path / "none.toml").code == 2
    monkeypatch.setenv("MESSENGER_MAILGUN__DOMAIN", "alerts.example.com")
    ran = run("preview", FULL)
    assert ran.code == 2
    assert "[mailgun]" in ran.err


def test_a_broken_template_is_told(run: Run, config: Path) -> None:
    catalog_of(
        config,
        account=[{"id": "acT3stAcct", "template": "acme"}],
        notification_plans=[PLAN],
        notifications=TARGETS,
    )
    folder = config.parent / "templates" / "acme"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{% if %}", encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    config.write_text(f'{text}\n[delivery]\ntemplate_directory = "{folder.parent}"\n')
    ran = run("preview", FULL, "--config", config)
    assert ran.code == 0
    assert "the account's own template was not used: acme: subject.txt line 1" in ran.err
