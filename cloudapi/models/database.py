"""The database: opened by URL, one connection per thread, one writer at a time on SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee

from cloudapi.models.statement import Keeping

Result = TypeVar("Result")

database = peewee.DatabaseProxy()

# MySQL: deadlock, lock wait timeout; PostgreSQL: serialization failure, deadlock.
RETRYABLE = ("1213", "1205", "40001", "40P01", "deadlock")
ATTEMPTS = 8
# The name of a function on SQLite: its LOWER leaves letters beyond ASCII as they are.
UNICODE_LOWER = "unicode_lower"


class _Writer(threading.local):
    """This thread's transaction: how many blocks it is deep, and the marks that it bears; whether it only reads."""

    def __init__(self) -> None:
        self.depth = 0
        self.marks: set[str] = set()
        self.reads = False


_writer = _Writer()
_writer_lock = threading.Lock()


class Sqlite(Keeping, peewee.SqliteDatabase):
    """SQLite with kept SQL, and without peewee's detours around each statement."""

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        connection = self._state.conn
        if connection is None or self.query_hooks:
            return super().execute_sql(sql, params)
        try:
            return connection.execute(sql, params or ())
        except sqlite3.Error:
            with peewee.__exception_wrapper__:  # the same error as peewee's own
                raise


class Postgresql(Keeping, peewee.PostgresqlDatabase):
    """PostgreSQL with kept SQL."""

    field_types: ClassVar[dict[str, str]] = {**peewee.PostgresqlDatabase.field_types, "LONGTEXT": "TEXT"}


def _sqlite(path: str) -> peewee.Database:
    # page cache 32 MiB; WAL with synchronous=normal survives a killed process (not a power cut of the last commit).
    pragmas = {"journal_mode": "wal", "synchronous": "normal", "busy_timeout": 30000, "cache_size": -32768,
               "foreign_keys": 0, "temp_store": "memory", "mmap_size": 268435456}
    opened = Sqlite(path, pragmas=pragmas, timeout=30, cached_statements=512)
    opened.register_function(lambda text: None if text is None else str(text).lower(), UNICODE_LOWER, 1)
    return opened


def connect(url: str) -> peewee.Database:
    """Open the database of `url` and make it the one that all records use.

    :param url: `sqlite:///path`, `mysql://user:password@host:port/name` or `postgresql://…`.
    :raises ValueError: the scheme is not one of these; the text does not repeat the URL, which bears a password.
    """
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme == "sqlite":
        opened = _sqlite("/" + name if url.startswith("sqlite:////") else name)
    elif parts.scheme in ("mysql", "mariadb"):
        from playhouse.shortcuts import ReconnectMixin
        from pymysql.constants import CLIENT

        class Reconnecting(Keeping, ReconnectMixin, peewee.MySQLDatabase):
            """MySQL closes idle connections; a statement outside a transaction is sent again on a new one."""

        opened = Reconnecting(
            name, host=parts.hostname, port=parts.port or 3306, user=unquote(parts.username or ""),
            password=unquote(parts.password or ""), charset="utf8mb4",
            # An UPDATE answers how many rows it found, as on the other databases, not how many it made different.
            client_flag=CLIENT.FOUND_ROWS,
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", **options)
    elif parts.scheme in ("postgresql", "postgres"):
        opened = Postgresql(
            name, host=parts.hostname, port=parts.port or 5432, user=unquote(parts.username or ""),
            password=unquote(parts.password or ""), **options)
    else:
        raise ValueError(f"database URL: scheme {parts.scheme!r} is not sqlite, mysql or postgresql")
    database.initialize(opened)
    return opened


def is_sqlite() -> bool:
    return isinstance(database.obj, peewee.SqliteDatabase)


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """Run a block as one transaction; a block inside another joins it.

    On SQLite the process has one writer at a time and begins IMMEDIATE: a deferred transaction that turns
    into a writer fails with "database is locked" as soon as there are several.
    """
    if _writer.depth:
        _writer.depth += 1
        try:
            yield
        finally:
            _writer.depth -= 1
        return
    if _writer.reads:
        raise RuntimeError("a change within a snapshot")
    sqlite = is_sqlite()
    if sqlite:
        _writer_lock.acquire()
    _writer.depth = 1
    try:
        with database.atomic("IMMEDIATE") if sqlite else database.atomic():
            yield
    finally:
        _writer.depth = 0
        _writer.marks.clear()
        if sqlite:
            _writer_lock.release()


@contextlib.contextmanager
def snapshot() -> Iterator[None]:
    """Read what stands in the block in one state of the database; nothing may be changed there.

    SQLite locks and unlocks its files for each statement outside of a transaction, which takes longer than most of
    them. Elsewhere a transaction costs two messages, and each statement reads what is committed by then.
    """
    if not is_sqlite() or _writer.depth or _writer.reads:
        yield
        return
    connection = database.connection()
    connection.execute("BEGIN")
    _writer.reads = True
    try:
        yield
    finally:
        _writer.reads = False
        connection.execute("COMMIT")


def in_transaction() -> bool:
    return _writer.depth > 0


def mark(name: str) -> None:
    """Mark this transaction, for those that must not keep what they read in it; the mark goes with the transaction."""
    _writer.marks.add(name)


def marked(name: str) -> bool:
    return name in _writer.marks


def transact(work: Callable[[], Result]) -> Result:
    """Run `work` as one transaction, again where the database chose it as a deadlock's victim."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction():
                return work()
        except peewee.OperationalError as error:
            if in_transaction() or attempt == ATTEMPTS - 1 or not any(c in str(error) for c in RETRYABLE):
                raise
            time.sleep(0.005 * 2 ** attempt)
    raise AssertionError("unreachable")


def rows(sql: str, parameters: tuple[Any, ...] | list[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a SELECT that is written with `?` for its parameters and return its rows."""
    opened = database.obj
    return opened.execute_sql(_marked_for(opened, sql), tuple(parameters)).fetchall()


def execute(sql: str, parameters: tuple[Any, ...] | list[Any] = ()) -> int:
    """Run an INSERT, UPDATE or DELETE that is written with `?`, and return how many rows it changed.

    For statements that every job runs many times: peewee takes longer to write them than the database to run them.
    """
    opened = database.obj
    return int(opened.execute_sql(_marked_for(opened, sql), tuple(parameters)).rowcount)


def _marked_for(opened: peewee.Database, sql: str) -> str:
    """Return the SQL with the marks of this database for its parameters."""
    return sql if opened.param == "?" else sql.replace("%", "%%").replace("?", opened.param)


class _Known(threading.local):
    """What this thread has computed while the data was in `state`."""

    def __init__(self) -> None:
        self.state: tuple[int, int] | None = None
        self.values: dict[tuple[Any, ...], Any] = {}


_known = _Known()


def told_for_nothing() -> bool:
    """Whether the database tells without a statement of its own that nothing has changed."""
    return is_sqlite() and not in_transaction()  # what a transaction sees may be rolled back


def while_unchanged(key: tuple[Any, ...], compute: Callable[[], Result]) -> Result:
    """Return what `compute()` returns, without computing it again as long as nothing in the database changes.

    SQLite tells that for nothing (commits of other connections, changes of this one); other databases do not.
    """
    if not told_for_nothing():
        return compute()
    connection = database.connection()
    state = connection.execute("PRAGMA data_version").fetchone()[0], connection.total_changes
    if _known.state != state:
        _known.state, _known.values = state, {}
    if key not in _known.values:
        _known.values[key] = compute()
    return _known.values[key]
