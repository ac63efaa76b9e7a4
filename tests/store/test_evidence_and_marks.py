"""What every store promises of evidence, of marks, and of writes that belong together."""

from hashlib import sha256

import pytest

from orchestrator.errors import Conflict
from orchestrator.ports import PromotionFilter, Store
from tests.store.records import entry, new

BODIES = {
    "empty": b"",
    "not text": bytes(range(256)),
    "a megabyte": bytes(range(256)) * 4096,
    "other alphabets": "糖尿病 🩺".encode(),
}


def test_unknown_evidence_is_nothing(store: Store) -> None:
    assert store.evidence("0" * 64) is None


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_evidence_is_read_back_to_the_byte(store: Store, body: bytes) -> None:
    digest = sha256(body).hexdigest()

    store.put_evidence(digest, body)

    assert store.evidence(digest) == body


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_storing_evidence_again_changes_nothing(store: Store, body: bytes) -> None:
    digest = sha256(body).hexdigest()
    store.put_evidence(digest, body)

    store.put_evidence(digest, body)

    assert store.evidence(digest) == body


def test_an_unknown_mark_is_nothing(store: Store) -> None:
    assert store.mark("workspace/dev-ml-ws") is None


def test_a_mark_is_recalled_as_it_was_last_put(store: Store) -> None:
    store.put_mark("workspace/dev-ml-ws", "first")
    store.put_mark("workspace/dev-ml-ws", "seen until 糖尿病:12 🩺")
    store.put_mark("workspace/stg-ml-ws", "")

    assert store.mark("workspace/dev-ml-ws") == "seen until 糖尿病:12 🩺"
    assert store.mark("workspace/stg-ml-ws") == ""


def test_writes_that_belong_together_are_seen_inside_and_kept_after(store: Store) -> None:
    with store.together():
        store.put_evidence("0" * 64, b"{}")
        assert store.add(*new())
        assert not store.add(*new())
        store.write_journal([entry(1)])
        inside = store.load("staging:diabetes-clf:7")
        assert store.journalled(["key-1"]) == {"key-1"}
        assert store.evidence("0" * 64) == b"{}"

    assert inside is not None
    assert store.load("staging:diabetes-clf:7") == inside
    assert store.journalled(["key-1"]) == {"key-1"}
    assert store.evidence("0" * 64) == b"{}"


def test_together_inside_together_is_together(store: Store) -> None:
    with store.together():
        store.put_mark("outer", "1")
        with store.together():
            store.put_mark("inner", "2")
        store.put_mark("outer again", "3")

    assert [store.mark(key) for key in ("outer", "inner", "outer again")] == ["1", "2", "3"]


def test_a_conflict_that_is_dealt_with_leaves_the_rest_together(store: Store) -> None:
    store.add(*new())
    old = store.load("staging:diabetes-clf:7")
    assert old is not None
    store.save(old, old.promotion, [])

    with store.together():
        store.put_mark("before", "1")
        with pytest.raises(Conflict):
            store.save(old, old.promotion, [])
        store.put_mark("after", "2")

    assert [store.mark(key) for key in ("before", "after")] == ["1", "2"]


def test_a_store_that_can_be_used_says_nothing(store: Store) -> None:
    store.check()
    store.add(*new())
    store.check()

    assert len(store.promotions(PromotionFilter(), limit=9, cursor=None).promotions) == 1
