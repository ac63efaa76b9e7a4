"""The history of a promotion: facts in order, each carrying the hash of the one before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from orchestrator.promotion.states import FactKind

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `actor` is who: `system`, a GitHub login, or a person of the console.

    `hash` is the sha256 of the canonical JSON of id, attempt, seq, at, fact, actor, detail and the previous hash, so
    that a history that was edited shows it. `seq` orders, never `at`.
    """

    seq: int
    attempt: int
    at: datetime
    fact: FactKind
    actor: str
    detail: str
    hash: str


def chained(
    identity: str,
    *,
    previous: str,
    seq: int,
    attempt: int,
    at: datetime,
    fact: FactKind,
    actor: str,
    detail: str,
) -> Fact:
    """Make the next fact of a history; `previous` is the hash of the one before, empty for the first."""
    canonical = msgspec.json.encode([identity, attempt, seq, rfc3339(at), fact, actor, detail, previous])
    return Fact(seq, attempt, at, fact, actor, detail, sha256(canonical).hexdigest())


def first_broken_link(identity: str, history: Iterable[Fact]) -> str | None:
    """Tell where a history is not what was written, or None when every link holds."""
    previous, expected_seq = "", 1
    for fact in history:
        if fact.seq != expected_seq:
            return f"fact {expected_seq} is missing"
        again = chained(
            identity,
            previous=previous,
            seq=fact.seq,
            attempt=fact.attempt,
            at=fact.at,
            fact=fact.fact,
            actor=fact.actor,
            detail=fact.detail,
        )
        if again.hash != fact.hash:
            return f"fact {fact.seq} ({fact.fact}) was changed after it was written"
        previous, expected_seq = fact.hash, expected_seq + 1
    return None


def rfc3339(at: datetime) -> str:
    """Write a moment in RFC 3339, UTC, with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
