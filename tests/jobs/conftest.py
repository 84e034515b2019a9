"""A database with the tables and nothing in them."""

import pytest

from cloudapi.models.database import connect, database
from schema import tables


@pytest.fixture
def empty_tables(database_url):
    connect(database_url)
    tables.create()
    yield database_url
    database.close()
