"""Sends in doubt: whole for programs and wide terminals, the chief things for narrow ones."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from consumer.adapters.ledger import open_ledger, upgrade
from consumer.cli.in_doubt import as_lines, as_table
from consumer.domain.ledger import ClaimRequest, DeliveryRow, DeliveryState, SendingMark
from tests.unit.cli.conftest import Run

UID = "n" * 64
ROW = DeliveryRow(
    uid=UID,
    event_id="e" * 64,
    atom="a",
    target_id="t",
    type="email",
    destination="oncall@example.com",
    message_id="m" * 64,
    transport="mailgun",
    state=DeliveryState.IN_DOUBT,
    attempt=3,
    owner="machine-1-0badcafe",
    fence=1,
    reason="timeout",
    updated_at=1_392_138_740.0,
)


def shown(width: int, *rows: DeliveryRow) -> str:
    screen = StringIO()
    Console(width=width, file=screen).print(as_table(rows, width))
    return screen.getvalue()


def test_lines_have_all_ids_whole_and_since_when_and_why() -> None:
    heading, line = as_lines([ROW])
    values = dict(zip(heading.split("\t"), line.split("\t"), strict=True))
    assert values == {
        "notification": UID,
        "to": "oncall@example.com",
        "state": "in_doubt",
        "since": "2014-02-11 17:12:20.000",
        "reason": "timeout",
        "transport": "mailgun",
        "attempt": "3",
        "event": "e" * 64,
        "message id": "m" * 64,
        "owner": "machine-1-0badcafe",
    }


def test_a_wide_terminal_shows_all_and_a_narrow_one_the_chief_things() -> None:
    wide, narrow = shown(400, ROW), shown(100, ROW)
    assert all(each in wide for each in (UID, ROW.event_id, ROW.message_id, ROW.owner, "attempt"))
    assert "2014-02-11" in narrow
    assert "timeout" in narrow
    assert "owner" not in narrow


def test_what_strangers_wrote_is_one_harmless_line() -> None:
    row = msgspec.structs.replace(ROW, reason="a\tb\n\x1b[2J[bold]")
    assert len(as_lines([row])) == 2
    assert as_lines([row])[1].count("\t") == as_lines([row])[0].count("\t")
    assert "[bold]" in shown(400, row)
    assert "\x1b" not in as_lines([row])[1]


def test_nobody_in_doubt_is_a_heading_alone() -> None:
    assert len(as_lines([])) == 1
    assert "notification" in shown(400)


def in_doubt(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    upgrade(url)
    ledger = open_ledger(url)
    ledger.heartbeat("me", 1.0, 30.0)
    ledger.claim("me", [ClaimRequest("a", ())], 1.0)
    fields: dict[str, Any] = {
        name: getattr(ROW, name) for name in SendingMark.__struct_fields__ if name != "fence"
    }
    ledger.mark_sending("me", [SendingMark(**fields, fence=1)], 1.0)
    ledger.close()


def test_in_a_pipe_they_are_lines_and_as_json_complete(
    run: Run, config: Path, tmp_path: Path
) -> None:
    in_doubt(tmp_path)
    piped = run("ledger", "show", "--in-doubt", "--config", config)
    assert piped.code == 0
    assert piped.out.splitlines()[1].split("\t")[0] == UID
    (row,) = json.loads(run("ledger", "show", "--in-doubt", "--json", "--config", config).out)
    assert row.keys() == set(DeliveryRow.__struct_fields__)
