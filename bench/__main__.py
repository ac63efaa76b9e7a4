"""Run every benchmark and print one table; each figure with its target where there is one."""

import logging

import structlog
from rich.console import Console
from rich.table import Table

from bench.counting import cost_of_a_promotion
from bench.serving import memory_after, serve_load
from bench.starting import import_seconds
from bench.sweeping import sweep_seconds

EVENTS = 2000
FINISHED = 100_000
REMEMBERED = 10_000


def main() -> None:
    """Measure one thing after the other: two at once would measure each other."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    table = Table(title="Promotion Orchestrator")
    for heading in ("what", "measured", "target"):
        table.add_column(heading)
    _starting(table)
    _cost(table)
    for connections in (1, 8, 32):
        _serving(table, connections)
    _sweeping(table)
    before, after = memory_after(REMEMBERED)
    table.add_row(f"resident memory after {REMEMBERED:,} promotions", f"{after:.0f} MiB (at start {before:.0f})", "")
    Console(width=140).print(table)


def _starting(table: Table) -> None:
    alone, ours = import_seconds("azure.functions"), import_seconds("function_app")
    table.add_row(
        "import function_app beside azure.functions alone",
        f"{ours * 1000:.0f} ms / {alone * 1000:.0f} ms = {ours / alone:.2f}",
        "at most 3",
    )


def _cost(table: Table) -> None:
    cost = cost_of_a_promotion()
    table.add_row("dispatch requests per promotion", f"{cost.dispatches:.1f}", "1")
    table.add_row("further GitHub reads per promotion", f"{cost.reads:.1f}", "at most 3")
    table.add_row("store transactions per promotion", f"{cost.transactions:.1f}", "")


def _serving(table: Table, connections: int) -> None:
    served = serve_load(EVENTS, connections=connections)
    ratio = served.acknowledged_per_second / served.bare_per_second
    table.add_row(
        f"events acknowledged/s, {connections} connections",
        f"{served.acknowledged_per_second:,.0f} of {served.bare_per_second:,.0f} bare = {ratio:.2f}",
        "at least 0.50",
    )
    table.add_row(f"promotions dispatched/s, {connections} connections", f"{served.dispatched_per_second:,.0f}", "")
    table.add_row(f"POST to dispatch, {connections} connections", f"p50 {served.p50:.2f} s, p99 {served.p99:.2f} s", "")
    table.add_row(
        f"GitHub requests for {EVENTS:,} dispatches, {connections} connections",
        f"{served.dispatches:,} dispatches, {served.reads:,} reads",
        "",
    )


def _sweeping(table: Table) -> None:
    empty, full = sweep_seconds(0), sweep_seconds(FINISHED)
    table.add_row(
        f"sweep with {FINISHED:,} finished promotions beside one with none",
        f"{full * 1000:.2f} ms / {empty * 1000:.2f} ms = {full / empty:.2f}",
        "at most 1.5",
    )


if __name__ == "__main__":
    main()
