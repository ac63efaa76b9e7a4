"""A history that was edited shows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.promotion.history import Fact, chained, first_broken_link
from orchestrator.promotion.states import FactKind

IDENTITY = "staging:diabetes-clf:7"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def history(length: int) -> list[Fact]:
    facts: list[Fact] = []
    for seq in range(1, length + 1):
        facts.append(
            chained(
                IDENTITY,
                previous=facts[-1].hash if facts else "",
                seq=seq,
                attempt=1,
                at=START + timedelta(minutes=seq),
                fact=FactKind.WAITS,
                actor="system",
                detail=f"look {seq}",
            )
        )
    return facts


def test_what_was_written_verifies() -> None:
    assert first_broken_link(IDENTITY, history(5)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"detail": "something else"},
        {"actor": "reviewer-one"},
        {"at": START},
        {"fact": FactKind.APPROVED},
        {"attempt": 2},
        {"hash": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_fact_is_named(change: dict[str, object]) -> None:
    facts = history(5)
    facts[2] = replace(facts[2], **change)  # type: ignore[arg-type]

    assert first_broken_link(IDENTITY, facts) == f"fact 3 ({facts[2].fact}) was changed after it was written"


def test_a_missing_fact_is_named() -> None:
    facts = history(5)
    del facts[2]

    assert first_broken_link(IDENTITY, facts) == "fact 3 is missing"


def test_the_history_of_another_promotion_does_not_verify() -> None:
    assert first_broken_link("staging:diabetes-clf:8", history(2)) is not None
