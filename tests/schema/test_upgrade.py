"""A database that was upgraded is the same as one that was made new; one that is newer is refused."""

from __future__ import annotations

import pytest

from cloudapi.app import CannotOpen, prepare
from cloudapi.configuration import Configuration
from cloudapi.models.base import now
from cloudapi.models.common import SchemaVersion
from cloudapi.models.database import connect, database
from schema import tables, upgrades


def shape() -> dict[str, tuple[set[tuple[object, ...]], set[tuple[object, ...]]]]:
    """Every table's columns (name, type, null, primary) and indexes (columns, unique), without the names of indexes."""
    return {table: ({(column.name, column.data_type.lower(), column.null, column.primary_key)
                     for column in database.get_columns(table)},
                    {(tuple(index.columns), index.unique) for index in database.get_indexes(table)})
            for table in database.get_tables()}


@pytest.fixture
def fresh_shape(databases):
    url = databases.create()
    connect(url)
    tables.create()
    found = shape()
    database.close()
    databases.drop(url)
    return found


def test_an_upgraded_schema_equals_a_fresh_one(database_url, fresh_shape):
    connect(database_url)
    assert upgrades.apply() == list(range(1, tables.VERSION + 1))
    upgraded = shape()
    database.close()
    assert upgraded.keys() == fresh_shape.keys()
    for table, expected in fresh_shape.items():
        assert upgraded[table] == expected, table


def test_an_upgrade_that_was_applied_is_not_applied_again(database_url):
    connect(database_url)
    upgrades.apply()
    assert upgrades.apply() == []
    database.close()


def test_a_newer_database_is_refused(database_url, tmp_path):
    connect(database_url)
    tables.create()
    SchemaVersion.create(version=tables.VERSION + 1, applied=now())
    with pytest.raises(upgrades.UpgradeError, match="newer program"):
        upgrades.apply()
    with pytest.raises(CannotOpen, match="newer program"):
        prepare(Configuration(data=tmp_path, database=database_url))
    database.close()
