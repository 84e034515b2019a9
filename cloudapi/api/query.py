"""The query of a list command: one predicate for the page and for the count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cloudapi.models import tally
from cloudapi.models.database import UNICODE_LOWER, is_sqlite, rows, while_unchanged


def escape_like(text: str) -> str:
    """Return text for use within LIKE … ESCAPE '!', where it stands for itself."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


class Query:
    """Conditions on one table, called `t`; written with `?` for each value."""

    def __init__(self, record: Any, order: str = "t.id") -> None:
        self.table = record._meta.table_name
        self.order = order
        self.conditions: list[str] = []
        self.parameters: list[Any] = []

    def where(self, condition: str, *parameters: Any) -> None:
        """Add a condition in SQL that all three databases know."""
        self.conditions.append(condition)
        self.parameters += parameters

    def equals(self, column: str, value: Any) -> None:
        if value is None:
            self.where(f"t.{column} IS NULL")
        else:
            self.where(f"t.{column} = ?", value)

    def among(self, column: str, values: Iterable[Any]) -> None:
        listed = list(values)
        if listed:
            self.where(f"t.{column} IN ({','.join('?' * len(listed))})", *listed)
        else:
            self.where("1 = 0")

    def search(self, columns: Sequence[str], text: str) -> None:
        """One of the columns contains the text, in any case."""
        pattern = f"%{escape_like(text.lower())}%"
        lower = "LOWER" if text.isascii() or not is_sqlite() else UNICODE_LOWER  # SQLite's own knows ASCII only
        clause = " OR ".join(f"{lower}(t.{column}) LIKE ? ESCAPE '!'" for column in columns)
        self.where(f"({clause})", *[pattern] * len(columns))

    def nothing(self) -> None:
        self.where("1 = 0")

    @property
    def predicate(self) -> str:
        return " WHERE " + " AND ".join(self.conditions) if self.conditions else ""

    def page(self, offset: int = 0, limit: int | None = None) -> tuple[list[int], int]:
        """Return the ids of a page and how many there are in all.

        A page that is not full tells the count by itself.
        """
        order = self.order if self.order.split()[0] == "t.id" else f"{self.order}, t.id"
        sql = f"SELECT t.id FROM {self.table} t{self.predicate} ORDER BY {order}"
        if limit is None:
            ids = [row[0] for row in rows(sql, self.parameters)]
            return ids, len(ids)
        ids = [row[0] for row in rows(f"{sql} LIMIT ? OFFSET ?", [*self.parameters, limit, offset])]
        if len(ids) < limit and (ids or offset == 0):
            return ids, offset + len(ids)
        return ids, self.count()

    def count(self) -> int:
        """Return how many rows there are: exact, and counted once while nothing changes in the database."""
        sql = tally.counting(self.table, self.conditions) or f"SELECT COUNT(*) FROM {self.table} t{self.predicate}"
        return while_unchanged((sql, *self.parameters), lambda: int(rows(sql, self.parameters)[0][0]))
