"""The tables of the store's file, and the check that a file is ours before anything in it is touched.

Times are whole microseconds since 1970 (UTC), so that they sort. A `body` is the JSON of a record; the columns beside
it are what lists and look-ups ask for, each with an index that also carries the list's order.
"""

import sqlite3
import time
from pathlib import Path

from orchestrator.errors import StoreUnavailable

APPLICATION = int.from_bytes(b"prom")
VERSION = 1

TABLES = (
    """CREATE TABLE promotions (
        id TEXT PRIMARY KEY,
        slot TEXT NOT NULL,
        environment TEXT NOT NULL,
        model TEXT NOT NULL,
        state TEXT NOT NULL,
        open INTEGER NOT NULL,
        opened_at INTEGER NOT NULL,
        run_id INTEGER,
        revision INTEGER NOT NULL,
        stored_at INTEGER NOT NULL,
        body BLOB NOT NULL
    )""",
    "CREATE INDEX promotions_newest ON promotions (opened_at, id)",
    "CREATE INDEX promotions_state ON promotions (state, opened_at, id)",
    "CREATE INDEX promotions_model ON promotions (model, opened_at, id)",
    "CREATE INDEX promotions_environment ON promotions (environment, opened_at, id)",
    "CREATE INDEX promotions_environment_state ON promotions (environment, state, opened_at, id)",
    "CREATE INDEX promotions_run ON promotions (run_id, opened_at, id) WHERE run_id IS NOT NULL",
    "CREATE INDEX promotions_open ON promotions (slot, opened_at, id) WHERE open = 1",
    """CREATE TABLE causes (
        cause TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        promotion_id TEXT NOT NULL,
        PRIMARY KEY (cause, opened_at, promotion_id)
    ) WITHOUT ROWID""",
    """CREATE TABLE facts (
        promotion_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (promotion_id, seq)
    ) WITHOUT ROWID""",
    """CREATE TABLE slots (
        key TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        body BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE due (
        promotion_id TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX due_at ON due (at, promotion_id)",
    """CREATE TABLE evidence (
        digest TEXT PRIMARY KEY,
        body BLOB NOT NULL
    )""",
    """CREATE TABLE journal (
        position INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        outcome TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        body BLOB NOT NULL
    )""",
    "CREATE INDEX journal_key ON journal (key)",
    "CREATE INDEX journal_outcome ON journal (outcome)",
    """CREATE TABLE marks (
        key TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) WITHOUT ROWID""",
)


def prepare(connection: sqlite3.Connection, path: Path, *, lock_wait: float) -> None:
    """Make a fresh connection safe to use: our file, write-ahead log, every commit on disk, tables there.

    Raises `StoreUnavailable` for a file that is not ours or too new, and `sqlite3.Error`.
    """
    version = _version(connection, path)
    _write_ahead(connection, path, lock_wait=lock_wait)
    connection.execute("PRAGMA synchronous = FULL")
    if version == 0:
        _create(connection, path)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Read the version of our schema, 0 for an empty file, in one statement: another process may be creating it."""
    application, version, entries = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if (application, version, entries) == (0, 0, 0):
        return 0
    if application != APPLICATION:
        raise StoreUnavailable(
            f"store {path}: the file is the database of another program, and stays untouched. "
            "Name another file in ORCHESTRATOR_STORE."
        )
    if version > VERSION:
        raise StoreUnavailable(
            f"store {path}: it was written by a newer release (schema {version}; this release knows up to {VERSION}). "
            "Run that release, or put a backup from before the upgrade in its place."
        )
    return int(version)


def _write_ahead(connection: sqlite3.Connection, path: Path, *, lock_wait: float) -> None:
    mode = _switched_to_write_ahead(connection, deadline=time.monotonic() + lock_wait)
    if mode != "wal":
        raise StoreUnavailable(
            f"store {path}: this disk has no write-ahead log (SQLite chose {mode}). "
            "Name a file on a local disk in ORCHESTRATOR_STORE; network disks don't do."
        )


def _switched_to_write_ahead(connection: sqlite3.Connection, *, deadline: float) -> str:
    """Ask until the deadline: of two processes that switch a new file at once, SQLite turns one away without a wait."""
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return str(mode)


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection, path) == 0:
            for statement in TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
