"""The state of all simulated hosts: one SQLite file, which several processes may have open at the same time."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Callable, Optional

from agents.hypervisors.simulator import schema
from agents.memory import Memory

ANSWERS_KEPT_SECONDS = 3600.0


class Store:
    """One connection per process, one thread at a time: a simulated verb takes some hundred microseconds."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        if path != ":memory:":
            # The state holds passwords of guests.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._connection = sqlite3.connect(path, timeout=60.0, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-8192", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._create()

    def _create(self) -> None:
        with self.transaction():
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in schema.STATEMENTS:
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={schema.VERSION}")
            elif version != schema.VERSION:
                raise RuntimeError(f"the simulator's state has version {version}, this program reads {schema.VERSION}")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Within another one it becomes a part of that."""
        with self._lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._depth = 0

    def execute(self, statement: str, *values: Any) -> int:
        """The number of changed rows."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def insert(self, table: str, **values: Any) -> int:
        """The new row's number, where the table has one."""
        marks = ", ".join("?" * len(values))
        with self._lock:
            cursor = self._connection.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
            )
            return cursor.lastrowid or 0

    def row(self, statement: str, *values: Any) -> Optional[sqlite3.Row]:
        with self._lock:
            found: Optional[sqlite3.Row] = self._connection.execute(statement, values).fetchone()
            return found

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


class StoredMemory(Memory):
    """Answers beside the state that they tell of: both are written in one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._prune_at = 0.0

    def recall(self, request_id: str) -> Optional[str]:
        row = self._store.row("SELECT answer FROM answer WHERE id = ?", request_id)
        return row["answer"] if row else None

    def remember(self, request_id: str, answer: str) -> None:
        now = self._store.clock()
        with self._store.transaction():
            self._store.execute(
                "INSERT OR IGNORE INTO answer (id, answer, finished_at) VALUES (?, ?, ?)", request_id, answer, now
            )
            if now >= self._prune_at:
                self._prune_at = now + ANSWERS_KEPT_SECONDS / 60
                self._store.execute("DELETE FROM answer WHERE finished_at < ?", now - ANSWERS_KEPT_SECONDS)

    def transaction(self, verb: str) -> AbstractContextManager[None]:
        # Secondary storage may be a real directory, whose work takes long: the store must not stay locked meanwhile.
        return contextlib.nullcontext() if verb.startswith("secondary.") else self._store.transaction()
