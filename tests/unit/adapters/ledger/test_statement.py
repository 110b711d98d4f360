"""Statements that go to the driver themselves."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    create_engine,
    insert,
    null,
    select,
    update,
)

from consumer.adapters.ledger.statement import Statement, in_json

TABLE = Table("t", MetaData(), Column("n", Integer, primary_key=True), Column("word", Text))


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    TABLE.metadata.create_all(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def test_it_is_written_once_and_run_with_what_is_given(connection: Connection) -> None:
    built: list[str] = []

    def build(dialect: str) -> object:
        built.append(dialect)
        return insert(TABLE).values(n=bindparam("number"), word="one of many")

    statement = Statement(build)  # type: ignore[arg-type]  # Insert is an Executable
    assert [statement.run(connection, number=n).rowcount for n in (1, 2)] == [1, 1]
    assert built == ["sqlite"]
    assert connection.execute(select(TABLE)).all() == [(1, "one of many"), (2, "one of many")]


def test_null_is_a_value_like_any_other(connection: Connection) -> None:
    connection.execute(insert(TABLE).values(n=1, word="a"))
    Statement(lambda _: update(TABLE).values(word=None)).run(connection)
    assert connection.execute(select(TABLE.c.word)).scalar_one() is None
    Statement(lambda _: update(TABLE).values(word=null())).run(connection)
    assert connection.execute(select(TABLE.c.word)).scalar_one() is None


def test_what_is_asked_anew_each_time_is(connection: Connection) -> None:
    numbers = iter((1, 2))
    value = bindparam("number", callable_=lambda: next(numbers), type_=Integer)
    statement = Statement(lambda _: insert(TABLE).values(n=value))
    statement.run(connection)
    statement.run(connection)
    assert list(connection.execute(select(TABLE.c.n)).scalars()) == [1, 2]


def test_a_parameter_that_is_missing_is_no_null(connection: Connection) -> None:
    statement = Statement(lambda _: insert(TABLE).values(n=bindparam("number")))
    with pytest.raises(KeyError, match="number"):
        statement.run(connection)


def test_the_drivers_own_errors_are_raised(connection: Connection) -> None:
    statement = Statement(lambda _: insert(TABLE).values(n=bindparam("number")))
    statement.run(connection, number=1)
    with pytest.raises(sqlite3.IntegrityError):
        statement.run(connection, number=1)


def test_rows_in_json_keep_their_order_and_their_names(connection: Connection) -> None:
    connection.execute(insert(TABLE), [{"n": n, "word": f'"{n}" é'} for n in (1, 2)])
    rows = select(TABLE).order_by(TABLE.c.n.desc())
    statement = Statement(lambda dialect: in_json(rows, dialect))
    assert statement.run(connection).fetchall() == [
        ('[{"n":2,"word":"\\"2\\" é"},{"n":1,"word":"\\"1\\" é"}]',)
    ]
