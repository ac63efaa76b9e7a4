"""What every store promises of a single promotion: added once, replaced only as it was read, with its history."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orchestrator.errors import Conflict
from orchestrator.ports import PromotionFilter, SlotChange, Store, Stored
from orchestrator.promotion.history import Fact, first_broken_link
from orchestrator.promotion.record import Promotion, Run, Slot
from orchestrator.promotion.states import State
from tests.store.conftest import StoreClock
from tests.store.records import NOON, at, declined, full, full_slot, new, waits

SOON = at(30)


def added(store: Store, made: tuple[Promotion, Fact] | None = None) -> Stored:
    """A promotion that is in the store, as it is there."""
    promotion, fact = made or new()
    assert store.add(promotion, fact)
    return loaded(store, promotion.id)


def loaded(store: Store, identity: str) -> Stored:
    stored = store.load(identity)
    assert stored is not None
    return stored


def due(store: Store, *, now: datetime) -> tuple[str, ...]:
    return store.take_due(now=now, until=now + timedelta(days=1), limit=100)


def test_an_unknown_promotion_is_nothing_and_has_no_history(store: Store) -> None:
    assert store.load("staging:diabetes-clf:7") is None
    assert store.history("staging:diabetes-clf:7") == ()


def test_what_was_added_is_read_back(store: Store) -> None:
    promotion, fact = new()

    assert store.add(promotion, fact)

    assert loaded(store, promotion.id).promotion == promotion
    assert store.history(promotion.id) == (fact,)


def test_a_record_with_all_it_can_hold_is_read_back_whole(store: Store) -> None:
    stored = added(store)

    store.save(stored, full(stored.promotion), [])

    assert loaded(store, stored.promotion.id).promotion == full(stored.promotion)


def test_an_id_is_taken_once(store: Store) -> None:
    first, fact = new()
    store.add(first, fact)
    second, other_fact = new(opened_at=at(60), look=at(60), cause="ba9876543210")

    assert not store.add(second, other_fact)

    assert loaded(store, first.id).promotion == first
    assert store.history(first.id) == (fact,)
    assert store.promotions(PromotionFilter(signal="ba9876543210"), limit=9, cursor=None).promotions == ()
    assert due(store, now=NOON) == (first.id,)


def test_names_of_any_alphabet_are_read_back(store: Store) -> None:
    promotion, fact = new("7 bêta", model="糖尿病/klasse 🩺", environment="προ-παραγωγή")
    store.add(promotion, fact)

    again = loaded(store, promotion.id).promotion
    listed = store.promotions(PromotionFilter(model="糖尿病/klasse 🩺"), limit=9, cursor=None).promotions

    assert again == promotion
    assert listed == (promotion,)
    assert store.open_in_slot(promotion.slot) == (promotion.id,)


def test_a_save_replaces_what_was_read_and_returns_what_a_load_then_reads(store: Store) -> None:
    stored = added(store)
    promotion, fact = waits(stored.promotion, look=SOON)

    saved = store.save(stored, promotion, [fact])

    assert saved.promotion == promotion
    assert saved == loaded(store, promotion.id)


def test_what_a_save_returned_can_be_saved_again_at_once(store: Store) -> None:
    stored = added(store)
    for number in range(1, 6):
        promotion, fact = waits(stored.promotion, look=at(number), detail=f"look {number}")
        stored = store.save(stored, promotion, [fact])

    assert loaded(store, stored.promotion.id).promotion.waiting_for == "look 5"


def test_every_save_conflicts_with_an_earlier_reading_even_one_that_changed_nothing(store: Store) -> None:
    stored = added(store)
    store.save(stored, stored.promotion, [])

    with pytest.raises(Conflict, match="staging:diabetes-clf:7"):
        store.save(stored, stored.promotion, [])


def test_a_save_that_changes_the_state_conflicts_with_an_earlier_reading_too(store: Store) -> None:
    stored = added(store)
    saved = store.save(stored, stored.promotion, [])

    with pytest.raises(Conflict):
        store.save(stored, replace(stored.promotion, state=State.FAILED), [])

    assert loaded(store, stored.promotion.id) == saved


def test_a_save_that_conflicts_leaves_nothing_of_itself(store: Store) -> None:
    stored = added(store)
    first, fact = waits(stored.promotion, look=at(60))
    saved = store.save(stored, first, [fact])
    second, other_fact = declined(
        replace(stored.promotion, causes=(*stored.promotion.causes, "ba9876543210"), run=Run(id=4711, url="u"))
    )
    slot = store.slot(second.slot)

    with pytest.raises(Conflict):
        store.save(stored, second, [other_fact], slot=SlotChange(slot, replace(slot.slot, holder=second.id)))

    assert loaded(store, first.id) == saved
    assert store.history(first.id)[1:] == (fact,)
    assert store.slot(second.slot) == slot
    assert store.open_in_slot(second.slot) == (first.id,)
    assert store.promotions(PromotionFilter(signal="ba9876543210"), limit=9, cursor=None).promotions == ()
    assert store.promotions(PromotionFilter(run=4711), limit=9, cursor=None).promotions == ()
    assert due(store, now=at(60)) == (first.id,)


def test_a_promotion_that_was_never_added_cannot_be_saved(store: Store) -> None:
    stored = added(store)
    other, _ = new("8")
    promotion, waiting = waits(other, look=SOON)

    with pytest.raises(Conflict):
        store.save(replace(stored, promotion=other), promotion, [waiting])

    assert store.load(other.id) is None
    assert store.history(other.id) == ()


def test_writes_and_reads_are_stamped_by_the_stores_own_clock(store: Store, clock: StoreClock) -> None:
    stored = added(store)
    clock.pass_by(timedelta(seconds=90, microseconds=1))
    saved = store.save(stored, stored.promotion, [])
    clock.pass_by(timedelta(seconds=30))
    read = loaded(store, stored.promotion.id)

    assert (stored.stored_at, stored.read_at) == (NOON, NOON)
    assert (saved.stored_at, saved.read_at) == (at(90.000001), at(90.000001))
    assert (read.stored_at, read.read_at) == (at(90.000001), at(120.000001))


def test_the_history_is_one_unbroken_chain_over_many_saves(store: Store) -> None:
    stored = added(store)
    for number in range(1, 6):
        first, fact = waits(stored.promotion, look=at(number), detail=f"look {number}")
        second, next_fact = waits(first, look=at(number), detail="and again")
        stored = store.save(stored, second, [fact, next_fact])
    ended, last = declined(stored.promotion)
    store.save(stored, ended, [last])

    history = store.history(ended.id)

    assert [fact.seq for fact in history] == list(range(1, 13))
    assert first_broken_link(ended.id, history) is None
    assert history[-1].hash == loaded(store, ended.id).promotion.last_hash


def test_a_history_of_more_than_a_hundred_facts_keeps_its_order(store: Store) -> None:
    stored = added(store)
    for number in range(120):
        promotion, fact = waits(stored.promotion, look=at(number))
        stored = store.save(stored, promotion, [fact])

    assert first_broken_link(stored.promotion.id, store.history(stored.promotion.id)) is None
    assert len(store.history(stored.promotion.id)) == 121


def test_facts_that_say_again_what_the_history_has_are_a_conflict(store: Store) -> None:
    promotion, fact = new()
    store.add(promotion, fact)
    stored = loaded(store, promotion.id)

    with pytest.raises(Conflict, match="does not continue the history"):
        store.save(stored, promotion, [fact])

    assert loaded(store, promotion.id) == stored


def test_facts_that_leave_a_gap_in_the_history_are_a_conflict(store: Store) -> None:
    stored = added(store)
    first, _ = waits(stored.promotion, look=SOON)
    second, fact = waits(first, look=SOON)

    with pytest.raises(Conflict, match="does not continue the history"):
        store.save(stored, second, [fact])

    assert loaded(store, stored.promotion.id) == stored
    assert len(store.history(stored.promotion.id)) == 1


def test_an_unknown_slot_is_empty(store: Store) -> None:
    slot = store.slot("staging:diabetes-clf")

    assert slot.slot == Slot(key="staging:diabetes-clf")
    assert slot.revision is None


def test_a_slot_is_taken_and_left_with_the_promotion(store: Store) -> None:
    stored = added(store)
    empty = store.slot("staging:diabetes-clf")

    saved = store.save(stored, stored.promotion, [], slot=SlotChange(empty, full_slot(empty.slot)))
    taken = store.slot("staging:diabetes-clf")
    store.save(saved, saved.promotion, [], slot=SlotChange(taken, replace(taken.slot, holder=None)))

    assert taken.slot == full_slot(empty.slot)
    assert store.slot("staging:diabetes-clf").slot == replace(taken.slot, holder=None)
    assert store.slot("prod:diabetes-clf").revision is None


def test_of_two_that_want_an_empty_slot_one_gets_it_and_the_other_is_not_saved(store: Store) -> None:
    first = added(store)
    second = added(store, new("8"))
    empty = store.slot(first.promotion.slot)

    store.save(first, first.promotion, [], slot=SlotChange(empty, replace(empty.slot, holder=first.promotion.id)))
    waiting, fact = waits(second.promotion, look=at(60))
    with pytest.raises(Conflict, match="slot staging:diabetes-clf"):
        store.save(second, waiting, [fact], slot=SlotChange(empty, replace(empty.slot, holder=second.promotion.id)))

    assert store.slot(first.promotion.slot).slot.holder == first.promotion.id
    assert loaded(store, second.promotion.id) == second
    assert len(store.history(second.promotion.id)) == 1


def test_a_slot_that_changed_since_it_was_read_is_not_changed_again(store: Store) -> None:
    stored = added(store)
    empty = store.slot(stored.promotion.slot)
    stored = store.save(stored, stored.promotion, [], slot=SlotChange(empty, empty.slot))
    read = store.slot(stored.promotion.slot)
    stored = store.save(stored, stored.promotion, [], slot=SlotChange(read, replace(read.slot, holder="first")))

    with pytest.raises(Conflict):
        store.save(stored, stored.promotion, [], slot=SlotChange(read, replace(read.slot, holder="second")))

    assert store.slot(stored.promotion.slot).slot.holder == "first"


def test_the_open_promotions_of_a_slot_are_named(store: Store) -> None:
    later = added(store, new("8", opened_at=at(60)))
    earlier = added(store, new("7"))
    added(store, new("7", environment="prod"))
    added(store, new("7", model="diabetes-clf-2"))

    assert set(store.open_in_slot("staging:diabetes-clf")) == {earlier.promotion.id, later.promotion.id}
    assert store.open_in_slot("staging:nobody") == ()


def test_a_promotion_that_ended_is_no_longer_open_in_its_slot(store: Store) -> None:
    stored = added(store)
    ended, fact = declined(stored.promotion)
    saved = store.save(stored, ended, [fact])
    none = store.open_in_slot(ended.slot)

    store.save(saved, replace(ended, state=State.EVALUATING), [])

    assert none == ()
    assert store.open_in_slot(ended.slot) == (ended.id,)
