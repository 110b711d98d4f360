"""A candidate beside production: what each kind of change comes to."""

from pathlib import Path
from typing import Any

import pytest

from consumer.domain.alarm import State
from consumer.domain.catalog import Account, Plan, Target
from consumer.domain.record import Record
from consumer.experiments.shadow_asking import Question
from consumer.experiments.shadow_ledger import Beginnings
from consumer.experiments.shadow_tally import Tally
from tests.support.catalog import MemoryCatalog, whole_catalog
from tests.support.factories import make_event
from tests.unit.experiments.shadow_rig import EVENT, RECOVERY, compared, record, settings, side

SECOND = Target(id="ntSecond", type="email", details={"address": "second@example.com"})


def plan_of(*targets: str) -> Plan:
    ids = list(targets)
    return Plan(id="npOnCall01", critical_state=ids, warning_state=ids, ok_state=ids)


def reasons(tally: Tally) -> dict[str, int]:
    return tally.counts().reasons


RECORDS = [record(EVENT, 0), record(RECOVERY, 1), record(EVENT, 2)]


def test_equal_configurations_differ_in_nothing() -> None:
    tally = compared(RECORDS)
    counts = tally.counts()
    assert (counts.events, counts.different, counts.emails) == (3, 0, (2, 2))
    assert tally.sorts(10) == []


def test_the_same_run_twice_comes_to_the_same() -> None:
    changed = settings(delivery={"product_name": "Next", "tags": ["b", "a"]})
    first, second = compared(RECORDS, changed), compared(RECORDS, changed)
    assert first.counts() == second.counts()
    assert first.sorts(10) == second.sorts(10)


def test_a_changed_template_changes_subject_and_bodies(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "subject.txt").write_text("New: {{ state }}")
    (folder / "body.txt").write_text("It is {{ state }}.")
    (folder / "body.html").write_text("<p>It is {{ state }}.</p>")
    account = Account(id="acT3stAcct", external_id="487000", template="shop")
    tally = compared(
        RECORDS,
        settings(delivery={"template_directory": tmp_path}),
        whole_catalog(account),
    )
    counts = tally.counts()
    assert (counts.different, counts.decided_differently) == (2, 0)
    assert (counts.subjects, counts.texts, counts.htmls) == (2, 2, 2)
    (sort,) = tally.sorts(10)
    assert sort.pattern == ("subject", "text", "html")
    (email,) = sort.examples[0].emails
    assert email.candidate.subject == "New: CRITICAL"
    assert email.production.subject.startswith("** CRITICAL")


def test_a_changed_plan_adds_and_loses_recipients() -> None:
    catalog = whole_catalog(SECOND, plan_of("ntSecond"))
    counts = compared([RECORDS[0]], None, catalog).counts()
    assert (counts.different, counts.decided_differently) == (1, 0)
    assert counts.addresses_added == {"second@example.com": 1}
    assert counts.addresses_lost == {"oncall@example.com": 1}


def test_who_is_lost_with_the_whole_event_is_told_why() -> None:
    tally = compared([RECORDS[0]], None, whole_catalog(plan_of()))
    assert reasons(tally) == {"email → no_recipients (empty_list)": 1}
    (change,) = tally.sorts(1)[0].examples[0].changes
    assert change.who == "oncall@example.com"
    assert change.candidate.what == "no_recipients (empty_list)"
    assert "lists nobody for CRITICAL" in change.candidate.said


@pytest.mark.parametrize(
    ("delivery", "records", "expected"),
    [
        (
            {"max_age_seconds": {"critical": 60}},
            [record(EVENT, late_ms=61_000)],
            {"email → expired (too_old)": 1},
        ),
        ({"max_age_seconds": {"critical": 60}}, [record(EVENT, late_ms=59_000)], {}),
        (
            {"repeating_sources": ["ele"]},
            [record(EVENT), record(make_event(id="again", timestamp=EVENT.timestamp + 1), 1)],
            {"email → unchanged (same_state)": 1},
        ),
        (
            {"notify_initial_ok": True},
            [record(make_event(state=State.OK, previous_state=None))],
            {"initial_ok (first_state_ok) → email": 1},
        ),
        (
            {"recipient_limit": {"emails_per_hour": 1}},
            RECORDS[:2],
            {"email → rate_limited (rate_limited)": 1},
        ),
        (
            {"unknown_as": "warning"},
            [record(make_event(state=State.UNKNOWN))],
            {"ignored (unknown_state) → email": 1},
        ),
    ],
)
def test_changed_rules_are_told_with_both_reasons(
    delivery: dict[str, Any], records: list[Record], expected: dict[str, int]
) -> None:
    assert reasons(compared(records, settings(delivery=delivery))) == expected


def test_a_changed_route_changes_how_emails_are_sent() -> None:
    routes = [{"name": "new", "transport": "smtp", "tags": ["phase-1"]}]
    smtp = {"host": "mail.example.com"}
    counts = compared([RECORDS[0]], settings(routes=routes, smtp=smtp)).counts()
    assert counts.options == {"route: default → new": 1, "tags": 1, "transport: mailgun → smtp": 1}
    assert (counts.different, counts.texts) == (1, 0)


def test_a_changed_format_makes_other_events_of_a_record() -> None:
    forced = settings(kafka={"formats": {"alarm-events": "rackspace"}})
    tally = compared([RECORDS[0]], forced)
    assert list(reasons(tally)) == [
        "email → nothing",
        "nothing → invalid (schema_mismatch)",
    ]


def test_records_that_nobody_can_read_are_no_difference() -> None:
    broken = Record("alarm-events", 0, 7, None, b"{")
    assert compared([broken]).counts().different == 0


def test_a_catalog_that_is_away_leaves_events_undecided() -> None:
    catalog = MemoryCatalog()
    catalog.degraded = True
    counts = compared([RECORDS[0]], None, catalog).counts()
    assert counts.reasons == {"email → undecided": 1}
    assert counts.undecided == (0, 1)


def test_alarms_can_begin_where_productions_ledger_has_them() -> None:
    """Production knows that the alarm was CRITICAL, so its OK is news."""
    ok = make_event(
        id="ok", state=State.OK, previous_state=None, timestamp=EVENT.timestamp + 60_000
    )
    with side() as earlier:
        earlier.answer(Question(record=RECORDS[0]))
        begun = compared([record(ok)], beginnings=Beginnings(earlier.ledger))
    assert compared([record(ok)]).counts().emails == (0, 0)
    assert begun.counts().emails == (1, 1)
