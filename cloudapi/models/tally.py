"""How many rows there are of each kind, kept by SQLite itself: a list's exact count does not grow with the table.

A tally is a small table with the number of rows for every combination of some columns that occurs; triggers keep it,
whoever writes. A list's predicate on these columns alone is as good on the tally as on the table: the count is the sum
of what it lets through. Rows that are marked removed are not in it. Other databases count: two transactions that change
the same sum would wait for each other there, while SQLite has one writer at a time anyway.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from cloudapi.models.database import execute, is_sqlite, rows, transact

# By table: columns that are never null and have few values, those that lists ask for most first.
TALLIES = {
    "machine": ("kind", "account_id", "domain_id", "zone_id", "display", "state"),
    "volume": ("account_id", "domain_id", "zone_id", "display", "state", "recreatable"),
    "event": ("account_id", "domain_id", "archived", "display", "level", "state"),
}
MARKED = ("machine", "volume")  # tables with rows that are marked removed
ALIVE = "t.removed IS NULL"
_COLUMN = re.compile(r"\bt\.(\w+)")


def name_of(table: str) -> str:
    return f"tally_{table}"


def ensure(tables: Sequence[str] = tuple(TALLIES)) -> None:
    """Make the tallies that the database lacks, or has for other columns, from the tables as they are."""
    for table in tables if is_sqlite() else ():
        transact(functools.partial(_ensure, table, TALLIES[table]))


def _ensure(table: str, columns: Sequence[str]) -> None:
    name, wanted = name_of(table), _definition(table, columns)
    found = rows("SELECT sql FROM sqlite_master WHERE name = ? OR (type = 'trigger' AND tbl_name = ? AND name LIKE ?)",
                 (name, table, f"{name}%"))
    if {row[0] for row in found} == set(wanted):
        execute(f"DELETE FROM {name} WHERE n = 0")
    else:
        _make(table, columns, wanted)


def _definition(table: str, columns: Sequence[str]) -> list[str]:
    """Return the statements that make the tally and the triggers that keep it."""
    name, listed = name_of(table), ", ".join(columns)
    watched = [*columns, "removed"] if table in MARKED else columns
    differs = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in watched)

    def add(row: str, number: int) -> str:
        values = ", ".join(f"{row}.{column}" for column in columns)
        alive = f"{row}.removed IS NULL" if table in MARKED else "1"
        return (f"INSERT INTO {name} ({listed}, n) SELECT {values}, {number} WHERE {alive} "
                f"ON CONFLICT ({listed}) DO UPDATE SET n = n + {number};")

    return [
        f"CREATE TABLE {name} ({listed}, n INTEGER NOT NULL, PRIMARY KEY ({listed})) WITHOUT ROWID",
        f"CREATE TRIGGER {name}_insert AFTER INSERT ON {table} BEGIN {add('NEW', 1)} END",
        f"CREATE TRIGGER {name}_delete AFTER DELETE ON {table} BEGIN {add('OLD', -1)} END",
        f"CREATE TRIGGER {name}_update AFTER UPDATE OF {', '.join(watched)} ON {table} WHEN {differs} "
        f"BEGIN {add('OLD', -1)} {add('NEW', 1)} END",
    ]


def _make(table: str, columns: Sequence[str], definition: Sequence[str]) -> None:
    name, listed = name_of(table), ", ".join(columns)
    for what in ("insert", "delete", "update"):
        execute(f"DROP TRIGGER IF EXISTS {name}_{what}")
    execute(f"DROP TABLE IF EXISTS {name}")
    for statement in definition:
        execute(statement)
    where = " WHERE removed IS NULL" if table in MARKED else ""
    execute(f"INSERT INTO {name} ({listed}, n) SELECT {listed}, COUNT(*) FROM {table}{where} GROUP BY {listed}")


def counting(table: str, conditions: Sequence[str]) -> str | None:
    """Return the statement that counts the rows of a table, called `t`, for which all the conditions hold.

    It takes the same parameters. None where the database has no tally that knows all that the conditions ask for.
    """
    columns = TALLIES.get(table)
    if columns is None or not is_sqlite() or (table in MARKED and ALIVE not in conditions):
        return None
    others = [condition for condition in conditions if condition != ALIVE]
    if not all(set(_COLUMN.findall(condition)) <= set(columns) for condition in others):
        return None
    where = f" WHERE {' AND '.join(others)}" if others else ""
    return f"SELECT COALESCE(SUM(n), 0) FROM {name_of(table)} t{where}"
