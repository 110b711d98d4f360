"""A tenant's share is moved while its events are under way: two workers, two configurations.

The first worker routes the tenant one way, and is killed or ended at some step; its successor,
with the share moved up or down, reads what was not committed. What is promised does not depend on
routes: each email is accepted once, the alarm's two in their order, and what was under way is
looked up before anything is sent.
"""

from collections.abc import Sequence
from typing import Final

import pytest

from consumer.domain.notification import SendOptions
from consumer.pipeline.deliver import Route, tenant_bucket
from tests.crash.conftest import MakeStage
from tests.crash.events import FIRST
from tests.crash.table import CAUSES, ROWS, Row
from tests.crash.words import KILL, KILL_LOST, KILL_TAKEN, TERM

#: Percent at which the tenant is just left out, and just taken.
_OUT: Final = tenant_bucket(FIRST.tenant_id) / 100
_IN: Final = _OUT + 0.01

#: Ends of the first worker that leave something to its successor.
_MOVES: Final = [row for row in ROWS if row.cause in (KILL, KILL_TAKEN, KILL_LOST, TERM)]


def share(percent: float) -> Sequence[Route]:
    """That many tenants are sent for real, with a tag more; the others in test mode."""
    return (
        Route(options=SendOptions(tags=("phased-in",)), percent=percent),
        Route(options=SendOptions(test_mode=True)),
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


def play(make_stage: MakeStage, row: Row, before: Sequence[Route], after: Sequence[Route]) -> None:
    stage = make_stage(row.boundary, before, after)
    stage.begin(first_answer_lost=row.first_answer_lost)
    CAUSES[row.cause](stage)
    stage.finish()
    stage.check(row.promise)
