"""State machines as data, and the one way in which a record changes its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudapi.errors import ResourceUnavailable
from cloudapi.models.base import Table
from cloudapi.models.database import execute


class TransitionRefused(ResourceUnavailable):
    """The record's state does not know the event, or somebody else changed the state in the same moment."""


class StateMachine:
    """The table of one kind of record.

    :param rows: `(state, event, next state)`; a state of None is "not yet created".
    :param field: the column that holds the state.
    """

    def __init__(self, name: str, rows: Iterable[tuple[str | None, str, str]], field: str = "state") -> None:
        self.name, self.field = name, field
        self.rows = tuple(rows)
        self.table: Mapping[tuple[str | None, str], str] = {(state, event): after for state, event, after in self.rows}
        if len(self.table) != len(self.rows):
            raise ValueError(f"{name}: a state has the same event twice")
        self.states = frozenset(state for row in self.rows for state in (row[0], row[2]) if state is not None)

    def next(self, state: str | None, event: str) -> str | None:
        """Return the state that the event leads to, or None where the state does not know it."""
        return self.table.get((state, event))

    def sources(self, event: str) -> tuple[str, ...]:
        """Return the states in which the event is possible."""
        return tuple(state for state, name, _ in self.rows if name == event and state is not None)


_MACHINES: dict[type, StateMachine] = {}


def govern(record: type[Table], machine: StateMachine) -> StateMachine:
    """Declare that the state of these records is changed by this table. Returns the table."""
    _MACHINES[record] = machine
    return machine


def machine_of(record: Any) -> StateMachine:
    return _MACHINES[type(record)]


def transition(record: Any, event: str, *, machine: StateMachine | None = None, **columns: Any) -> str:
    """Move a record to the state that the event leads to, and return that state.

    The row is updated where it still has the state that the caller read, so that of two that act on the same
    state one is refused. `generation`, where the record has one, counts the changes. Within a transaction.

    :param columns: other columns to write in the same statement.
    :raises TransitionRefused: the state does not know the event, or the row has another state by now.
    """
    table = machine or _MACHINES[type(record)]
    before = getattr(record, table.field)
    after = table.next(before, event)
    kind = type(record)
    named = f"{kind.__name__} {getattr(record, 'uuid', record.id)}"
    if after is None:
        raise TransitionRefused(f"{named} is in state {before}, which does not allow {event}")
    fields = kind._meta.fields
    values: dict[str, Any] = {table.field: after, **columns}
    counted = "generation" in fields and after != before
    sets = [f"{fields[name].column_name} = ?" for name in values] + ["generation = generation + 1"] * counted
    parameters = [fields[name].db_value(value) for name, value in values.items()]
    sql = f"UPDATE {kind._meta.table_name} SET {', '.join(sets)} WHERE id = ? AND {table.field} "
    changed = (execute(f"{sql}IS NULL", [*parameters, record.id]) if before is None
               else execute(f"{sql}= ?", [*parameters, record.id, before]))
    if changed != 1:
        raise TransitionRefused(f"{named} is not in state {before} any more; {event} comes too late")
    if counted:
        values["generation"] = record.generation + 1
    for name, value in values.items():
        setattr(record, name, value)
    return after


def may(record: Any, event: str, *, machine: StateMachine | None = None) -> bool:
    """Whether the record's state knows the event."""
    table = machine or _MACHINES[type(record)]
    return table.next(getattr(record, table.field), event) is not None
