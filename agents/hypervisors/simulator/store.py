"""The state of all simulated hosts: one SQLite file, which several processes may have open at the same time."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Callable, Optional

from agents.agent import Memory

SCHEMA_VERSION = 1
ANSWERS_KEPT_SECONDS = 3600.0

SCHEMA = """
CREATE TABLE host (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, arch TEXT NOT NULL, cpus INTEGER NOT NULL, cpu_mhz INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL, storage_bytes INTEGER NOT NULL, maintenance INTEGER NOT NULL DEFAULT 0,
    powered INTEGER NOT NULL DEFAULT 1, availability TEXT, started_at REAL NOT NULL) WITHOUT ROWID;
-- `incoming` rows are Instances for which a migration is prepared: they hold capacity, but do not run here.
CREATE TABLE instance (
    id TEXT NOT NULL, incoming INTEGER NOT NULL DEFAULT 0, host TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL,
    cpu_mhz_reserved INTEGER NOT NULL, memory_reserved INTEGER NOT NULL, started_at REAL NOT NULL, spec TEXT NOT NULL,
    console_password TEXT NOT NULL, PRIMARY KEY (id, incoming)) WITHOUT ROWID;
CREATE INDEX instance_host ON instance (host, state, id, cpu_mhz_reserved, memory_reserved);
CREATE TABLE nic (id TEXT PRIMARY KEY, instance TEXT NOT NULL, host TEXT NOT NULL, network TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX nic_instance ON nic (instance);
CREATE INDEX nic_network ON nic (host, network);
CREATE TABLE pool (id TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, capacity_bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pool_host (pool TEXT NOT NULL, host TEXT NOT NULL, PRIMARY KEY (host, pool)) WITHOUT ROWID;
CREATE INDEX pool_host_pool ON pool_host (pool);
CREATE TABLE volume (
    id TEXT NOT NULL, pool TEXT NOT NULL, format TEXT NOT NULL, provisioning TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    allocated_bytes INTEGER NOT NULL, template TEXT, instance TEXT, created_at REAL NOT NULL, PRIMARY KEY (pool, id)) WITHOUT ROWID;
CREATE INDEX volume_instance ON volume (instance) WHERE instance IS NOT NULL;
CREATE INDEX volume_template ON volume (pool, template) WHERE template IS NOT NULL;
CREATE TABLE snapshot (
    id TEXT NOT NULL, pool TEXT NOT NULL, volume TEXT NOT NULL, size_bytes INTEGER NOT NULL, allocated_bytes INTEGER NOT NULL,
    created_at REAL NOT NULL, PRIMARY KEY (pool, volume, id)) WITHOUT ROWID;
CREATE TABLE template (
    id TEXT NOT NULL, pool TEXT NOT NULL, format TEXT NOT NULL, size_bytes INTEGER NOT NULL, allocated_bytes INTEGER NOT NULL,
    created_at REAL NOT NULL, PRIMARY KEY (pool, id)) WITHOUT ROWID;
CREATE TABLE network (
    host TEXT NOT NULL, id TEXT NOT NULL, isolation TEXT NOT NULL, tag INTEGER, label TEXT NOT NULL, mtu INTEGER NOT NULL,
    PRIMARY KEY (host, id)) WITHOUT ROWID;
CREATE TABLE router (
    id TEXT PRIMARY KEY, generation INTEGER NOT NULL, config TEXT NOT NULL, redundancy_group INTEGER, redundancy_ip TEXT,
    redundancy_priority INTEGER, applied_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE store (id TEXT PRIMARY KEY, url TEXT NOT NULL, capacity_bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE image (
    store TEXT NOT NULL, path TEXT NOT NULL, format TEXT NOT NULL, size_bytes INTEGER NOT NULL, physical_bytes INTEGER NOT NULL,
    checksum TEXT, transfer TEXT, began_at REAL NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (store, path)) WITHOUT ROWID;
CREATE INDEX image_transfer ON image (store, transfer);
CREATE TABLE link (store TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (store, id)) WITHOUT ROWID;
CREATE TABLE upload (
    store TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL, format TEXT NOT NULL, maximum_bytes INTEGER,
    PRIMARY KEY (store, id)) WITHOUT ROWID;
CREATE TABLE fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT, zone INTEGER, pod INTEGER, cluster INTEGER, host INTEGER, name TEXT NOT NULL,
    value TEXT NOT NULL, count INTEGER, json_response TEXT);
CREATE TABLE answer (id TEXT PRIMARY KEY, answer TEXT NOT NULL, finished_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX answer_age ON answer (finished_at);
"""


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
                for statement in SCHEMA.split(";\n"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise RuntimeError(f"the simulator's state has version {version}, this program reads {SCHEMA_VERSION}")

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
