"""The list of promotions, newest first: pages that go on where the last one ended, whatever is added meanwhile."""

from orchestrator.adapters.sqlite.bodies import PROMOTION, decode
from orchestrator.adapters.sqlite.cursors import after_promotion, promotion_before
from orchestrator.adapters.sqlite.database import Database
from orchestrator.ports import PromotionFilter, PromotionPage

# What a page is read by, the narrowest first: each has an index in the list's order.
_READ_BY = (("run_id",), ("model",), ("environment", "state"), ("state",), ("environment",))
_LARGEST_RUN = 2**63 - 1

Query = tuple[str, list[str | int]]


def list_promotions(database: Database, wanted: PromotionFilter, *, limit: int, cursor: str | None) -> PromotionPage:
    """Read one page. Raises `SenderError` for a cursor that is not this list's."""
    sql, parameters = page_query(wanted, promotion_before(cursor) if cursor is not None else None)
    if wanted.run is not None and abs(wanted.run) > _LARGEST_RUN:
        return PromotionPage((), None)
    rows = database.rows(sql, [*parameters, limit + 1])
    promotions = tuple(decode(PROMOTION, body, of=f"promotion {identity}") for _, identity, body in rows[:limit])
    if len(rows) <= limit:
        return PromotionPage(promotions, None)
    opened_at, identity, _ = rows[limit - 1]
    return PromotionPage(promotions, after_promotion(opened_at, identity))


def page_query(wanted: PromotionFilter, after: tuple[int, str] | None) -> Query:
    """Write the query of one page, whose last parameter, the limit, is still to come.

    It walks one index, in the order of the list. The other conditions carry a `+`, which keeps SQLite from
    walking theirs (https://www.sqlite.org/optoverview.html, section 9.1.1).
    """
    given = _given(wanted)
    if wanted.signal is None:
        table, opened_at, identity = "promotions p", "p.opened_at", "p.id"
        read_by = next((columns for columns in _READ_BY if given.keys() >= set(columns)), ())
        conditions: list[str] = []
        parameters: list[str | int] = []
    else:
        table, opened_at, identity = "causes c CROSS JOIN promotions p", "c.opened_at", "c.promotion_id"
        read_by = ()
        conditions, parameters = ["c.cause = ?", "p.id = c.promotion_id"], [wanted.signal]
    for column, value in given.items():
        conditions.append(f"{'' if column in read_by else '+'}p.{column} = ?")
        parameters.append(value)
    if after is not None:
        conditions.append(f"({opened_at}, {identity}) < (?, ?)")
        parameters += after
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"ORDER BY {opened_at} DESC, {identity} DESC LIMIT ?"
    return f"SELECT {opened_at}, {identity}, p.body FROM {table} {where} {order}", parameters  # noqa: S608 - our words


def _given(wanted: PromotionFilter) -> dict[str, str | int]:
    columns = {
        "run_id": wanted.run,
        "model": wanted.model,
        "environment": wanted.environment,
        "state": wanted.state,
    }
    return {column: value for column, value in columns.items() if value is not None}
