"""Each row of the crash table, on a real worker, pipeline and ledger file.

After each: every event's email was accepted once, the alarm's two in their order; tracking tells
what is promised; no offset was committed past a record that was not done; no send is left without
its end.
"""

import pytest

from tests.crash.conftest import MakeStage
from tests.crash.table import CAUSES, ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_crash(row: Row, make_stage: MakeStage) -> None:
    """What the row promises comes true."""
    stage = make_stage(row.boundary)
    stage.begin(first_answer_lost=row.first_answer_lost)
    CAUSES[row.cause](stage)
    stage.finish()
    stage.check(row.promise)
