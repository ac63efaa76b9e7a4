"""No statement reads more of the history than it returns: SQLite itself says how it would carry each of them out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite import due, journal, promotions, slots, store
from orchestrator.adapters.sqlite.listing import page_query
from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.ports import PromotionFilter
from orchestrator.promotion.states import State

STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": sql
    for module in (due, journal, promotions, slots, store)
    for name, sql in vars(module).items()
    if isinstance(sql, str) and sql.split(" ", 1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}
}
FILTERS = [
    PromotionFilter(state=state, model=model, environment=environment, run=run, signal=signal)
    for state, model, environment, run, signal in product(
        (None, State.GATED), (None, "diabetes-clf"), (None, "prod"), (None, 1), (None, "0123456789ab")
    )
]


@pytest.fixture
def file(path: Path) -> Iterator[sqlite3.Connection]:
    created = SqliteStore(path)
    created.check()
    created.close()
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def plan(file: sqlite3.Connection, sql: str, parameters: list[str | int]) -> list[str]:
    return [detail for *_, detail in file.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]


def test_every_statement_of_the_store_is_looked_at() -> None:
    assert {"promotions.READ", "due.READ_DUE", "journal.KNOWN", "slots.PUT", "store.READ_MARK"} <= STATEMENTS.keys()
    assert len(STATEMENTS) >= 20


@pytest.mark.parametrize("sql", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_finds_its_rows_by_an_index(file: sqlite3.Connection, sql: str) -> None:
    steps = plan(file, sql, [1] * sql.count("?"))

    assert [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("after", [None, (1, "staging:diabetes-clf:7")], ids=["first page", "next page"])
@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_a_page_of_promotions_is_read_in_its_order_by_an_index(
    file: sqlite3.Connection, wanted: PromotionFilter, after: tuple[int, str] | None
) -> None:
    sql, parameters = page_query(wanted, after)

    steps = plan(file, sql, [*parameters, 50])

    assert [step for step in steps if "TEMP B-TREE" in step] == []
    if wanted == PromotionFilter():
        assert steps[0].endswith("INDEX promotions_newest (" + "(opened_at,id)<(?,?))" * bool(after)) or after is None
    else:
        assert [step for step in steps if step.startswith("SCAN")] == []


def test_a_page_goes_by_the_narrowest_thing_asked_for(file: sqlite3.Connection) -> None:
    def index(wanted: PromotionFilter) -> str:
        sql, parameters = page_query(wanted, None)
        return plan(file, sql, [*parameters, 50])[0]

    assert "promotions_run" in index(PromotionFilter(run=1, model="m", state=State.GATED, environment="prod"))
    assert "cause=?" in index(PromotionFilter(signal="c", model="m", state=State.GATED, environment="prod"))
    assert "promotions_model" in index(PromotionFilter(model="m", state=State.GATED, environment="prod"))
    assert "promotions_environment_state" in index(PromotionFilter(state=State.GATED, environment="prod"))
    assert "promotions_state" in index(PromotionFilter(state=State.GATED))
    assert "promotions_environment (" in index(PromotionFilter(environment="prod"))
    assert "promotions_newest" in index(PromotionFilter())


def test_the_plans_stay_when_somebody_lets_sqlite_analyze_the_file(file: sqlite3.Connection) -> None:
    def plans() -> list[list[str]]:
        return [
            plan(file, sql, [*parameters, 50]) for sql, parameters in (page_query(wanted, None) for wanted in FILTERS)
        ]

    before = plans()
    file.executemany(
        "INSERT INTO promotions VALUES (?, 's', 'prod', 'm', 'gated', 1, ?, 1, 1, 1, x'')",
        [(str(number), number) for number in range(500)],
    )
    file.execute("ANALYZE")

    assert plans() == before
