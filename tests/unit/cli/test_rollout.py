"""`messenger rollout`: whom a route takes, changed and shown; Kafka is stood in for."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumer.adapters.ledger import open_ledger, upgrade
from consumer.domain.errors import BrokerUnavailable
from consumer.domain.ledger import ClaimRequest
from consumer.domain.reasons import Kind
from consumer.domain.record import Record
from consumer.domain.rollout import Share
from consumer.domain.tracking import TrackingEvent
from consumer.wire import encode_tracking
from tests.unit.cli.conftest import Run
from tests.unit.rollout.test_status import HOUR, step

ROUTES = """
[[routes]]
name = "testers"
tenants = ["1", "2"]

[[routes]]
name = "new"
percent = 5
guard = true

[[routes]]
percent = 50
tags = ["of no name"]
"""
#: By its name in sys.modules: the package has the command itself under this name.
STATUS = sys.modules["consumer.cli.rollout_status"]
NOW = HOUR / 1000


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that knows a hundred tenants: made once, it takes a second."""
    file = tmp_path_factory.mktemp("known") / "ledger.db"
    upgrade(f"sqlite:///{file}")
    ledger = open_ledger(f"sqlite:///{file}")
    ledger.heartbeat("one", NOW, 30.0)
    ledger.claim("one", [ClaimRequest(f"{n}:en:al:ch", ()) for n in range(100)], NOW)
    ledger.close()
    return file


@pytest.fixture
def command(run: Run, config: Path, known: Path, tmp_path: Path) -> Run:
    config.write_text(config.read_text() + ROUTES)
    shutil.copy(known, tmp_path / "ledger.db")
    return lambda *arguments: run("rollout", *arguments, "--config", config)


@pytest.fixture
def shares(tmp_path: Path) -> Iterator[Any]:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield ledger.rollout
    ledger.close()


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> list[TrackingEvent]:
    """What the tracking topic holds."""
    steps: list[TrackingEvent] = []

    def read(_kafka: object, topic: str, _span: object) -> Iterator[Record]:
        assert topic == "notification-tracking"
        for place, each in enumerate(steps):
            yield Record(topic, 0, place, None, encode_tracking(each))

    monkeypatch.setattr(STATUS, "read_span", read)
    return steps


class TestSet:
    def test_a_share_is_set_with_who_when_and_why(self, command: Run, shares: Any) -> None:
        ran = command("set", "new", "--percent", "20", "--why", "looks good", "--yes")
        assert (ran.code, ran.err) == (0, "")
        assert "new: from 5 % of all tenants to 20 % of all tenants: set" in ran.out
        assert "of 100 tenants that the ledger knows" in ran.out, "also without a question"
        share = shares.shares()["new"]
        assert (share.percent, share.tenants, share.number) == (20.0, None, 1)
        assert share.why == "looks good"
        assert "@" in share.by

    def test_what_was_not_given_stays_as_it_was_set(self, command: Run, shares: Any) -> None:
        command("set", "new", "--percent", "20", "--yes")
        command("set", "new", "--tenants", "7, 8,7", "--yes")
        share = shares.shares()["new"]
        assert (share.percent, share.tenants) == (20.0, ("7", "8"))
        command("set", "new", "--all-tenants", "--percent", "30", "--yes")
        share = shares.shares()["new"]
        assert (share.percent, share.tenants) == (30.0, ())

    def test_off_is_nobody_and_the_file_can_have_it_back(self, command: Run, shares: Any) -> None:
        command("set", "new", "--tenants", "7", "--yes")
        command("set", "new", "--off", "--yes")
        assert shares.shares()["new"].percent == 0.0
        command("set", "new", "--as-in-file", "--yes")
        assert not shares.shares()["new"].changes_something
        assert shares.shares()["new"].number == 3

    def test_it_tells_who_moves_and_asks(self, command: Run, shares: Any) -> None:
        ran = command("set", "new", "--percent", "100")
        assert ran.code == 2
        assert "of 100 tenants that the ledger knows" in ran.err
        assert "come to it" in ran.err
        assert "it takes 98 then" in ran.err, "two are the testers'"
        assert "say --yes" in ran.err
        assert shares.shares() == {}

    def test_json_says_who_moves(self, command: Run) -> None:
        told = json.loads(command("set", "testers", "--tenants", "1,3", "--yes", "--json").out)
        assert (told["comes"], told["leaves"]) == (["3"], ["2"])
        assert told["share"]["tenants"] == ["1", "3"]

    def test_setting_says_that_a_person_has_looked(self, command: Run, shares: Any) -> None:
        shares.change(Share(route="new", number=1, percent=0.0, why="90 of 100", tripped=True))
        ran = command("set", "new", "--percent", "5")
        assert "its guard took it back: 90 of 100" in ran.err
        command("set", "new", "--percent", "5", "--yes")
        assert not shares.shares()["new"].tripped

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["nobody", "--off"], "there is no route 'nobody': there are testers, new"),
            (["new"], "say one: --percent and --tenants, --off, or --as-in-file"),
            (["new", "--off", "--percent", "3"], "say one"),
            (["new", "--off", "--as-in-file"], "say one"),
            (["new", "--tenants", "1", "--all-tenants"], "contradict each other"),
            (["new", "--tenants", " , "], "names nobody"),
            (["new", "--percent", "nan"], "Invalid value for '--percent'"),
            (["new", "--percent", "101"], "Invalid value for '--percent'"),
            (["#3", "--off"], "there is no route"),
            (["\x1b[31m", "--off"], "there is no route"),
        ],
    )
    def test_wrong_use_is_told_in_one_line(
        self, command: Run, shares: Any, arguments: list[str], complaint: str
    ) -> None:
        ran = command("set", *arguments, "--yes")
        assert ran.code == 2
        assert complaint in ran.err
        assert "\x1b" not in ran.err
        assert shares.shares() == {}


