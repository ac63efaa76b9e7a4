"""The record of a promotion: what was asked, what was intended, what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator.decide.candidate import Candidate, Registered
from orchestrator.decide.decision import Decision
from orchestrator.policy.policy import Gate
from orchestrator.promotion.history import SYSTEM, Fact, chained
from orchestrator.promotion.identity import is_shadow, marker, slot_of
from orchestrator.promotion.states import FactKind, State, next_state

MOST_CAUSES = 200


class Intent(StrEnum):
    """What a promotion is for."""

    PROMOTE = "promote"
    RETRAIN = "retrain"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the run happens: `repository` as owner/name, `environment` as GitHub calls it."""

    repository: str
    workflow: str
    ref: str
    environment: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The intent to start a run, saved before it is sent; following the run uses this and not today's policy.

    Only `writer` may send, once. `sends` counts the intents of this attempt, `lost` the answers that were lost.
    `since` is the store's time from which patience counts (None: the record's own stamp). `accepted` means that the
    order was taken without naming a run: a run exists and must be found.
    """

    target: Target
    gate: Gate
    writer: str
    first_intent_at: datetime
    sends: int = 1
    lost: int = 0
    since: datetime | None = None
    empty_looks: int = 0
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run on GitHub. "Re-run failed jobs" there keeps the id and raises `attempt`."""

    id: int
    url: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class GateRecord:
    """What is known of the reviewers' gate.

    `seen` tells that the run was seen waiting at this very gate, `reviews` the answers read so far and
    `earlier_reviews` those given to earlier attempts of the run, which count no more. `unapproved_since` is when the
    run was first seen past the gate without an approval: GitHub's answer may lag, so that is looked at twice.
    """

    required: bool
    reviewers: tuple[str, ...] = ()
    approved_by: str | None = None
    comment: str | None = None
    decided_at: datetime | None = None
    bypassed: bool = False
    bypass_accepted_by: str | None = None
    seen: bool = False
    reviews: tuple[str, ...] = ()
    earlier_reviews: tuple[str, ...] = ()
    unapproved_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the candidate became in the environment: a number belongs to one workspace."""

    workspace: str
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class CancelIntent:
    """A person asked for the end; the run decides when it comes."""

    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Looks in a row that ended in an unexpected error."""

    count: int
    message: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """One candidate on its way into one environment. `decided_on` is the digest of the evidence of its decision."""

    id: str
    intent: Intent
    candidate: Candidate
    environment: str
    route: str
    state: State
    opened_at: datetime
    updated_at: datetime
    changed_at: datetime
    causes: tuple[str, ...]
    attempt: int = 1
    opened_by: str = SYSTEM
    below: str | None = None
    next_look_at: datetime | None = None
    waiting_for: str | None = None
    unknown_since: datetime | None = None
    decision: Decision | None = None
    decided_on: str | None = None
    dispatch: Dispatch | None = None
    run: Run | None = None
    gate: GateRecord | None = None
    arrived: Arrived | None = None
    cancel: CancelIntent | None = None
    trouble: Trouble | None = None
    person_needed: str | None = None
    last_seq: int = 0
    last_hash: str = ""

    @property
    def bypass_unaccepted(self) -> bool:
        """Whether its run went past the gate without an approval, and nobody has accepted that."""
        return self.gate is not None and self.gate.bypassed and self.gate.bypass_accepted_by is None

    @property
    def slot(self) -> str:
        """The key of the slot of this model and environment."""
        return slot_of(self.id)

    @property
    def marker(self) -> str:
        """The bracket that this attempt's run carries in its name."""
        return marker(self.id, self.attempt)

    @property
    def shadow(self) -> bool:
        """Whether this only records what would have been done."""
        return is_shadow(self.id)

    @property
    def by_person(self) -> bool:
        """Whether a person asked for it: only then may an older version replace a newer one."""
        return self.opened_by != SYSTEM


@dataclass(frozen=True, slots=True)
class SlotChampion:
    """The version that last succeeded into the environment; `evidence` is the digest as it was then."""

    promotion: str
    version: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """The one place per model and environment. `newest_taken` is the newest candidate that ever took it."""

    key: str
    holder: str | None = None
    champion: SlotChampion | None = None
    newest_succeeded: Registered | None = None
    newest_taken: Registered | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What asked for an opening. `id` is 12 hex digits of the sha256 of it; `below` the promotion that succeeded."""

    id: str
    why: str
    actor: str = SYSTEM
    below: str | None = None


def opened(
    identity: str, candidate: Candidate, cause: Cause, *, environment: str, route: str, at: datetime, look_at: datetime
) -> tuple[Promotion, Fact]:
    """Open a promotion: the record and the first fact of its history.

    Whoever opens it hints at once; `look_at` is when the sweep looks should the hint be lost.
    """
    fact = chained(
        identity, previous="", seq=1, attempt=1, at=at, fact=FactKind.OPENED, actor=cause.actor, detail=cause.why
    )
    promotion = Promotion(
        id=identity,
        intent=Intent.PROMOTE,
        candidate=candidate,
        environment=environment,
        route=route,
        state=State.EVALUATING,
        opened_at=at,
        updated_at=at,
        changed_at=at,
        causes=(cause.id,),
        opened_by=cause.actor,
        below=cause.below,
        next_look_at=look_at,
        last_seq=fact.seq,
        last_hash=fact.hash,
    )
    return promotion, fact


def apply(
    promotion: Promotion,
    kind: FactKind,
    *,
    at: datetime,
    detail: str,
    actor: str = SYSTEM,
    **changes: Any,
) -> tuple[Promotion, Fact]:
    """Let a fact happen to a promotion: the only place where a state changes.

    `changes` are fields of the record that the fact carries with it. Raises `IllegalTransition`.
    """
    state = next_state(promotion.state, kind)
    if state is not promotion.state:
        changes = {"changed_at": at, "trouble": None} | changes
    if not state.is_open:
        changes = {"next_look_at": None, "waiting_for": None, "person_needed": None} | changes
    moved = replace(promotion, state=state, updated_at=at, **changes)
    return _appended(moved, kind, at=at, actor=actor, detail=detail)


def next_attempt(
    promotion: Promotion, kind: FactKind, *, at: datetime, detail: str, actor: str = SYSTEM
) -> tuple[Promotion, Fact]:
    """Open the next attempt of an ended promotion: what belonged to the last one is history."""
    return apply(
        replace(promotion, attempt=promotion.attempt + 1),
        kind,
        at=at,
        detail=detail,
        actor=actor,
        next_look_at=at,
        waiting_for=None,
        unknown_since=None,
        decision=None,
        decided_on=None,
        dispatch=None,
        run=None,
        gate=None,
        cancel=None,
        person_needed=None,
    )


def _appended(promotion: Promotion, kind: FactKind, *, at: datetime, actor: str, detail: str) -> tuple[Promotion, Fact]:
    fact = chained(
        promotion.id,
        previous=promotion.last_hash,
        seq=promotion.last_seq + 1,
        attempt=promotion.attempt,
        at=at,
        fact=kind,
        actor=actor,
        detail=detail,
    )
    return replace(promotion, last_seq=fact.seq, last_hash=fact.hash), fact
