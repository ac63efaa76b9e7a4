"""What people of ours and of GitHub's settings do meanwhile: one table, so that a new verb is one more row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from orchestrator.errors import NotAllowed
from orchestrator.flow.commands import accept_bypass, cancel, retry
from orchestrator.flow.world import World
from orchestrator.promotion.record import Promotion
from orchestrator.promotion.states import State
from tests.world.chance import HOUR, MINUTE, Spans
from tests.world.crew import Crew
from tests.world.github import REVIEWERS, GitHub
from tests.world.policies import EDITS, edited
from tests.world.scene import Scene, Worker
from tests.world.witness import Witness

OPERATOR = "operator-one"
AWAY: Spans = ((0.5, MINUTE, 10 * MINUTE), (0.5, 10 * MINUTE, 3 * HOUR))


class Command(Protocol):
    """A verb of people, as the flow offers it."""

    def __call__(self, world: World, identity: str, *, actor: str, reason: str) -> Promotion:
        """Do it. Raises `NotAllowed`."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where people act."""

    scene: Scene
    crew: Crew
    github: GitHub
    witness: Witness


@dataclass(frozen=True, slots=True)
class Action:
    """Something that people do, in this share of worlds, at most so often."""

    kind: str
    share: float
    most: int
    act: Callable[[Place, str], bool]


def plan_actions(place: Place, *, until: int) -> None:
    """Draw who does what when."""
    scene = place.scene
    for action in ACTIONS:
        luck = scene.chance.stream(f"people: {action.kind}")
        if not luck.happens(action.share):
            continue
        for number in range(luck.between(1, action.most)):
            name, at = f"{action.kind} {number}", luck.between(0, until + HOUR)
            if scene.chance.event(f"people: {name}", 1.0, kind=None):
                scene.scheduler.at(at, partial(_do, place, action, name))


def _do(place: Place, action: Action, name: str) -> None:
    """Do it, and count it if there was something to do."""
    if action.act(place, name):
        place.scene.chance.counts[action.kind] += 1


def _edit_policy(place: Place, name: str) -> bool:
    which = place.scene.chance.stream(name).pick(EDITS)
    place.scene.tell("somebody", f"edits the policy: {which}")
    place.crew.deploy(edited(place.crew.rules, which))
    return True


def _remove_reviewers(place: Place, name: str) -> bool:
    luck = place.scene.chance.stream(name)
    environment = luck.pick(("staging", "prod"))
    place.github.reviewers[environment] = ()
    place.scene.tell("somebody", f"removes the reviewers of {environment}")
    place.scene.scheduler.after(luck.span(AWAY), partial(_restore_reviewers, place, environment))
    return True


def _restore_reviewers(place: Place, environment: str) -> None:
    place.github.reviewers[environment] = REVIEWERS
    place.scene.tell("somebody", f"gives {environment} its reviewers back")


def _cancel(place: Place, name: str) -> bool:
    return _command(place, name, cancel, lambda promotion: promotion.state.is_open)


def _retry(place: Place, name: str) -> bool:
    return _command(
        place, name, retry, lambda promotion: not promotion.state.is_open and promotion.state != State.SUCCEEDED
    )


def _accept(place: Place, name: str) -> bool:
    return _command(place, name, accept_bypass, lambda promotion: promotion.bypass_unaccepted)


def _command(place: Place, name: str, command: Command, fits: Callable[[Promotion], bool]) -> bool:
    """Give a command about one of the promotions that it fits; by then it may fit no more."""
    fitting = [promotion.id for promotion in place.witness.promotions.values() if fits(promotion)]
    if not fitting:
        return False
    identity = place.scene.chance.stream(name).pick(fitting)

    def act(worker: Worker) -> None:
        try:
            command(worker.flow, identity, actor=OPERATOR, reason="because")
        except NotAllowed as error:
            place.scene.tell(worker.name, f"does not allow it: {error}")

    place.scene.tell("somebody", f"gives the command: {name.split(' ')[2]} {identity}")
    place.crew.work(name, act)
    return True


ACTIONS = (
    Action("the policy is edited", 0.2, 3, _edit_policy),
    Action("an environment loses its reviewers", 0.2, 3, _remove_reviewers),
    Action("a person cancels", 0.2, 2, _cancel),
    Action("a person retries", 0.3, 3, _retry),
    Action("a person accepts a bypass", 0.3, 3, _accept),
)
