"""Re-runs on GitHub: "Re-run failed jobs" may deploy what was on record as failed.

Finished runs are looked at for 30 days, once an hour, in one listing per repository. A higher attempt of a run whose
promotion failed or was rejected brings the promotion back.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.errors import Conflict, PersonError, StoreUnavailable, WaitError
from orchestrator.flow.following import run_again
from orchestrator.flow.world import World, log
from orchestrator.ports import PromotionFilter, RunSeen, SlotChange
from orchestrator.promotion.states import State

_LOOK_EVERY = timedelta(hours=1)
_FOR = timedelta(days=30)


def follow_re_runs(world: World) -> None:
    """Look for re-runs where the last look is an hour ago. What can't be read now is read an hour later."""
    for repository in sorted({route.repository for route in world.policy.routes}):
        if not _is_due(world, repository):
            continue
        try:
            found = world.workflows.repeated(repository, since=world.clock.now() - _FOR)
        except (WaitError, PersonError) as error:
            log.warning("re_runs.unread", repository=repository, reason=str(error))
            continue
        for seen in found:
            _look_at(world, repository, seen)


def _look_at(world: World, repository: str, seen: RunSeen) -> None:
    """Look at one re-run; whatever it meets, the others are looked at, and this one again in an hour."""
    try:
        _bring_back(world, seen)
    except StoreUnavailable:
        raise
    except (WaitError, PersonError) as error:
        log.warning("re_runs.unread", repository=repository, run=seen.run.id, reason=str(error))
    except Exception as error:  # noqa: BLE001 - logged with its traceback; one run's trouble stops no other
        log.error("re_runs.trouble", repository=repository, run=seen.run.id, reason=repr(error), exc_info=error)


def _is_due(world: World, repository: str) -> bool:
    """Tell whether an hour has passed since any worker looked. At first there is nothing that could have finished."""
    key = f"re-runs:{repository}"
    looked_at = world.store.mark(key)
    now = world.clock.now()
    if looked_at is not None and now - datetime.fromisoformat(looked_at) < _LOOK_EVERY:
        return False
    world.store.put_mark(key, now.isoformat())
    return looked_at is not None


def _bring_back(world: World, seen: RunSeen) -> None:
    page = world.store.promotions(PromotionFilter(run=seen.run.id), limit=1, cursor=None)
    stored = world.store.load(page.promotions[0].id) if page.promotions else None
    if stored is None or stored.promotion.state not in {State.FAILED, State.REJECTED}:
        return
    run = stored.promotion.run
    if run is None or seen.run.attempt <= run.attempt:
        return
    slot = world.store.slot(stored.promotion.slot)
    # Somebody else's run may hold the slot by now; a person started this one all the same, so it is followed without.
    taken = SlotChange(slot, replace(slot.slot, holder=stored.promotion.id)) if slot.slot.holder is None else None
    try:
        run_again(world, stored, seen, slot=taken)
    except Conflict:
        log.info("re_runs.contended", promotion_id=stored.promotion.id)
        return
    world.queue.hint(stored.promotion.id)
