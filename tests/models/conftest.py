"""A database with the tables of the queries that are tried here."""

import pytest

from cloudapi.models.common import Event, ResourceLock, SettingValue
from cloudapi.models.database import connect, database
from cloudapi.models.infrastructure import Capacity
from cloudapi.models.machine import InstanceGroup


@pytest.fixture
def tables(database_url):
    connect(database_url)
    database.create_tables([Event, ResourceLock, SettingValue, Capacity, InstanceGroup])
    yield
    database.close()
