"""The tables: made from the records' declarations, at the version that this program needs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import peewee

import cloudapi.models
from cloudapi.models.base import Owned, Record, Table, now
from cloudapi.models.common import SchemaVersion
from cloudapi.models.database import database, transact

VERSION = 1


def all_tables() -> list[type[Table]]:
    """Return every record and table that is declared, in the order of their names."""
    for module in pkgutil.iter_modules(cloudapi.models.__path__, "cloudapi.models."):
        importlib.import_module(module.name)
    found: list[type[Table]] = []

    def visit(kind: type[Table]) -> None:
        for below in kind.__subclasses__():
            if below not in (Record, Owned) and not below.__name__.startswith("_"):
                found.append(below)
            visit(below)

    visit(Table)
    return sorted(set(found), key=lambda table: table._meta.table_name)


def current_version() -> int | None:
    """Return the version of the database's schema; None where it is empty."""
    if not SchemaVersion.table_exists():
        return None
    newest = SchemaVersion.select(SchemaVersion.version).order_by(SchemaVersion.version.desc()).first()
    return None if newest is None else int(newest.version)


def create(fill: Callable[[], object] = lambda: None) -> None:
    """Make all tables in an empty database.

    :param fill: writes the first rows, in one transaction with the version: until both are there the database counts
        as empty, and tables of an attempt that was interrupted are used again.
    """
    interrupted = SchemaVersion.table_exists()
    transact(lambda: database.create_tables(all_tables(), safe=interrupted))

    def work() -> None:
        fill()
        _number_on()
        SchemaVersion.create(version=VERSION, applied=now())

    transact(work)


def _number_on() -> None:
    """Let PostgreSQL number the next rows after those that were written with numbers of their own."""
    if not isinstance(database.obj, peewee.PostgresqlDatabase):
        return
    for table in all_tables():
        if isinstance(table._meta.primary_key, peewee.BigAutoField):
            name = table._meta.table_name
            database.execute_sql(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), MAX(id)) FROM \"{name}\" "
                                 "HAVING MAX(id) IS NOT NULL")
