"""Workflows that drop the promotion's id from their run's name: of such a run nobody can tell whether it exists."""

from orchestrator.flow.world import World
from orchestrator.promotion.record import Target


def remember_dropped_id(world: World, target: Target) -> None:
    """Remember that a run of this workflow was seen without the id in its name."""
    if not drops_ids(world, target):
        world.store.put_mark(dropped_id_mark(target), "its run's name lacked the promotion's id")


def drops_ids(world: World, target: Target) -> bool:
    """Tell whether this workflow was ever seen to drop an id."""
    return world.store.mark(dropped_id_mark(target)) is not None


def dropped_id_mark(target: Target) -> str:
    """Key of the mark that a workflow was seen to drop the promotion's id from its run's name."""
    return f"drops-id:{target.repository}:{target.workflow}"


def nobody_can_tell(target: Target) -> str:
    """Say why a person must look after an answer of this workflow was lost."""
    return (
        f"GitHub's answer was lost, and {target.workflow} of {target.repository} drops the promotion's id from its "
        f"run's name, so nobody can tell whether a run exists; look at the runs there, and cancel this promotion once "
        f"none is left"
    )
