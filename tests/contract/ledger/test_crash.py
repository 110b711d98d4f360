"""A process killed between the mark and the result leaves SENDING behind, on disk."""

import multiprocessing
from multiprocessing.connection import Connection

from consumer.adapters.ledger import SqlLedger, open_ledger
from consumer.domain.ledger import DeliveryState
from tests.contract.ledger.values import ATOM, LATER, NOW, mark, request, win
from tests.support.clock import CALLERS_CLOCK


def mark_and_hang(url: str, to_parent: Connection) -> None:
    ledger = open_ledger(url, clock=CALLERS_CLOCK)
    win(ledger, "dead")
    refused = ledger.mark_sending("dead", [mark()], NOW)
    to_parent.send(len(refused))
    to_parent.recv()  # never comes


def test_killed_process_leaves_its_send_in_doubt(ledger_url: str, ledger: SqlLedger) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=mark_and_hang, args=(ledger_url, theirs))
    child.start()
    try:
        assert ours.poll(60)
        assert ours.recv() == 0
    finally:
        child.kill()
        child.join()
        ours.close()
        theirs.close()

    assert ledger.claim("heir", [request(ATOM, "e1")], NOW).held.keys() == {ATOM}
    ledger.heartbeat("heir", LATER, 30)
    claims = ledger.claim("heir", [request(ATOM, "e1")], LATER)
    assert claims.won[ATOM].fence == 2
    left = claims.deliveries["n1"]
    assert (left.state, left.owner) == (DeliveryState.SENDING, "dead")
    assert set(ledger.mark_sending("heir", [mark(fence=2, attempt=2)], LATER)) == {"n1"}
