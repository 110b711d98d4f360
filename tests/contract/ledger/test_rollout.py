"""Shares of routes, and how emails fare by route: for all processes on one database."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from consumer.adapters.ledger import SqlLedger
from consumer.domain.ledger import DeliveryState
from consumer.domain.rollout import Share, Tally
from tests.contract.ledger.values import ATOM, NOW, closing, mark, settlement, win


def share(number: int = 1, **changes: object) -> Share:
    values = {"route": "new", "number": number, "by": "jo@desk", "why": "phase 2"}
    return Share(**(values | changes))  # type: ignore[arg-type]  # the tests' own literals


def test_the_last_share_holds_for_everybody(open_another: Callable[[], SqlLedger]) -> None:
    one, other = open_another().rollout, open_another().rollout
    assert one.shares() == {}
    assert one.change(share(percent=5.0))
    assert other.change(share(2, percent=12.5, tenants=("487000", "ümlaut")))
    assert other.change(share(1, route="other", percent=0.0, tripped=True))
    found = one.shares()
    assert set(found) == {"new", "other"}
    new = found["new"]
    assert (new.number, new.percent, new.tenants) == (2, 12.5, ("487000", "ümlaut"))
    assert (new.by, new.why, new.tripped) == ("jo@desk", "phase 2", False)
    assert found["other"].tripped


def test_what_was_not_set_stays_open(ledger: SqlLedger) -> None:
    ledger.rollout.change(share())
    (found,) = ledger.rollout.shares().values()
    assert (found.percent, found.tenants, found.changes_something) == (None, None, False)
    ledger.rollout.change(share(2, tenants=()))
    (found,) = ledger.rollout.shares().values()
    assert found.tenants == ()


def test_the_history_is_told_newest_first_by_the_databases_clock(ledger: SqlLedger) -> None:
    for number in (1, 2, 3):
        ledger.rollout.change(share(number, percent=float(number), at=17.0))
    first, second = ledger.rollout.history("new", 2)
    assert (first.percent, second.percent) == (3.0, 2.0)
    assert first.at >= second.at > NOW


def test_of_two_who_saw_the_same_share_one_sets_the_next(
    open_another: Callable[[], SqlLedger],
) -> None:
    ledgers = [open_another(), open_another()]
    ledgers[0].rollout.change(share(percent=5.0))
    together, won = Barrier(2), []

    def set_(ledger: SqlLedger, percent: float) -> None:
        together.wait()
        if ledger.rollout.change(share(2, percent=percent)):
            won.append(percent)

    threads = [
        Thread(target=set_, args=(ledger, percent))
        for ledger, percent in zip(ledgers, (0.0, 50.0), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (percent,) = won
    assert ledgers[1].rollout.shares()["new"].percent == percent


def sent(ledger: SqlLedger, uid: str, state: DeliveryState, **changes: object) -> None:
    """One email that went by `new`, begun at NOW and ended when `ended` says."""
    result = {name: changes.pop(name) for name in ("possible_duplicate",) if name in changes}
    transport = changes.pop("carried_by", "mailgun")
    ended, begun = changes.pop("ended", NOW + 1), changes.pop("begun", NOW)
    fence = win(ledger, "one").fence
    values = {"uid": uid, "fence": fence, "route": "new"} | changes
    assert isinstance(begun, float)
    assert isinstance(ended, float)
    assert not ledger.mark_sending("one", [mark(**values)], begun)
    if state is not DeliveryState.SENDING:
        told = settlement(uid=uid, fence=fence, state=state, transport=transport, **result)
        ledger.settle("one", [told], ended)


def tallies(ledger: SqlLedger, limit: int = 100) -> list[Tally]:
    found = ledger.rollout.tallies(NOW, 30.0, limit)
    return sorted(found, key=lambda each: (each.state, each.again, each.slow, each.transport))


def tally(state: DeliveryState, emails: int = 1, **changes: object) -> Tally:
    values = {"route": "new", "transport": "mailgun", "again": False, "slow": False}
    return Tally(**(values | {"state": state, "emails": emails} | changes))  # type: ignore[arg-type]  # as above


def test_emails_are_counted_by_what_they_came_to(ledger: SqlLedger) -> None:
    sent(ledger, "n1", DeliveryState.ACCEPTED)
    sent(ledger, "n2", DeliveryState.ACCEPTED)
    sent(ledger, "n3", DeliveryState.ACCEPTED, ended=NOW + 31.0)
    sent(ledger, "n4", DeliveryState.ACCEPTED, attempt=2)
    sent(ledger, "n5", DeliveryState.ACCEPTED, carried_by="smtp")
    sent(ledger, "n6", DeliveryState.ACCEPTED, possible_duplicate=True)
    sent(ledger, "n7", DeliveryState.FAILED)
    sent(ledger, "n8", DeliveryState.IN_DOUBT)
    accepted = DeliveryState.ACCEPTED
    assert tallies(ledger) == [
        tally(accepted, 2),
        tally(accepted, transport="smtp"),
        tally(accepted, slow=True),
        tally(accepted, 2, again=True),
        tally(DeliveryState.FAILED),
        tally(DeliveryState.IN_DOUBT),
    ]


def test_what_is_under_way_or_of_no_route_or_older_is_left_out(ledger: SqlLedger) -> None:
    sent(ledger, "n1", DeliveryState.SENDING)
    sent(ledger, "n2", DeliveryState.ACCEPTED, route="")
    sent(ledger, "n3", DeliveryState.FAILED, begun=NOW - 1)
    assert tallies(ledger) == []


def test_of_many_the_latest_count(ledger: SqlLedger) -> None:
    sent(ledger, "n1", DeliveryState.FAILED)
    sent(ledger, "n2", DeliveryState.ACCEPTED, ended=NOW + 5)
    assert tallies(ledger, limit=1) == [tally(DeliveryState.ACCEPTED)]


def test_a_delivery_keeps_the_route_of_its_last_attempt(ledger: SqlLedger) -> None:
    sent(ledger, "n1", DeliveryState.DEFERRED)
    sent(ledger, "n1", DeliveryState.ACCEPTED, route="default", attempt=2)
    (row,) = ledger.find_deliveries(uid="n1")
    assert row.route == "default"


def test_tenants_are_those_with_alarms(ledger: SqlLedger) -> None:
    win(ledger, "one")
    win(ledger, "one", ATOM.replace("487000", "a%3Ab"))
    ledger.close_events([closing()], NOW)
    assert ledger.rollout.tenants() == {"487000", "a:b"}


@pytest.mark.parametrize("tenants", [None, ()])
def test_no_text_breaks_the_ledger(ledger: SqlLedger, tenants: tuple[str, ...] | None) -> None:
    assert ledger.rollout.change(share(why="'; DROP TABLE shares --", tenants=tenants))
    assert ledger.rollout.shares()["new"].why == "'; DROP TABLE shares --"
