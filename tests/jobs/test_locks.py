"""Locks: one holder at a time, among threads and among processes, until they are let go or their lease ends."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from cloudapi.errors import ResourceUnavailable
from cloudapi.jobs import locks
from cloudapi.models.common import ResourceLock
from cloudapi.models.database import database, transact
from tests.support.source import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("empty_tables")

# Counts in a file, one reader and writer at a time where the lock holds.
COUNTER = """
import sys
from pathlib import Path
from cloudapi.jobs import locks
from cloudapi.models.database import connect
url, file, holder = sys.argv[1:]
connect(url)
path = Path(file)
for _ in range(15):
    with locks.hold(["Network:1"], holder):
        value = int(path.read_text())
        path.write_text(str(value + 1))
"""


def holders():
    return {row.name: row.holder for row in ResourceLock.select()}


def test_all_or_none():
    assert locks.try_take(["b"], "first")
    assert not locks.try_take(["a", "b", "c"], "second")
    assert holders() == {"b": "first"}


def test_a_holder_may_take_again_what_it_has():
    assert locks.try_take(["a"], "first")
    assert locks.try_take(["a", "b"], "first")
    assert holders() == {"a": "first", "b": "first"}


def test_a_lock_whose_lease_ended_goes_to_the_next():
    assert locks.try_take(["a"], "first")
    ResourceLock.update(lease_until=1).execute()
    assert locks.try_take(["a"], "second")
    assert holders() == {"a": "second"}


def test_a_renewed_lease_goes_on():
    assert locks.try_take(["a"], "first")
    ResourceLock.update(lease_until=1).execute()
    transact(lambda: locks.renew("first"))
    assert not locks.try_take(["a"], "second")


def test_of_two_that_see_a_lease_end_one_has_the_lock(monkeypatch):
    """Both have read the row before either writes: the second one's write must not succeed."""
    assert locks.try_take(["a"], "dead")
    ResourceLock.update(lease_until=1).execute()
    select = ResourceLock.select

    def select_then_lose(*fields):
        rows = list(select(*fields))
        ResourceLock.update(holder="faster", lease_until=locks.now() + 60_000).execute()
        return _Rows(rows)

    monkeypatch.setattr(ResourceLock, "select", select_then_lose)
    assert not locks.try_take(["a"], "slower")


class _Rows(list):
    def where(self, *conditions):
        return self


def test_hold_lets_go_and_keeps_what_the_job_has_anyway():
    assert locks.try_take(["job's own"], "job")
    with locks.hold(["job's own", "network"], "job"):
        assert holders() == {"job's own": "job", "network": "job"}
        with locks.hold(["network"], "job"):
            pass
        assert "network" in holders(), "the inner block has not taken it"
    assert holders() == {"job's own": "job"}


def test_hold_lets_go_after_an_error():
    with pytest.raises(ZeroDivisionError), locks.hold(["a"], "job"):
        raise ZeroDivisionError
    assert holders() == {}


def test_waiting_has_an_end_and_says_for_what():
    assert locks.try_take(["Network:1"], "other")
    with pytest.raises(ResourceUnavailable, match="Network:1"), locks.hold(["Network:1"], "job", timeout=0):
        pass


def test_a_thread_waits_until_the_other_lets_go():
    order = []
    waiting = threading.Event()

    def second():
        waiting.set()
        with locks.hold(["a"], "second"):
            order.append("second")
        database.close()

    thread = threading.Thread(target=second)
    with locks.hold(["a"], "first"):
        thread.start()
        waiting.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert holders() == {}


def test_two_processes_never_hold_it_together(empty_tables, tmp_path):
    file = tmp_path / "counter"
    file.write_text("0")
    processes = [
        subprocess.Popen([sys.executable, "-c", COUNTER, empty_tables, str(file), f"process {number}"], cwd=ROOT)
        for number in range(2)
    ]
    until(lambda: all(process.poll() is not None for process in processes), "both have counted")
    assert [process.returncode for process in processes] == [0, 0]
    assert file.read_text() == "30"
    assert holders() == {}
