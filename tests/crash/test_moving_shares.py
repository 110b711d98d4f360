"""A tenant's share is moved while its events are under way: by another file, or live.

The first worker routes the tenant one way, and is killed or ended at some step; its successor,
with the share moved up or down, reads what was not committed. Or the share is moved while the
first worker stands at that step, and it may live on. What is promised does not depend on routes:
each email is accepted once, the alarm's two in their order, and what was under way is looked up
before anything is sent, and keeps its route.
"""

from collections.abc import Sequence
from typing import Final

import pytest

from consumer.domain.notification import SendOptions
from consumer.pipeline.deliver import Route, tenant_bucket
from tests.crash.conftest import MakeStage
from tests.crash.events import FIRST, SECOND
from tests.crash.table import CAUSES, ROWS, Row
from tests.crash.words import KILL, KILL_LOST, KILL_TAKEN, TERM

#: Percent at which the tenant is just left out, and just taken.
_OUT: Final = tenant_bucket(FIRST.tenant_id) / 100
_IN: Final = _OUT + 0.01

#: Some, whatever happens at that step: the routes add nothing that another row would show.
_LIVE: Final = ROWS[::14]

#: Ends of the first worker that leave something to its successor.
_MOVES: Final = [row for row in ROWS if row.cause in (KILL, KILL_TAKEN, KILL_LOST, TERM)]


def share(percent: float) -> Sequence[Route]:
    """That many tenants are sent for real, with a tag more; the others in test mode."""
    return (
        Route(options=SendOptions(route="phased-in", tags=("phased-in",)), percent=percent),
        Route(options=SendOptions(route="others", test_mode=True)),
    )


def test_the_tenant_moves() -> None:
    """Otherwise the scenarios below would show nothing."""
    assert not share(_OUT)[0].matches(FIRST)
    assert share(_IN)[0].matches(FIRST)


@pytest.mark.parametrize("row", _MOVES[::2], ids=lambda row: row.id)
def test_up(row: Row, make_stage: MakeStage) -> None:
    play(make_stage, row, share(_OUT), share(_IN))


@pytest.mark.parametrize("row", _MOVES[1::2], ids=lambda row: row.id)
def test_down(row: Row, make_stage: MakeStage) -> None:
    play(make_stage, row, share(_IN), share(_OUT))


@pytest.mark.parametrize("row", _LIVE, ids=lambda row: row.id)
def test_live(row: Row, make_stage: MakeStage) -> None:
    before, after = share(_OUT), share(_IN)
    play(make_stage, row, before, after, live=True)


def play(
    make_stage: MakeStage,
    row: Row,
    before: Sequence[Route],
    after: Sequence[Route],
    *,
    live: bool = False,
) -> None:
    stage = make_stage(row.boundary, before, after)
    stage.begin(first_answer_lost=row.first_answer_lost)
    if live:
        stage.process.routes = after
    CAUSES[row.cause](stage)
    stage.finish()
    stage.check(row.promise)
    for event in (FIRST, SECOND):
        told = [r for r in stage.world.tracked if r.event.id == event.id and r.notification]
        assert len({record.route for record in told}) == 1, "one event, one way"
