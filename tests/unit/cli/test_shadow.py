"""`messenger shadow`: what it is asked, what it says, and what it ends with."""

import io
import json
from pathlib import Path

import pytest

from consumer.experiments.deciding import Arrival, Deciding, Decision
from consumer.wire import encode_event
from tests.support.factories import make_event
from tests.unit.cli.conftest import SECRETS, Run

SNAPSHOTS = {
    "entity": {"label": "shop"},
    "check": {"label": "front page"},
    "alarm": {"label": "Body"},
}
PLAN = '[{"id": "npOnCall01", "critical_state": ["nt"], "ok_state": ["nt"]}]'
TARGETS = '[{"id": "nt", "type": "email", "details": {"address": "oncall@example.com"}}]'


@pytest.fixture
def events(config: Path) -> Path:
    """One event in a file, and a plan that tells somebody of it."""
    tenant = config.parent / "catalog" / "487000"
    (tenant / "notification_plans.json").write_text(PLAN)
    (tenant / "notifications.json").write_text(TARGETS)
    file = config.parent / "events.ndjson"
    file.write_bytes(encode_event(make_event(**SNAPSHOTS)) + b"\n")
    return file


@pytest.fixture
def candidate(config: Path) -> Path:
    """Another product's name, and another key."""
    file = config.parent / "new.toml"
    text = config.read_text().replace("key-s3cret-of-mailgun", "key-s3cret-of-the-candidate")
    file.write_text(f'{text}\n[delivery]\nproduct_name = "Next"\n')
    return file


def test_equal_configurations_end_with_0(run: Run, config: Path, events: Path) -> None:
    ran = run(
        "shadow", "-c", config, "--candidate", config, "--file", events, "--max-differences=0"
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("1 events, no difference\n")
    assert "within the limit of 0" in ran.out


def test_a_limit_that_is_passed_ends_with_1_and_the_report_is_written(
    run: Run, config: Path, events: Path, candidate: Path
) -> None:
    report = config.parent / "report.html"
    ran = run(
        *("shadow", "-c", config, "--candidate", candidate, "--file", events),
        *("--max-differences", "1%", "--report", report, "--ledger", "empty"),
    )
    assert ran.code == 1
    assert ran.out.startswith("1 of 1 events differ (100.0%)\n")
    assert "above the limit of 1%" in ran.out
    html = report.read_text(encoding="utf-8")
    assert "delivery.product_name" in html
    for secret in (*SECRETS, "s3cret"):
        assert secret not in html + ran.out + ran.err


def test_a_report_that_cannot_be_written_costs_no_result(
    run: Run, config: Path, events: Path, candidate: Path
) -> None:
    """A long run whose disk is full in the end has its summary all the same."""
    report = config.parent / f"{'x' * 250}.html"
    ran = run(
        *("shadow", "-c", config, "--candidate", candidate, "--file", events),
        *("--report", report),
    )
    assert ran.code == 1
    assert ran.out.startswith("1 of 1 events differ (100.0%)\n")
    assert "settings that differ: delivery.product_name" in ran.out
    assert "report:" not in ran.out
    assert "cannot be written: File name too long" in ran.err


def test_a_template_that_does_not_work_is_told_to_who_wrote_it(
    run: Run, config: Path, events: Path
) -> None:
    account = config.parent / "catalog" / "487000" / "account.json"
    account.write_text('{"id": "acT3stAcct", "template": "acme"}', encoding="utf-8")
    template = config.parent / "templates" / "acme" / "subject.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{{ stat }}")
    new = config.parent / "new.toml"
    folder = template.parent.parent
    new.write_text(f'{config.read_text()}\n[delivery]\ntemplate_directory = "{folder}"\n')
    ran = run("shadow", "-c", config, "--candidate", new, "--file", events)
    assert "does not work (1 emails): acme: subject.txt" in ran.err


