"""The newest event of an alarm that anybody was told of."""

from consumer.adapters.ledger import SqlLedger
from consumer.domain.reasons import Kind
from tests.contract.ledger.values import ATOM, NOW, closing, win

OTHER = "487000:en2:al2:ch2"


def test_it_is_the_newest_by_its_own_time_whenever_it_ended(ledger: SqlLedger) -> None:
    """What was not told, what ended before, and what nobody asked for, is not it."""
    win(ledger, "a", ATOM)
    win(ledger, "a", OTHER)
    told = [("e1", 10, Kind.ACCEPTED), ("e3", 30, Kind.IN_DOUBT), ("e4", 40, Kind.EXPIRED)]
    for number, (id_, at, outcome) in enumerate([*told, ("e2", 20, Kind.ACCEPTED)]):
        ledger.close_events([closing(event_id=id_, timestamp_ms=at, outcome=outcome)], NOW + number)
    ledger.close_events([closing(event_id="o", atom=OTHER, timestamp_ms=90)], NOW)
    assert {a: row.id for a, row in ledger.newest_told([ATOM], NOW).items()} == {ATOM: "e3"}
    assert ledger.newest_told([ATOM], NOW + 2)[ATOM].id == "e2"
    assert ledger.newest_told([ATOM], NOW + 4) == {}
    assert ledger.newest_told([ATOM, OTHER, "unknown"], NOW).keys() == {ATOM, OTHER}
    assert ledger.newest_told([], NOW) == {}
