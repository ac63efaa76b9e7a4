"""What every store promises of the list of promotions: newest first, in pages that neither skip nor repeat."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import SenderError
from orchestrator.ports import PromotionFilter, Store
from orchestrator.promotion.record import Promotion, Run
from orchestrator.promotion.states import State
from tests.store.records import at, declined, entry, new

MODELS = ("diabetes-clf", "diabetes-reg")
ENVIRONMENTS = ("staging", "prod")
STATES = (State.EVALUATING, State.GATED, State.SUCCEEDED)


def pages(store: Store, wanted: PromotionFilter, *, limit: int) -> list[tuple[Promotion, ...]]:
    """Every page of a list."""
    found, cursor = [], None
    while True:
        page = store.promotions(wanted, limit=limit, cursor=cursor)
        found.append(page.promotions)
        cursor = page.next
        if cursor is None:
            return found


def whole(store: Store, wanted: PromotionFilter) -> tuple[Promotion, ...]:
    (page,) = pages(store, wanted, limit=1000)
    return page


def filled(store: Store) -> list[Promotion]:
    """Thirty-six promotions of two models in two environments and three states, some opened at the same moment."""
    made = []
    for number in range(36):
        promotion, fact = new(
            str(number),
            model=MODELS[number % 2],
            environment=ENVIRONMENTS[number // 2 % 2],
            opened_at=at(number // 3),
            cause=f"{number % 5:012x}",
        )
        promotion = replace(promotion, state=STATES[number % 3], run=Run(id=number % 7, url="") if number % 2 else None)
        store.add(promotion, fact)
        made.append(promotion)
    return sorted(made, key=lambda promotion: (promotion.opened_at, promotion.id), reverse=True)


def wanted_by(wanted: PromotionFilter, promotion: Promotion) -> bool:
    return all(
        (
            wanted.state in {None, promotion.state},
            wanted.model in {None, promotion.candidate.model},
            wanted.environment in {None, promotion.environment},
            wanted.run is None or (promotion.run is not None and promotion.run.id == wanted.run),
            wanted.signal is None or wanted.signal in promotion.causes,
        )
    )


def test_an_empty_store_has_one_empty_page(store: Store) -> None:
    page = store.promotions(PromotionFilter(), limit=10, cursor=None)

    assert (page.promotions, page.next) == ((), None)


def test_the_list_is_newest_first_whatever_came_in_last(store: Store) -> None:
    for version, seconds in (("1", 60), ("2", 0), ("3", 120)):
        store.add(*new(version, opened_at=at(seconds)))

    assert [promotion.candidate.version for promotion in whole(store, PromotionFilter())] == ["3", "1", "2"]


def test_a_list_that_fills_its_last_page_ends_there(store: Store) -> None:
    expected = filled(store)

    assert [len(page) for page in pages(store, PromotionFilter(), limit=12)] == [12, 12, 12]
    assert len(expected) == 36


def test_every_filter_and_size_of_page_gives_what_one_would_pick_by_hand(store: Store) -> None:
    everything = filled(store)

    @settings(suppress_health_check=[HealthCheck.differing_executors], max_examples=150)
    @given(
        wanted=st.builds(
            PromotionFilter,
            state=st.sampled_from((None, *STATES, State.FAILED)),
            model=st.sampled_from((None, *MODELS, "nobody")),
            environment=st.sampled_from((None, *ENVIRONMENTS)),
            run=st.sampled_from((None, 1, 3, 99)),
            signal=st.sampled_from((None, f"{0:012x}", f"{4:012x}")),
        ),
        limit=st.integers(min_value=1, max_value=40),
    )
    def matches(wanted: PromotionFilter, limit: int) -> None:
        found = pages(store, wanted, limit=limit)

        assert [one for page in found for one in page] == [one for one in everything if wanted_by(wanted, one)]
        assert all(len(page) == limit for page in found[:-1])

    matches()


def test_promotions_opened_while_one_turns_the_pages_neither_repeat_nor_hide_any(store: Store) -> None:
    expected = filled(store)
    seen: list[Promotion] = []
    cursor = None
    for number in range(100, 200):
        page = store.promotions(PromotionFilter(), limit=5, cursor=cursor)
        seen += page.promotions
        cursor = page.next
        if cursor is None:
            break
        store.add(*new(str(number), opened_at=at(number)))

    assert seen == expected


def test_a_filter_follows_what_a_promotion_becomes(store: Store) -> None:
    store.add(*new())
    stored = store.load("staging:diabetes-clf:7")
    assert stored is not None
    ended, fact = declined(replace(stored.promotion, run=Run(id=4711, url="https://github.invalid/runs/4711")))

    store.save(stored, ended, [fact])

    assert whole(store, PromotionFilter(state=State.EVALUATING)) == ()
    assert whole(store, PromotionFilter(state=State.DECLINED)) == (ended,)
    assert whole(store, PromotionFilter(run=4711)) == (ended,)


def test_a_promotion_is_found_by_each_of_its_causes(store: Store) -> None:
    store.add(*new(cause="aaaaaaaaaaaa"))
    stored = store.load("staging:diabetes-clf:7")
    assert stored is not None
    told = replace(stored.promotion, causes=("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"))

    store.save(stored, told, [])

    for cause in told.causes:
        assert whole(store, PromotionFilter(signal=cause)) == (told,)
    assert whole(store, PromotionFilter(signal="dddddddddddd")) == ()


def test_one_cause_may_have_opened_several(store: Store) -> None:
    store.add(*new("7", cause="aaaaaaaaaaaa"))
    store.add(*new("7", environment="prod", cause="aaaaaaaaaaaa", opened_at=at(60)))

    found = whole(store, PromotionFilter(signal="aaaaaaaaaaaa"))

    assert [promotion.environment for promotion in found] == ["prod", "staging"]


@pytest.mark.parametrize("run", [2**63, -(2**70), 10**30])
def test_a_run_that_cannot_exist_finds_nothing(store: Store, run: int) -> None:
    filled(store)

    assert whole(store, PromotionFilter(run=run)) == ()


@pytest.mark.parametrize("cursor", ["", "x", "next", "bnVsbA", "e30", "W10", "é", "AAAA!", "'; DROP TABLE promotions"])
def test_a_cursor_that_the_list_did_not_give_is_the_senders_mistake(store: Store, cursor: str) -> None:
    filled(store)

    with pytest.raises(SenderError, match="no cursor of this list"):
        store.promotions(PromotionFilter(), limit=5, cursor=cursor)


@pytest.mark.parametrize("added", ["!", "=", "\n", "A"])
def test_a_cursor_that_was_touched_is_the_senders_mistake(store: Store, added: str) -> None:
    filled(store)
    given = store.promotions(PromotionFilter(), limit=5, cursor=None).next

    assert given is not None
    with pytest.raises(SenderError):
        store.promotions(PromotionFilter(), limit=5, cursor=given + added)


def test_a_cursor_of_the_journal_is_no_cursor_of_the_promotions(store: Store) -> None:
    store.write_journal([entry(number) for number in range(5)])
    cursor = store.journal(outcome=None, limit=2, cursor=None).next

    with pytest.raises(SenderError):
        store.promotions(PromotionFilter(), limit=5, cursor=cursor)


def test_a_cursor_needs_no_escaping_in_a_url(store: Store) -> None:
    for number in range(3):
        store.add(*new(f"{number}??>>~~", model="糖尿病", opened_at=at(number)))

    cursor = store.promotions(PromotionFilter(), limit=1, cursor=None).next

    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").replace(".", "").replace("~", "").isalnum()
    assert cursor.isascii()
