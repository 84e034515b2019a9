"""The tables of the first release."""

from __future__ import annotations

from playhouse.migrate import SchemaMigrator

from schema.upgrades.description import create


def apply(migrator: SchemaMigrator) -> None:
    create("v0001_initial")
