"""What every store promises of the journal: every delivery is in it, newest first, and a signal is known by its key."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import SenderError
from orchestrator.ports import JournalEntry, PromotionFilter, SignalOutcome, Store
from tests.store.records import at, entry, new


def read(store: Store, *, outcome: SignalOutcome | None = None, limit: int = 1000) -> list[JournalEntry]:
    """The whole journal, page by page."""
    found: list[JournalEntry] = []
    cursor = None
    while True:
        page = store.journal(outcome=outcome, limit=limit, cursor=cursor)
        found += page.entries
        cursor = page.next
        if cursor is None:
            return found


def test_an_empty_journal_has_one_empty_page(store: Store) -> None:
    page = store.journal(outcome=None, limit=10, cursor=None)

    assert (page.entries, page.next) == ((), None)


def test_writing_no_entries_writes_nothing(store: Store) -> None:
    store.write_journal([])

    assert read(store) == []


def test_an_entry_is_read_back_whole(store: Store) -> None:
    written = entry(1, raw='{"subject": "糖尿病 🩺", "size": "' + "x" * 1_000_000 + '"}')

    store.write_journal([written])

    assert read(store) == [written]


def test_an_entry_without_a_time_of_its_own_is_read_back(store: Store) -> None:
    malformed = JournalEntry(
        id="entry-1",
        key="",
        received_at=at(1),
        outcome=SignalOutcome.MALFORMED,
        reason="it is not JSON",
        type="",
        source="",
        subject="",
        event_id="",
        event_time=None,
        promotions=(),
        raw="\x00\x01 not JSON",
    )

    store.write_journal([malformed])

    assert read(store) == [malformed]


def test_the_journal_is_newest_first(store: Store) -> None:
    store.write_journal([entry(1), entry(2)])
    store.write_journal([entry(3)])

    assert [written.id for written in read(store)] == ["entry-3", "entry-2", "entry-1"]


def test_one_outcome_can_be_picked(store: Store) -> None:
    outcomes = list(SignalOutcome)
    store.write_journal([entry(number, outcome=outcomes[number % len(outcomes)]) for number in range(30)])

    for outcome in outcomes:
        expected = [f"entry-{number}" for number in reversed(range(30)) if outcomes[number % len(outcomes)] is outcome]
        assert [written.id for written in read(store, outcome=outcome, limit=2)] == expected


def test_pages_of_any_size_make_up_the_whole_journal(store: Store) -> None:
    written = [entry(number) for number in range(23)]
    store.write_journal(written)

    @settings(max_examples=30)
    @given(limit=st.integers(min_value=1, max_value=30))
    def matches(limit: int) -> None:
        assert read(store, limit=limit) == written[::-1]

    matches()


def test_entries_written_while_one_turns_the_pages_neither_repeat_nor_hide_any(store: Store) -> None:
    store.write_journal([entry(number) for number in range(10)])
    first = store.journal(outcome=None, limit=4, cursor=None)
    store.write_journal([entry(number) for number in range(10, 15)])

    second = store.journal(outcome=None, limit=4, cursor=first.next)

    assert [written.id for written in second.entries] == ["entry-5", "entry-4", "entry-3", "entry-2"]


def test_a_signal_is_known_by_its_key_and_no_other_is(store: Store) -> None:
    store.write_journal([entry(1), entry(2)])

    assert store.journalled(["key-1", "key-2", "key-3", "key-1", "KEY-1", "key-%"]) == {"key-1", "key-2"}
    assert store.journalled([]) == frozenset()


def test_many_keys_can_be_asked_for_at_once(store: Store) -> None:
    store.write_journal([entry(number) for number in range(0, 2000, 2)])

    known = store.journalled([f"key-{number}" for number in range(2000)])

    assert known == {f"key-{number}" for number in range(0, 2000, 2)}


def test_every_delivery_of_a_signal_is_kept(store: Store) -> None:
    first, second = entry(1, key="same"), entry(2, key="same", outcome=SignalOutcome.DUPLICATE)

    store.write_journal([first])
    store.write_journal([second])

    assert read(store) == [second, first]
    assert store.journalled(["same"]) == {"same"}


def test_a_moment_keeps_its_microseconds(store: Store) -> None:
    written = entry(1)
    store.write_journal([written])

    (again,) = read(store)

    assert again.received_at - written.received_at == timedelta(0)
    assert again.received_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "W10", "é", "AAAA!"])
def test_a_cursor_that_the_journal_did_not_give_is_the_senders_mistake(store: Store, cursor: str) -> None:
    with pytest.raises(SenderError, match="no cursor of this list"):
        store.journal(outcome=None, limit=5, cursor=cursor)


def test_a_cursor_of_the_promotions_is_no_cursor_of_the_journal(store: Store) -> None:
    for number in range(3):
        store.add(*new(str(number)))
    cursor = store.promotions(PromotionFilter(), limit=1, cursor=None).next

    with pytest.raises(SenderError):
        store.journal(outcome=None, limit=5, cursor=cursor)
