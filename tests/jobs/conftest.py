"""A database with the tables of jobs alone, which MariaDB makes ten times as fast as all of them."""

import pytest

from cloudapi.models.common import AsyncJob, JobStep, PeriodicTask, ResourceLock
from cloudapi.models.database import connect, database


@pytest.fixture
def empty_tables(database_url):
    connect(database_url)
    database.create_tables([AsyncJob, JobStep, PeriodicTask, ResourceLock])
    yield database_url
    database.close()
