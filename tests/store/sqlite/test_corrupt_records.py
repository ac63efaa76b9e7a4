"""A record that is not what was written is named, and never read as something else."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import CorruptRecord
from orchestrator.ports import PromotionFilter, SlotChange
from tests.store.records import entry, full_slot, new

ID = "staging:diabetes-clf:7"
BROKEN = {
    "cut off": "UPDATE {table} SET body = substr(body, 1, length(body) / 2)",
    "emptied": "UPDATE {table} SET body = x''",
    "not text": "UPDATE {table} SET body = CAST(x'ff' || body AS BLOB)",
    "of another type": "UPDATE {table} SET body = CAST('[]' AS BLOB)",
}


@pytest.mark.parametrize("how", BROKEN.values(), ids=BROKEN)
def test_half_a_record_is_named_and_never_guessed(store: SqliteStore, path: Path, how: str) -> None:
    store.add(*new())
    stored = store.load(ID)
    assert stored is not None
    slot = store.slot(stored.promotion.slot)
    store.save(stored, stored.promotion, [], slot=SlotChange(slot, full_slot(slot.slot)))
    store.write_journal([entry(1)])
    change_behind(path, *(how.format(table=table) for table in ("promotions", "facts", "slots", "journal")))

    with pytest.raises(CorruptRecord, match=f"promotion {ID}"):
        store.load(ID)
    with pytest.raises(CorruptRecord, match=f"promotion {ID}"):
        store.promotions(PromotionFilter(), limit=9, cursor=None)
    with pytest.raises(CorruptRecord, match=f"fact 1 of promotion {ID}"):
        store.history(ID)
    with pytest.raises(CorruptRecord, match="slot staging:diabetes-clf"):
        store.slot("staging:diabetes-clf")
    with pytest.raises(CorruptRecord, match="journal entry 1"):
        store.journal(outcome=None, limit=9, cursor=None)


@pytest.mark.parametrize("field", ["id", "state", "candidate", "opened_at", "causes", "candidate.registered_at"])
def test_a_record_that_lacks_a_field_is_named(store: SqliteStore, path: Path, field: str) -> None:
    store.add(*new())
    change_behind(
        path, "UPDATE promotions SET body = CAST(json_remove(body, '$.FIELD') AS BLOB)".replace("FIELD", field)
    )

    with pytest.raises(CorruptRecord, match=f"promotion {ID}.*{field.rpartition('.')[2]}"):
        store.load(ID)


def test_a_record_with_a_word_that_is_not_ours_is_named(store: SqliteStore, path: Path) -> None:
    store.add(*new())
    change_behind(path, "UPDATE promotions SET body = CAST(json_set(body, '$.state', 'lost') AS BLOB)")

    with pytest.raises(CorruptRecord, match="lost"):
        store.load(ID)


def change_behind(path: Path, *statements: str) -> None:
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)
