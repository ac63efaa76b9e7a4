"""A program that writes to a store, so that tests can run several at once, and kill them.

    python -m tests.store.sqlite.writer race|write PATH NUMBER

Says `ready`, waits for a line, works, and prints what it did: `race` one line of JSON, `write` one line per write that
was acknowledged.
"""

import json
import sys
from itertools import count
from pathlib import Path

from orchestrator.adapters.sqlite.store import SqliteStore
from orchestrator.errors import Conflict
from tests.store.records import NOON, at, entry, new, waits

SHARED, INCREMENTS, LATE = "staging:shared:1", 12, 30


def race(store: SqliteStore, number: int) -> None:
    """Take what is due, add what everybody adds, and change what everybody changes."""
    store.add(*new("1", model="shared", look=at(7200)))
    added = [version for version in range(LATE) if store.add(*new(f"late-{version}"))]
    for _ in range(INCREMENTS):
        change_shared(store, number)
    taken: list[str] = []
    while identities := store.take_due(now=NOON, until=at(3600), limit=3):
        for identity in identities:
            change(store, identity, f"writer {number}")
        taken += identities
    store.write_journal([entry(number)])
    print(json.dumps({"added": added, "taken": taken}), flush=True)  # noqa: T201 - read by the test


def change_shared(store: SqliteStore, number: int) -> None:
    for _ in count():
        try:
            change(store, SHARED, f"writer {number}")
        except Conflict:
            continue
        return


def change(store: SqliteStore, identity: str, detail: str) -> None:
    stored = store.load(identity)
    assert stored is not None
    promotion, fact = waits(stored.promotion, look=at(7200), detail=detail)
    store.save(stored, promotion, [fact])


def write(store: SqliteStore, number: int) -> None:
    """Write until killed, in every way that intake and advance do."""
    for version in count():
        promotion, fact = new(f"{number}-{version}")
        with store.together():
            store.put_evidence(promotion.id, bytes(5000))
            store.add(promotion, fact)
            store.write_journal([entry(version, key=promotion.id)])
        print("added", promotion.id, flush=True)  # noqa: T201 - read by the test
        change(store, promotion.id, "writes")
        print("saved", promotion.id, flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    role, path, which = sys.argv[1:]
    print("ready", flush=True)  # noqa: T201 - read by the test
    sys.stdin.readline()
    opened = SqliteStore(Path(path))
    {"race": race, "write": write}[role](opened, int(which))
    opened.close()
