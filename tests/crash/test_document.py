"""The document and the tests are one table: neither can say what the other does not."""

from pathlib import Path

from tests.crash.table import ROWS

DOCUMENT = Path(__file__).parents[2] / "docs" / "crash-table.md"
_HEADING = ("boundary", "cause", "durable by then", "promised outcome", "test")


def rendered() -> list[str]:
    """The table as the document has to have it."""
    lines = [_HEADING, ("---",) * len(_HEADING), *(row.cells for row in ROWS)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def test_the_document_has_the_rows_that_are_tested() -> None:
    """Word for word: boundary, cause, what is durable, what is promised, and the test's id."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("|")] == rendered()


def test_every_row_has_a_test_of_its_own() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
