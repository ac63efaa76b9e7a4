"""Recording: the only way from a fact to the store and to the log."""

from typing import Any

from orchestrator.flow.world import World, log
from orchestrator.ports import SlotChange, Stored
from orchestrator.promotion.history import SYSTEM
from orchestrator.promotion.record import Promotion, apply
from orchestrator.promotion.states import FactKind


def record(
    world: World,
    stored: Stored,
    kind: FactKind,
    *,
    detail: str,
    actor: str = SYSTEM,
    slot: SlotChange | None = None,
    **changes: Any,
) -> Stored:
    """Let a fact happen to a stored promotion, save it and log it. Raises `Conflict` and `StoreUnavailable`."""
    promotion, fact = apply(stored.promotion, kind, at=world.clock.now(), detail=detail, actor=actor, **changes)
    saved = world.store.save(stored, promotion, [fact], slot=slot)
    tell(promotion, kind, detail)
    return saved


def tell(promotion: Promotion, kind: FactKind, reason: str) -> None:
    """Log one change of one promotion."""
    log.info(
        "promotion." + kind.replace(" ", "_").replace("-", "_").lower(),
        promotion_id=promotion.id,
        attempt=promotion.attempt,
        model=promotion.candidate.model,
        version=promotion.candidate.version,
        environment=promotion.environment,
        state=str(promotion.state),
        reason=reason,
    )
