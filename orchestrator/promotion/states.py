"""The states of a promotion, the facts that move it, and the one table of transitions.

    evaluating ─► waiting ─► dispatching ─► queued ─► gated ─► running ─► succeeded
                     │            │            └────────┴─────────┴─────► failed      the workflow said no
                     │            │                     └───────────────► rejected    a reviewer said no
                     │            └──► errored       GitHub refused the order; nothing ran
                     └──► declined (a check said no) · superseded (a newer version took its place) · expired
    any open state ──► cancelled (a person)

Looks at GitHub may skip states, and `gated` may come back; a run that is run again there moves `failed` and
`rejected` back to `queued`.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a promotion is. `failed` is the business saying no; `errored` certainly ran nothing."""

    EVALUATING = "evaluating"
    WAITING = "waiting"
    DISPATCHING = "dispatching"
    QUEUED = "queued"
    GATED = "gated"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    DECLINED = "declined"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ERRORED = "errored"

    @property
    def is_open(self) -> bool:
        """Whether the promotion still moves by itself."""
        return self in OPEN


UNDISPATCHED = frozenset({State.EVALUATING, State.WAITING})
RUN_MAY_LIVE = frozenset({State.DISPATCHING, State.QUEUED, State.GATED, State.RUNNING})
FOLLOWED = frozenset({State.QUEUED, State.GATED, State.RUNNING})
OPEN = UNDISPATCHED | RUN_MAY_LIVE
ENDED = frozenset(State) - OPEN
ENDED_WITHOUT_A_RUN = frozenset({State.DECLINED, State.EXPIRED})


class FactKind(StrEnum):
    """What can happen to a promotion. The words are stored and shown: they never change."""

    OPENED = "opened"
    NOMINATED_AGAIN = "nominated again"
    WAITS = "waits"
    DECLINED = "declined"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    INTENT_SAVED = "intent saved"
    NOTHING_SENT = "nothing sent"
    NO_RUN_FOUND = "no run found"
    ANSWER_LOST = "answer lost"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    RUN_STARTED = "run started"
    RUN_QUEUED = "run queued"
    RUN_GATED = "run gated"
    RUN_RUNNING = "run running"
    RUN_AGAIN = "re-run on GitHub"
    APPROVED = "approved"
    GATE_BYPASSED = "gate bypassed"
    BYPASS_ACCEPTED = "bypass accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCEL_ASKED = "cancel asked"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    ARRIVED = "arrived"
    TROUBLE = "trouble"
    PERSON_NEEDED = "person needed"


class IllegalTransition(Exception):
    """A fact reached a promotion in a state that knows no such fact: a bug, or a look that came late."""


def _rows() -> dict[tuple[State, FactKind], State]:
    s, f = State, FactKind
    rows: dict[tuple[State, FactKind], State] = {}
    for state in UNDISPATCHED:
        rows |= {
            (state, f.WAITS): s.WAITING,
            (state, f.DECLINED): s.DECLINED,
            (state, f.SUPERSEDED): s.SUPERSEDED,
            (state, f.EXPIRED): s.EXPIRED,
            (state, f.INTENT_SAVED): s.DISPATCHING,
            (state, f.CANCELLED): s.CANCELLED,
        }
    rows |= {
        # The run of an order whose answer was lost showed up after it was given up.
        (s.WAITING, f.RUN_STARTED): s.QUEUED,
        (s.DISPATCHING, f.NOTHING_SENT): s.WAITING,
        (s.DISPATCHING, f.NO_RUN_FOUND): s.WAITING,
        (s.DISPATCHING, f.ANSWER_LOST): s.DISPATCHING,
        (s.DISPATCHING, f.ACCEPTED): s.DISPATCHING,
        (s.DISPATCHING, f.REFUSED): s.ERRORED,
        (s.DISPATCHING, f.RUN_STARTED): s.QUEUED,
        # A cancelled promotion whose order certainly never ran has no run to wait for.
        (s.DISPATCHING, f.CANCELLED): s.CANCELLED,
    }
    for state in FOLLOWED:
        rows |= {
            (state, f.RUN_QUEUED): s.QUEUED,
            (state, f.RUN_GATED): s.GATED,
            (state, f.RUN_RUNNING): s.RUNNING,
            (state, f.RUN_AGAIN): s.QUEUED,
            # The run that was followed ended, but an older run with the same id lives: that one is ours.
            (state, f.RUN_STARTED): s.QUEUED,
            (state, f.APPROVED): state,
            (state, f.GATE_BYPASSED): state,
            (state, f.SUCCEEDED): s.SUCCEEDED,
            (state, f.FAILED): s.FAILED,
            (state, f.REJECTED): s.REJECTED,
            (state, f.CANCELLED): s.CANCELLED,
        }
    for state in OPEN:
        rows |= {
            (state, f.NOMINATED_AGAIN): state,
            (state, f.CANCEL_ASKED): state,
            (state, f.TROUBLE): state,
            (state, f.PERSON_NEEDED): state,
        }
    for state in State:
        rows[state, f.ARRIVED] = state
    for state in ENDED_WITHOUT_A_RUN:
        rows[state, f.NOMINATED_AGAIN] = s.EVALUATING
    for state in ENDED - {s.SUCCEEDED}:
        rows[state, f.RETRIED] = s.EVALUATING
    rows[s.SUCCEEDED, f.BYPASS_ACCEPTED] = s.SUCCEEDED
    rows |= {(s.FAILED, f.RUN_AGAIN): s.QUEUED, (s.REJECTED, f.RUN_AGAIN): s.QUEUED}
    return rows


TRANSITIONS: dict[tuple[State, FactKind], State] = _rows()


def next_state(state: State, fact: FactKind) -> State:
    """Look the transition up. Raises `IllegalTransition` where the table has none."""
    try:
        return TRANSITIONS[state, fact]
    except KeyError:
        raise IllegalTransition(f"a promotion that is {state} can't be {fact!s}") from None
