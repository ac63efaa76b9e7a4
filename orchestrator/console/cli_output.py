"""What commands print: tables for people, JSON for programs. Nothing in it can act on a terminal."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.console.presenting import ShownEvents, ShownPromotion, ShownPromotions, WholePromotion
from orchestrator.policy.mistakes import Mistake, printable

# A pipe has no width; a table that is cut at 80 columns is of no use to grep.
_PIPE_WIDTH = 250


def print_model(model: BaseModel) -> None:
    """Print what the API would answer."""
    print_json(model.model_dump(mode="json", by_alias=True))


def print_json(content: object) -> None:
    """Print JSON, readable and safe on every terminal."""
    print(json.dumps(content, indent=2))


def shown_mistake(mistake: Mistake) -> dict[str, Any]:
    """Give a mistake of the policy as JSON."""
    return asdict(mistake)


def print_promotions(page: ShownPromotions) -> None:
    """Print one page of promotions."""
    rows = [
        (one.id, f"{one.from_} -> {one.to}", str(one.state), _moment(one.updated_at), one.waiting_for or "")
        for one in page.promotions
    ]
    _print_table(("promotion", "way", "state", "changed (UTC)", "waiting for"), rows)
    _print_next(page.next)


def print_promotion(whole: WholePromotion) -> None:
    """Print one promotion: what it is, what was decided, what happened."""
    _print_table(None, _overview(whole))
    if whole.decision is not None:
        print(f"\ndecision: {whole.decision.outcome}")
        _print_table(
            ("check", "verdict", "reason"),
            [(check.name, str(check.verdict), check.reason) for check in whole.decision.checks],
        )
    print("\nhistory")
    _print_table(
        ("", "when (UTC)", "what", "who", "detail"),
        [(str(fact.seq), _moment(fact.at), fact.fact, fact.actor, fact.detail) for fact in whole.history],
    )


def print_events(page: ShownEvents) -> None:
    """Print one page of the journal."""
    rows = [
        (
            _moment(one.received_at),
            str(one.outcome),
            one.type.rpartition(".")[2],
            one.subject or one.event_id,
            one.reason,
        )
        for one in page.events
    ]
    _print_table(("received (UTC)", "outcome", "type", "subject", "reason"), rows)
    _print_next(page.next)


def _overview(one: ShownPromotion) -> list[tuple[str, str]]:
    rows = [
        ("promotion", one.id),
        ("state", str(one.state)),
        ("waiting for", one.waiting_for or ""),
        ("looks again", _moment(one.next_look_at)),
        ("candidate", f"{one.model}, version {one.version}"),
        ("way", f"{one.from_} -> {one.to}, route {one.route}"),
        ("attempt", str(one.attempt)),
        ("run", one.run.url if one.run else ""),
        ("approved by", (one.gate.approved_by or "") if one.gate else ""),
        ("gate bypassed", "yes" if one.gate and one.gate.bypassed else ""),
        ("arrived as", f"{one.arrived.model}, version {one.arrived.version}" if one.arrived else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _print_table(heads: Sequence[str] | None, rows: Iterable[Sequence[str]]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    table = Table(box=box.SIMPLE_HEAD if heads else None, show_header=heads is not None, pad_edge=False)
    cells = [[Text(printable(cell)) for cell in row] for row in rows]
    for head in heads or [""] * len(cells[0]):
        table.add_column(head, overflow="fold")
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _print_next(cursor: str | None) -> None:
    if cursor is not None:
        print(f"more with --cursor {cursor}")


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""
