"""Periodic work runs when it is due, in one process at a time."""

from __future__ import annotations

import pytest

from cloudapi.jobs.periodic import Scheduler, Task
from cloudapi.models.base import now
from cloudapi.models.common import PeriodicTask
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("empty_tables")
HOUR = 3600.0


def task(runs, interval=HOUR, work=None):
    return Task("clean up", lambda: interval, work or (lambda: runs.append(1)))


def age(milliseconds):
    PeriodicTask.update(last_run=now() - milliseconds).execute()


def test_of_two_schedulers_one_runs_it_until_it_is_due_again():
    runs = []
    first, second = (Scheduler(name, []) for name in ("first", "second"))
    assert first.run(task(runs))
    assert not second.run(task(runs))
    assert not first.run(task(runs))
    age(HOUR * 1000 + 1)
    assert second.run(task(runs))
    assert len(runs) == 2


def test_nobody_else_runs_it_meanwhile():
    runs, second = [], Scheduler("second", [])
    assert Scheduler("first", []).run(task(runs, 0, lambda: runs.append(second.run(task(runs, 0)))))
    assert runs == [False]


def test_a_long_run_keeps_its_lease():
    runs, second = [], Scheduler("second", [])
    first = Scheduler("first", [])

    def work():
        PeriodicTask.update(lease_until=1).execute()
        first.renew()
        runs.append(second.run(task(runs, 0)))

    assert first.run(task(runs, 0, work))
    assert runs == [False]


def test_a_run_whose_process_died_is_taken_over_after_its_lease():
    runs = []
    PeriodicTask.create(name="clean up", owner="dead", lease_until=1, last_run=0)
    assert Scheduler("alive", []).run(task(runs))
    assert runs == [1]


def test_one_that_was_run_between_our_look_and_our_claim_is_not_run_again(monkeypatch):
    runs = []
    PeriodicTask.create(name="clean up", owner="other")
    read = PeriodicTask.get_or_none

    def overtaken(*conditions):
        row = read(*conditions)
        PeriodicTask.update(last_run=now()).execute()
        return row

    monkeypatch.setattr(PeriodicTask, "get_or_none", overtaken)
    assert not Scheduler("late", []).run(task(runs))
    assert runs == []


def test_tasks_of_every_few_seconds_go_by_one_lease_that_is_kept():
    runs = []
    first, second = (Scheduler(name, []) for name in ("first", "second"))
    assert first.run_often(task(runs, 1))
    written = PeriodicTask.get()
    assert first.run_often(Task("another", lambda: 1, lambda: runs.append(2)))
    assert not second.run_often(task(runs, 1))
    assert (PeriodicTask.get().lease_until, PeriodicTask.select().count()) == (written.lease_until, 1)
    first.stop()
    assert second.run_often(task(runs, 1))
    assert not first.run_often(task(runs, 1))
    assert runs == [1, 2, 1]


def test_that_lease_is_kept_through_a_long_run_and_lost_by_a_process_that_died():
    runs, first, second = [], Scheduler("first", []), Scheduler("second", [])

    def work():
        PeriodicTask.update(lease_until=1).execute()
        first.renew()
        runs.append(second.run_often(task(runs, 1)))

    assert first.run_often(task(runs, 1, work))
    assert runs == [False]
    PeriodicTask.update(lease_until=1).execute()
    assert second.run_often(task(runs, 1))


def test_a_failure_ends_neither_the_task_nor_the_others():
    runs = []

    def broken():
        raise ZeroDivisionError

    scheduler = Scheduler("one", [
        Task("its interval cannot be read", broken, lambda: None),
        Task("fails", lambda: HOUR, broken),
        task(runs),
    ])
    scheduler.start()
    until(lambda: runs, "the last task has run")
    scheduler.stop()
    assert PeriodicTask.get_by_id("fails").lease_until == 0
