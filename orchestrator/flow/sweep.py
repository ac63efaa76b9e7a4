"""The sweep: every promotion that is due looks again. It is the truth; hints only make looks earlier."""

from orchestrator.flow.re_runs import follow_re_runs
from orchestrator.flow.world import World, log

_AT_ONCE = 500


def sweep(world: World) -> int:
    """Hint every promotion that is due, and give their number. Nothing is hinted twice in one interval."""
    now = world.clock.now()
    until = now + world.timing.sweep
    total = 0
    while True:
        due = world.store.take_due(now=now, until=until, limit=_AT_ONCE)
        for identity in due:
            world.queue.hint(identity)
        total += len(due)
        if len(due) < _AT_ONCE:
            break
    follow_re_runs(world)
    log.info("sweep.finished", due=total)
    return total
