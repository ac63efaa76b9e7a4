"""What SQLite says when it can't, in our words: what happened, to which file, and what to do about it.

Result codes: https://www.sqlite.org/rescode.html. The low byte is the kind, the rest tells more.
"""

import sqlite3
from pathlib import Path

from orchestrator.errors import Conflict, StoreUnavailable, WaitError

_TAKEN_KEYS = frozenset({sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE})
_OPEN_IT = (
    "Give this user read and write access to the file and its folder, or name another file in ORCHESTRATOR_STORE."
)
_RESTORE = "Stop every process that uses it, then put a backup in its place."

_SENTENCES = {
    sqlite3.SQLITE_FULL: ("the disk is full, or the file may not grow", "Make room, then try again."),
    sqlite3.SQLITE_IOERR: ("the disk did not read or write", "Look at the disk's room and health, then try again."),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: ("the file is no SQLite database, or it is damaged", _RESTORE),
    sqlite3.SQLITE_CANTOPEN: ("the file can't be opened", _OPEN_IT),
    sqlite3.SQLITE_PERM: ("the file may not be opened", _OPEN_IT),
    sqlite3.SQLITE_READONLY: ("the file may only be read", _OPEN_IT),
    sqlite3.SQLITE_AUTH: ("the file may not be used", _OPEN_IT),
}


def failure(error: sqlite3.Error, path: Path, *, lock_wait: float) -> WaitError:
    """Translate one error of SQLite's: a taken key is a `Conflict`, all else `StoreUnavailable`.

    `lock_wait` is how many seconds a lock was waited for.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _TAKEN_KEYS:
        return Conflict(f"somebody else wrote the same row of {path} first: read again")
    if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return locked(path, lock_wait=lock_wait)
    what, remedy = _SENTENCES.get(code & 0xFF, (str(error), "Try again; if it stays, read what SQLite says."))
    return StoreUnavailable(f"store {path}: {what} (SQLite: {error}). {remedy}")


def locked(path: Path, *, lock_wait: float) -> StoreUnavailable:
    """Say that another writer did not let go."""
    return StoreUnavailable(
        f"store {path}: another writer held it for more than {lock_wait:g} s. "
        "Try again; if it stays, look for a process that has the file open and hangs."
    )


def undone(path: Path) -> StoreUnavailable:
    """Say that a transaction could not be finished."""
    return StoreUnavailable(
        f"store {path}: a write failed half way, so everything that belonged to it was undone. Try all of it again."
    )


def replaced(path: Path) -> StoreUnavailable:
    """Say that the file under this name is not the one that was opened."""
    return StoreUnavailable(
        f"store {path}: the file was removed or replaced while it was in use, so what is written now would be lost. "
        "Start the service again; it then uses the file that is there."
    )


def closed(path: Path) -> StoreUnavailable:
    """Say that the store was closed."""
    return StoreUnavailable(f"store {path}: it was closed, because the service is stopping. Send it again.")
