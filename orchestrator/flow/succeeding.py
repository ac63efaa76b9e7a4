"""Succeeding: the next environments are opened first, then success is recorded.

The other order loses the next environment for good when the process dies between the two: nobody looks again at a
promotion that has ended.
"""

from dataclasses import replace

from orchestrator.decide.nomination import nominate_next
from orchestrator.flow.ending import wake_those_waiting
from orchestrator.flow.evidence import signal_evidence
from orchestrator.flow.opening import open_promotion
from orchestrator.flow.recording import record
from orchestrator.flow.world import World
from orchestrator.ports import SlotChange, Stored
from orchestrator.promotion.identity import cause_of
from orchestrator.promotion.record import Cause, Promotion, Slot, SlotChampion
from orchestrator.promotion.states import FactKind


def succeed(world: World, stored: Stored) -> Stored:
    """Open what follows and record the success; a bypassed gate opens nothing until a person accepts it."""
    promotion = stored.promotion
    opened = [] if promotion.bypass_unaccepted else open_next(world, promotion)
    slot = world.store.slot(promotion.slot)
    succeeded = record(
        world,
        stored,
        FactKind.SUCCEEDED,
        detail=_sentence(promotion, opened),
        slot=SlotChange(slot, _after(world, slot.slot, promotion)),
    )
    wake_those_waiting(world, slot.slot.key, behind=promotion.id)
    for identity in opened:
        world.store.postpone(identity, world.clock.now())
        world.queue.hint(identity)
    return succeeded


def open_next(world: World, promotion: Promotion) -> list[str]:
    """Open the promotions that this one's success leads to, and name them. Opening them again changes nothing."""
    return [
        open_promotion(
            world,
            route,
            candidate,
            Cause(
                cause_of("promotion", promotion.id, str(promotion.attempt)),
                f"{promotion.id} succeeds into {promotion.environment}; route {route.name} follows",
                below=promotion.id,
            ),
        ).promotion
        for route, candidate in nominate_next(
            world.policy,
            promotion.environment,
            promotion.candidate,
            signal_evidence(world, promotion.candidate.evidence),
        )
    ]


def _sentence(promotion: Promotion, opened: list[str]) -> str:
    run = f"run {promotion.run.id} ended with success" if promotion.run else "its run ended with success"
    return f"{run}; {', '.join(opened)} follows" if opened else run


def _after(world: World, slot: Slot, promotion: Promotion) -> Slot:
    mine = promotion.candidate.registered
    newest = slot.newest_succeeded
    return replace(
        slot,
        holder=None if slot.holder == promotion.id else slot.holder,
        champion=_champion(world, promotion),
        newest_succeeded=mine if newest is None or mine.newer_than(newest) else newest,
    )


def _champion(world: World, promotion: Promotion) -> SlotChampion:
    assert promotion.decided_on is not None  # noqa: S101 - saved with the intent
    return SlotChampion(
        promotion=promotion.id,
        version=promotion.candidate.version,
        evidence=promotion.decided_on,
        at=world.clock.now(),
    )
