"""The file as the tables' modules use it: a connection for each thread, one writer at a time, our errors only."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestrator.adapters.sqlite.failures import closed, failure, locked, replaced, undone
from orchestrator.adapters.sqlite.schema import prepare
from orchestrator.errors import OrchestratorError, StoreUnavailable

_STATEMENTS_KEPT = 128


class _ThisThread(threading.local):
    connection: sqlite3.Connection | None = None
    writes: bool = False
    spoilt: bool = False


class Database:
    """One SQLite file. Opens it when it is first used; raises `StoreUnavailable`, and `Conflict` for a taken key.

    SQLite lets one writer in and makes the others poll, which is slow. The threads of one process therefore queue at
    a lock of their own and only processes meet at SQLite's.
    """

    def __init__(self, path: Path, *, lock_wait: timedelta) -> None:
        self._path = path.absolute()
        self._lock_wait = lock_wait.total_seconds()
        self._here = _ThisThread()
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._file: tuple[int, int] | None = None
        self._closed = False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read rows; inside a transaction its own writes are seen."""
        try:
            return self._connection().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Read the one row that there can be."""
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    def change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Write with one statement, and tell how many rows it changed."""
        if self._here.writes:
            return self._write(sql, parameters)
        with self.transaction():
            return self._write(sql, parameters)

    def change_each(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Write with one statement for each set of parameters, all or none."""
        with self.transaction():
            for each in parameters:
                self._write(sql, each)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make one transaction of the writes inside; one inside another joins it.

        An exception undoes everything. A part whose exception is caught further out leaves the rest alone only if it
        wrote nothing; after half of a part nothing can be kept, and the whole ends in `StoreUnavailable`.
        """
        if self._here.writes:
            with self._part():
                yield
            return
        connection = self._connection()
        if not self._writing.acquire(timeout=self._lock_wait):
            raise locked(self._path, lock_wait=self._lock_wait)
        try:
            self._begin(connection)
            self._here.writes, self._here.spoilt = True, False
            try:
                yield
                self._commit(connection)
            except BaseException:
                self._roll_back(connection)
                raise
            finally:
                self._here.writes = False
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close every connection; a write that is under way ends first. Using the store afterwards is refused."""
        held = self._writing.acquire(timeout=self._lock_wait)
        try:
            with self._opening:
                self._closed = True
                for _, connection in self._opened:
                    connection.close()
                self._opened.clear()
        finally:
            if held:
                self._writing.release()

    @contextmanager
    def _part(self) -> Iterator[None]:
        # A savepoint would keep the outer part, but takes as long as all the writes of an opening.
        connection = self._connection()
        before = connection.total_changes
        try:
            yield
        except BaseException:
            self._here.spoilt |= connection.total_changes != before
            raise

    def _write(self, sql: str, parameters: Sequence[Any]) -> int:
        connection = self._connection()
        # SQLite undoes a whole transaction by itself when the disk fails; a write after that would stand alone.
        if not connection.in_transaction:
            raise undone(self._path)
        return self._execute(connection, sql, parameters).rowcount

    def _begin(self, connection: sqlite3.Connection) -> None:
        if self._file != _identity(self._path):
            raise replaced(self._path)
        self._execute(connection, "BEGIN IMMEDIATE")

    def _commit(self, connection: sqlite3.Connection) -> None:
        if self._here.spoilt:
            raise undone(self._path)
        self._execute(connection, "COMMIT")

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            # SQLite rolls back what a closed connection left; the next use of this thread opens another.
            self._here.connection = None
            connection.close()

    def _execute(self, connection: sqlite3.Connection, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return connection.execute(sql, parameters)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _connection(self) -> sqlite3.Connection:
        connection = self._here.connection
        if connection is None:
            connection = self._here.connection = self._open()
        return connection

    def _open(self) -> sqlite3.Connection:
        with self._opening:
            if self._closed:
                raise closed(self._path)
            self._forget_ended_threads()
            connection = self._connect()
            self._opened.append((threading.current_thread(), connection))
            return connection

    def _connect(self) -> sqlite3.Connection:
        """Open the file; the first time make it. Later, a missing one is gone for a reason that a person must see."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"store {self._path}: its folder can't be made ({error}). "
                "Give this user write access there, or name another file in ORCHESTRATOR_STORE."
            ) from error
        if self._file not in {None, _identity(self._path)}:
            raise replaced(self._path)
        try:
            connection = sqlite3.connect(
                self._path,
                timeout=self._lock_wait,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS_KEPT,
            )
        except sqlite3.Error as error:
            raise self._failure(error) from error
        try:
            prepare(connection, self._path, lock_wait=self._lock_wait)
        except sqlite3.Error as error:
            connection.close()
            raise self._failure(error) from error
        except BaseException:
            connection.close()
            raise
        self._file = self._file or _identity(self._path)
        return connection

    def _forget_ended_threads(self) -> None:
        for thread, connection in self._opened:
            if not thread.is_alive():
                connection.close()
        self._opened = [(thread, connection) for thread, connection in self._opened if thread.is_alive()]

    def _failure(self, error: sqlite3.Error) -> OrchestratorError:
        return closed(self._path) if self._closed else failure(error, self._path, lock_wait=self._lock_wait)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
