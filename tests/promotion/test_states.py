"""The transition table, read as a graph."""

import pytest

from orchestrator.promotion.states import (
    ENDED,
    FOLLOWED,
    OPEN,
    TRANSITIONS,
    UNDISPATCHED,
    FactKind,
    IllegalTransition,
    State,
    next_state,
)


def _after(state: State) -> set[State]:
    return {after for (before, _), after in TRANSITIONS.items() if before is state}


def test_every_state_can_be_reached_from_the_opening() -> None:
    reached, fresh = {State.EVALUATING}, {State.EVALUATING}
    while fresh:
        fresh = {after for state in fresh for after in _after(state)} - reached
        reached |= fresh

    assert reached == set(State)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_every_open_state_can_end(state: State) -> None:
    reached, fresh = {state}, {state}
    while fresh:
        fresh = {after for one in fresh for after in _after(one)} - reached
        reached |= fresh

    assert reached & ENDED


def test_success_is_left_by_nothing() -> None:
    assert _after(State.SUCCEEDED) == {State.SUCCEEDED}


def test_what_has_ended_is_opened_again_only_by_a_signal_a_person_or_a_re_run() -> None:
    kinds = {kind for (state, kind), after in TRANSITIONS.items() if state in ENDED and after in OPEN}

    assert kinds == {FactKind.NOMINATED_AGAIN, FactKind.RETRIED, FactKind.RUN_AGAIN}


def test_only_a_promotion_without_a_run_can_be_declined_superseded_or_expired() -> None:
    kinds = {FactKind.DECLINED, FactKind.SUPERSEDED, FactKind.EXPIRED}

    assert {state for state, kind in TRANSITIONS if kind in kinds} == UNDISPATCHED


def test_only_a_followed_run_succeeds_fails_or_is_rejected() -> None:
    kinds = {FactKind.SUCCEEDED, FactKind.FAILED, FactKind.REJECTED}

    assert {state for state, kind in TRANSITIONS if kind in kinds} == FOLLOWED


def test_every_fact_but_the_opening_is_in_the_table() -> None:
    assert {kind for _, kind in TRANSITIONS} == set(FactKind) - {FactKind.OPENED}


def test_a_fact_that_the_table_does_not_know_is_refused_in_words() -> None:
    with pytest.raises(IllegalTransition, match="a promotion that is succeeded can't be run gated"):
        next_state(State.SUCCEEDED, FactKind.RUN_GATED)
