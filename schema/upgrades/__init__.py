"""Numbered upgrades: each brings the schema from one version to the next.

An upgrade is a module `vNNNN_name` here with a function `apply(migrator)`, in which `migrator` is playhouse's for
the database in use. Version 1 makes the tables as they were in the first release, from the description beside it,
so that a database made by any release can be compared with a fresh one.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

from playhouse.migrate import SchemaMigrator

from cloudapi.models.base import now
from cloudapi.models.common import SchemaVersion
from cloudapi.models.database import database, transact
from schema import tables

_NAME = re.compile(r"^v(\d{4})_\w+$")


class UpgradeError(Exception):
    """The database cannot be upgraded by this program; the text says why."""


def known() -> dict[int, str]:
    """Return the upgrades by number: `{1: "v0001_initial"}`.

    :raises UpgradeError: the numbers have a gap, or do not end with the program's version.
    """
    found = {int(match[1]): module.name for module in pkgutil.iter_modules(__path__)
             if (match := _NAME.match(module.name))}
    if sorted(found) != list(range(1, tables.VERSION + 1)):
        raise UpgradeError(f"the upgrades {sorted(found)} do not lead to version {tables.VERSION}")
    return found


def apply(until: int = tables.VERSION) -> list[int]:
    """Apply the upgrades that the database lacks. Returns their numbers.

    :raises UpgradeError: the database is newer than this program.
    """
    current = tables.current_version() or 0
    if current > tables.VERSION:
        raise UpgradeError(f"the database has schema version {current}, this program knows {tables.VERSION} at most: "
                           "install the newer program")
    applied = []
    for number, name in sorted(known().items()):
        if current < number <= until:
            module = importlib.import_module(f"{__name__}.{name}")

            def work(number: int = number, module: object = module) -> None:
                module.apply(SchemaMigrator.from_database(database.obj))  # type: ignore[attr-defined]
                SchemaVersion.create(version=number, applied=now())

            transact(work)
            applied.append(number)
    return applied
