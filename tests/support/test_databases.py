"""The databases that tests get are real, empty, apart from each other, and gone afterwards."""

import contextlib
import sqlite3
from urllib.parse import urlsplit

import psutil
import pymysql
import pytest

from tests.support.mariadb import MariaDBUnavailable, find_program, running


@contextlib.contextmanager
def connected(url):
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    else:
        connection = pymysql.connect(host=parts.hostname, port=parts.port, user=parts.username, database=parts.path[1:])
    with contextlib.closing(connection):
        yield connection.cursor()


def test_each_database_is_empty_and_its_own(databases, database_url):
    other = databases.create()
    with connected(database_url) as first, connected(other) as second:
        first.execute("CREATE TABLE host (id INTEGER)")
        second.execute("CREATE TABLE host (id INTEGER)")
    databases.drop(other)


@pytest.mark.only_on("sqlite", reason="looks for the file")
def test_a_dropped_database_leaves_no_file(databases, tmp_path_factory):
    url = databases.create()
    with connected(url) as cursor:
        cursor.execute("PRAGMA journal_mode=wal")
        cursor.execute("CREATE TABLE host (id INTEGER)")
    databases.drop(url)
    with connected(url) as cursor:
        assert cursor.execute("SELECT name FROM sqlite_master").fetchall() == []
    databases.drop(url)


@pytest.mark.only_on("mariadb", reason="asks the server")
def test_the_server_keeps_text_as_debian_s_would(database_url):
    with connected(database_url) as cursor:
        cursor.execute("CREATE TABLE host (name VARCHAR(255))")
        cursor.execute("INSERT INTO host VALUES ('Zürich 🖥')")
        cursor.execute("SELECT name FROM host")
        assert cursor.fetchone() == ("Zürich 🖥",)


@pytest.mark.only_on("mariadb", reason="asks the server")
def test_a_dropped_database_is_gone(databases):
    url = databases.create()
    databases.drop(url)
    with pytest.raises(pymysql.err.OperationalError, match="Unknown database"), connected(url):
        pass


@pytest.mark.only_on("mariadb", reason="starts a server of its own")
def test_a_server_listens_on_loopback_alone_and_ends_when_closed(databases, tmp_path):
    with running(tmp_path / "mariadb") as server:
        process = psutil.Process(server.pid)
        listening = {c.laddr for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        assert listening == {("127.0.0.1", server.port)}
        assert server.execute("SELECT 1") == [(1,)]
    assert not psutil.pid_exists(process.pid) or not process.is_running()


def test_a_missing_program_is_named_with_its_packages():
    with pytest.raises(MariaDBUnavailable, match=r"mariadb-nowhere is not installed.*mariadb-server-core"):
        find_program("mariadb-nowhere")
