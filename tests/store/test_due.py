"""What every store promises of looks that are due: never one too few, and no look is taken by two."""

from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.ports import Store, Stored
from orchestrator.promotion.states import State
from tests.store.records import NOON, at, declined, new, waits

ID = "staging:diabetes-clf:7"
AN_HOUR = timedelta(hours=1)


def due(store: Store, *, now: datetime, limit: int = 100) -> tuple[str, ...]:
    """Take what is due and come back for it in an hour."""
    return store.take_due(now=now, until=now + AN_HOUR, limit=limit)


def added(store: Store, *, look: datetime | None = NOON) -> Stored:
    store.add(*new(look=look))
    return loaded(store)


def loaded(store: Store) -> Stored:
    stored = store.load(ID)
    assert stored is not None
    return stored


def ended(store: Store) -> Stored:
    stored = added(store)
    promotion, fact = declined(stored.promotion)
    return store.save(stored, promotion, [fact])


def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    assert due(store, now=NOON) == ()


def test_a_new_promotion_is_due_at_its_first_look_and_not_before(store: Store) -> None:
    added(store, look=at(10))

    assert due(store, now=at(9.999999)) == ()
    assert due(store, now=at(10)) == (ID,)


def test_what_is_due_is_taken_earliest_first(store: Store) -> None:
    for version, seconds in (("1", 20), ("2", 0), ("3", 40), ("4", 10)):
        store.add(*new(version, look=at(seconds)))

    taken = due(store, now=at(30))

    assert [identity.rpartition(":")[2] for identity in taken] == ["2", "4", "1"]


def test_no_more_is_taken_than_was_asked_for(store: Store) -> None:
    for number in range(5):
        store.add(*new(str(number), look=at(number)))

    first, second, third = (due(store, now=at(60), limit=2) for _ in range(3))

    assert [len(first), len(second), len(third)] == [2, 2, 1]
    assert len({*first, *second, *third}) == 5


def test_what_was_taken_is_due_again_when_it_was_postponed_to(store: Store) -> None:
    added(store)

    assert due(store, now=NOON) == (ID,)
    assert due(store, now=NOON + AN_HOUR - timedelta(microseconds=1)) == ()
    assert due(store, now=NOON + AN_HOUR) == (ID,)


def test_a_save_moves_the_look_later(store: Store) -> None:
    stored = added(store)
    promotion, fact = waits(stored.promotion, look=at(60))

    store.save(stored, promotion, [fact])

    assert due(store, now=at(59)) == ()
    assert due(store, now=at(60)) == (ID,)


def test_a_save_moves_the_look_earlier(store: Store) -> None:
    stored = added(store, look=at(3600))
    promotion, fact = waits(stored.promotion, look=at(60))

    store.save(stored, promotion, [fact])

    assert due(store, now=at(60)) == (ID,)


def test_a_save_puts_the_look_where_it_says_though_it_was_taken_meanwhile(store: Store) -> None:
    stored = added(store)
    due(store, now=NOON)

    store.save(stored, stored.promotion, [])

    assert due(store, now=NOON) == (ID,)


def test_a_promotion_that_ended_is_never_due(store: Store) -> None:
    ended(store)

    assert due(store, now=at(10**9)) == ()


def test_a_promotion_that_ended_is_never_due_though_its_record_names_a_look(store: Store) -> None:
    stored = added(store)

    store.save(stored, replace(stored.promotion, state=State.FAILED, next_look_at=NOON), [])

    assert due(store, now=at(10**9)) == ()


def test_a_promotion_that_looks_no_more_is_never_due(store: Store) -> None:
    stored = added(store)

    store.save(stored, replace(stored.promotion, next_look_at=None), [])

    assert due(store, now=at(10**9)) == ()


def test_a_promotion_that_is_opened_again_is_due_again(store: Store) -> None:
    stored = ended(store)

    store.save(stored, replace(stored.promotion, state=State.EVALUATING, next_look_at=at(5)), [])

    assert due(store, now=at(5)) == (ID,)


def test_postponing_moves_a_look_later_or_earlier(store: Store) -> None:
    added(store)

    store.postpone(ID, at(60))
    too_early = due(store, now=at(59))
    store.postpone(ID, at(5))

    assert too_early == ()
    assert due(store, now=at(5)) == (ID,)


def test_postponing_leaves_the_record_as_it_is(store: Store) -> None:
    stored = added(store)

    store.postpone(ID, at(60))

    assert loaded(store) == stored


def test_postponing_makes_nobody_due_who_was_not(store: Store) -> None:
    ended(store)

    store.postpone(ID, NOON)
    store.postpone("staging:nobody:1", NOON)

    assert due(store, now=NOON) == ()


def test_forgetting_an_ended_promotion_twice_is_forgetting_it_once(store: Store) -> None:
    stored = ended(store)

    store.forget_due(stored)
    store.forget_due(stored)

    assert due(store, now=at(10**9)) == ()


def test_a_promotion_that_was_opened_again_since_it_was_read_is_not_forgotten(store: Store) -> None:
    stored = ended(store)
    store.save(stored, replace(stored.promotion, state=State.EVALUATING, next_look_at=at(5)), [])

    store.forget_due(stored)

    assert due(store, now=at(5)) == (ID,)


def test_an_open_promotion_is_not_forgotten(store: Store) -> None:
    store.forget_due(added(store))

    assert due(store, now=NOON) == (ID,)
