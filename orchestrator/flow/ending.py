"""Ending a promotion: the last fact, the slot given back in the same transaction, and those who wait for it told."""

from dataclasses import replace
from typing import Any

from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.ports import SlotChange, Stored, StoredSlot
from orchestrator.promotion.history import SYSTEM
from orchestrator.promotion.states import FactKind


def end(
    world: World,
    stored: Stored,
    slot: StoredSlot,
    kind: FactKind,
    *,
    detail: str,
    actor: str = SYSTEM,
    **changes: Any,
) -> Stored:
    """Record the fact that ends a promotion and give back its slot, if it holds it."""
    held = slot.slot.holder == stored.promotion.id
    change = SlotChange(slot, replace(slot.slot, holder=None)) if held else None
    ended = record(world, stored, kind, detail=detail, actor=actor, slot=change, **changes)
    if held:
        wake_those_waiting(world, slot.slot.key, behind=stored.promotion.id)
    return ended


def wake_those_waiting(world: World, slot_key: str, *, behind: str) -> None:
    """Let the promotions that stood behind one of a slot look now: one of them may take it."""
    now = world.clock.now()
    for identity in world.store.open_in_slot(slot_key):
        if identity == behind:
            continue
        world.store.postpone(identity, now)
        world.queue.hint(identity)