def test_what_is_wrong_with_a_candidate_is_told_as_the_candidates(
    run: Run, config: Path, events: Path
) -> None:
    wrong = config.parent / "wrong.toml"
    wrong.write_text(f'{config.read_text()}\n[delivery]\ntemplate_directory = "/no/such"\n')
    ran = run("shadow", "-c", config, "--candidate", wrong, "--file", events)
    assert ran.code == 2
    assert f"{wrong}: template directory /no/such does not exist" in ran.err


def test_a_catalog_that_is_away_is_no_agreement(
    run: Run, config: Path, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides undecided are alike; a deploy must not go on by that."""

    def undecided(_: Deciding, arrival: Arrival) -> Decision:
        return Decision(event=arrival.event, waits="the catalog does not answer")

    monkeypatch.setattr(Deciding, "decide", undecided)
    ran = run(
        "shadow", "-c", config, "--candidate", config, "--file", events, "--max-differences=0"
    )
    assert ran.code == 3
    assert "not all was compared: a catalog was away" in ran.err


def test_json_is_the_same_twice_without_times(
    run: Run, config: Path, events: Path, candidate: Path
) -> None:
    asked = ("shadow", "-c", config, "--candidate", candidate, "--file", events)
    first, second = (run(*asked, "--json", "--no-timing") for _ in range(2))
    assert first.out == second.out
    data = json.loads(first.out)
    assert data["counts"]["texts"] == 1
    assert data["times"] is None
    assert "s3cret" not in first.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "what is compared?"),
        (("--candidate", "new.toml"), "which events?"),
        (("--candidate", "new.toml", "--to", "1h"), "which events?"),
        (("--candidate", "new.toml", "--from", "2h", "--follow", "1m"), "do not go together"),
        (("--candidate", "new.toml", "--follow", "0"), "--follow '0': write a time"),
        (("--candidate", "new.toml", "--follow", "x"), "--follow 'x': write a time"),
        (("--candidate", "x", "--file", "y", "--lag", "soon"), "--lag 'soon' is no time"),
        (("--candidate", "x", "--file", "y", "--max-differences", "few"), "is no limit"),
        (("--candidate", "x", "--file", "y", "--report", "/no/such/r.html"), "folder does not"),
        (("--candidate", "x", "--file", "y", "--sandbox-url", "http://a"), "goes with --send"),
        (("--candidate", "x", "--file", "y", "--report", "/dev/null"), "is no regular file"),
        (("--candidate", "x", "--file", "y", "--report", "/"), "is a folder"),
        (("--candidate-python", "a", "--candidate-command", "b"), "give one of them"),
        (("--candidate-command", "'"), "--candidate-command: "),
        (("--candidate-command", " "), "--candidate-command is empty"),
        (("--candidate", "no-such.toml", "--file", "y"), "no-such.toml: no such file"),
    ],
)
def test_what_makes_no_sense_ends_with_2(
    run: Run, config: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    ran = run("shadow", "-c", config, *arguments)
    assert ran.code == 2
    assert complaint in ran.err
    assert ran.err.count("\n") == 1


def test_a_file_that_is_not_there_ends_with_2(run: Run, config: Path) -> None:
    ran = run("shadow", "-c", config, "--candidate", config, "--file", config.parent / "none")
    assert (ran.code, ran.out) == (2, "")
    assert "none: No such file or directory" in ran.err


def test_kafka_away_ends_with_3(run: Run, config: Path) -> None:
    ran = run("shadow", "-c", config, "--candidate", config, "--from", "2h")
    assert ran.code == 3
    assert "Kafka at 127.0.0.1:1 does not answer" in ran.err


def test_nothing_is_sent_to_productions_provider(
    run: Run, config: Path, events: Path, candidate: Path
) -> None:
    ran = run(
        "shadow", "-c", config, "--candidate", candidate, "--file", events, "--send", "sandbox"
    )
    assert ran.code == 2
    assert "the address is production's" in ran.err


def test_who_emits_decisions_needs_questions(
    run: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}\n')))
    ran = run("shadow", "-c", config, "--emit-decisions")
    assert ran.code == 2
    assert "no question of `messenger shadow`" in ran.err
