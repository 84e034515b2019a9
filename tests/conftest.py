"""Which databases a run uses, and the fixtures that give them out."""

import pytest

from tests.support.databases import KINDS
from tests.support.postgresql import installed
from tests.support.scheduling import DatabaseAndFileScheduling

# What `--database=all` runs on PostgreSQL too: what speaks SQL of its own, and the longest stories.
ON_POSTGRESQL = ("tests/models/", "tests/jobs/", "tests/schema/", "tests/api/framework/", "tests/api/event/",
                 "tests/api/virtual_machine/test_life.py", "tests/api/account/test_scope.py")


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=[*KINDS, "all"],
        default="sqlite",
        help="the database that tests run on; `all` runs each of them on SQLite and on MariaDB, and some on PostgreSQL "
        "where it is installed (default: sqlite)",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "only_on(kind, reason): this test is about one kind of database and does not run on the others"
    )


def pytest_generate_tests(metafunc):
    """A test that uses a database, directly or through a fixture, runs once per kind."""
    if "databases" not in metafunc.fixturenames:
        return
    asked = metafunc.config.getoption("database")
    kinds = ["sqlite", "mariadb"] if asked == "all" else [asked]
    if asked == "all" and installed() and any(part in str(metafunc.definition.path) for part in ON_POSTGRESQL):
        kinds.append("postgresql")
    only = metafunc.definition.get_closest_marker("only_on")
    if only is not None:
        kind, reason = only.args[0], only.kwargs["reason"]
        skip = pytest.mark.skip(reason=f"runs only on {kind}: {reason}")
        kinds = [kind] if kind in kinds else [pytest.param(kinds[0], marks=skip)]
    metafunc.parametrize("databases", kinds, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return DatabaseAndFileScheduling(config, log)


@pytest.fixture(scope="session")
def databases(request, tmp_path_factory):
    """Fresh databases of this run's kind: `create()` answers a URL, `drop(url)` ends it."""
    kind = KINDS[request.param](tmp_path_factory.mktemp(request.param))
    yield kind
    kind.close()


@pytest.fixture
def database_url(databases):
    """The URL of an empty database that only this test uses."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def cloud(databases, tmp_path_factory):
    """The sandbox cloud, shared by a file's tests: each makes accounts of its own."""
    yield from _cloud(databases, tmp_path_factory, demo=True)


@pytest.fixture
def empty_cloud(databases, tmp_path_factory):
    """An installation with the admin's account alone."""
    yield from _cloud(databases, tmp_path_factory, demo=False)


@pytest.fixture(scope="module")
def bare_cloud(databases, tmp_path_factory):
    """An installation with the admin's account alone, shared by a file's tests: each builds places of its own."""
    yield from _cloud(databases, tmp_path_factory, demo=False)


@pytest.fixture(scope="module")
def tenants(databases, tmp_path_factory):
    """An installation without zones, shared by a file's tests: for accounts, domains, roles and the like."""
    yield from _cloud(databases, tmp_path_factory, demo=False)


def _cloud(databases, tmp_path_factory, demo):
    from tests.support.cloud import Cloud

    url = databases.create()
    made = Cloud(tmp_path_factory.mktemp("cloud"), url, demo)
    yield made
    made.close()
    databases.drop(url)


@pytest.fixture
def count_statements(monkeypatch):
    """`count_statements(work)` answers how many statements the work sends to the database, in this thread.

    Something is written before, so that nothing which was kept since the last change helps.
    """
    import threading

    from cloudapi.models.base import now
    from cloudapi.models.common import PeriodicTask
    from cloudapi.models.database import database

    def count(work):
        work()  # what is read anew every few seconds (settings, rules) is read here
        PeriodicTask.create(name=f"count statements {now()}")
        sent, mine = [], threading.get_ident()
        original = type(database.obj).execute_sql

        def counting(self, sql, *args, **options):
            if threading.get_ident() == mine:
                sent.append(sql)
            return original(self, sql, *args, **options)

        with monkeypatch.context() as patched:
            patched.setattr(type(database.obj), "execute_sql", counting)
            work()
        return len(sent)

    return count