class TestStatus:
    def test_ways_stand_side_by_side(self, command: Run, tracked: list[TrackingEvent]) -> None:
        tracked += [
            step(Kind.ACCEPTED, "n1"),
            step(Kind.IN_DOUBT, "n2"),
            step(Kind.ACCEPTED, "n3", by="smtp", route="default"),
            step(Kind.ACCEPTED, "n4", route=None),
        ]
        ran = command("status", "--from", "1970-01-01T01:00:00", "--to", "1970-01-01T02:00:00")
        assert ran.code == 0, ran.err
        assert "1 (50.0%)" in ran.out
        assert "(no name)" in ran.out
        assert "new: 5 % of all tenants (the file says 5 %)" in ran.out
        assert "testers: 100 % of 2 named tenants" in ran.out
        assert "guard: too few emails" in ran.out

    def test_json_has_it_all(self, command: Run, tracked: list[TrackingEvent], shares: Any) -> None:
        shares.change(Share(route="new", number=1, percent=20.0, by="jo", why="why not"))
        tracked.append(step(Kind.ACCEPTED))
        told = json.loads(command("status", "--from", "1970-01-01", "--json").out)
        (way,) = told["ways"]
        assert (way["route"], way["transport"], way["accepted"], way["p50"]) == (
            "new",
            "mailgun",
            1,
            2.0,
        )
        _, new = told["routes"]
        assert (new["percent"], new["percent_in_file"], new["tripped"]) == (20.0, 5.0, False)
        assert new["changes"][0]["by"] == "jo"
        assert new["guard"]["standing"] == "cooling down"

    def test_what_a_guard_took_back_fails_the_check(
        self, command: Run, tracked: list[TrackingEvent], shares: Any
    ) -> None:
        assert command("status", "--check").code == 0
        shares.change(Share(route="new", number=1, percent=0.0, by="the guard", tripped=True))
        ran = command("status", "--check")
        assert ran.code == 1
        assert "taken back by its guard: new" in ran.err
        assert "TAKEN BACK" in ran.out
        assert "guard: tripped" in ran.out
        assert command("status").code == 0

    def test_without_kafka_it_exits_with_3(
        self, command: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object, **__: object) -> Iterator[Record]:
            raise BrokerUnavailable("Kafka does not answer")

        monkeypatch.setattr(STATUS, "read_span", away)
        ran = command("status")
        assert (ran.code, ran.err) == (3, "messenger: Kafka does not answer\n")

    def test_what_the_ledger_knows_is_told_without_kafka(
        self, command: Run, monkeypatch: pytest.MonkeyPatch, shares: Any
    ) -> None:
        def away(*_: object, **__: object) -> Iterator[Record]:
            raise BrokerUnavailable("Kafka does not answer")

        monkeypatch.setattr(STATUS, "read_span", away)
        shares.change(Share(route="new", number=1, percent=0.0, by="the guard", tripped=True))
        ran = command("status", "--check")
        assert ran.code == 1
        assert "TAKEN BACK" in ran.out
        assert "messenger rollout set new --percent" in ran.out
        told = json.loads(command("status", "--json").out)
        assert told["ways"] is None
        assert told["routes"][1]["tripped"]

    def test_what_is_not_reported_is_not_told_as_none(
        self, command: Run, tracked: list[TrackingEvent]
    ) -> None:
        tracked.append(step(Kind.ACCEPTED))
        assert "delivered" not in command("status", "--from", "1970-01-01").out
        tracked.append(step(Kind.DELIVERED))
        assert "delivered" in command("status", "--from", "1970-01-01").out

    def test_a_strange_name_is_shown_as_it_is(
        self, command: Run, tracked: list[TrackingEvent]
    ) -> None:
        tracked.append(step(Kind.ACCEPTED, route="[/red]", by="[bold]"))
        ran = command("status", "--from", "1970-01-01")
        assert ran.code == 0
        assert "[/red]" in ran.out
        assert "by [bold]" in ran.out

    @pytest.mark.parametrize("arguments", [["--from", "soon"], ["--from", "1h", "--to", "2h"]])
    def test_a_wrong_time_is_told(self, command: Run, arguments: list[str]) -> None:
        assert command("status", *arguments).code == 2
