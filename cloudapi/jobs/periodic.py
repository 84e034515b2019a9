"""Periodic work: each task runs in one process of the installation at a time, by a lease on its row.

Tasks of every few seconds have one row together, whose lease a process keeps: an idle installation writes next to
nothing, and what threads have read of the database stays known.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import peewee

from cloudapi.models.base import now
from cloudapi.models.common import PeriodicTask
from cloudapi.models.database import database, transact

log = logging.getLogger(__name__)

LEASE = 60_000
HEARTBEAT = 5.0
# Tasks with no more seconds between two runs go by the lease that a process keeps (milliseconds, on this row).
OFTEN = 10.0
LEADERSHIP = 15_000
LEADER = "tasks of every few seconds"


@dataclass(frozen=True, slots=True)
class Task:
    """:param interval: returns the seconds between two runs, read anew each time (a setting)."""

    name: str
    interval: Callable[[], float]
    work: Callable[[], None]


class Scheduler:
    def __init__(self, owner: str, tasks: list[Task]) -> None:
        self.owner = owner
        self.tasks = tasks
        self._stop = threading.Event()
        self._running: str | None = None
        self._leads_until = 0  # by the clock of the database's rows
        self._threads = [threading.Thread(target=target, name=name, daemon=True)
                         for target, name in ((self._loop, "periodic"), (self._beat, "periodic-beat"))]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout)
        if self._leads_until:
            self._leads_until = 0
            transact(lambda: self._end(LEADER))

    def _loop(self) -> None:
        last = dict.fromkeys((task.name for task in self.tasks), 0.0)
        while not self._stop.wait(0.5):
            for task in self.tasks:
                if self._stop.is_set():
                    break
                try:
                    # Asked for at each look, so that a setting which is lowered acts at once.
                    if time.monotonic() < last[task.name] + min(max(task.interval(), 0.5), 60.0):
                        continue
                    last[task.name] = time.monotonic()
                    if task.interval() <= OFTEN:
                        self.run_often(task)
                    else:
                        self.run(task)
                    last[task.name] = time.monotonic()
                except Exception:
                    log.exception("periodic task %s could not be begun or ended", task.name)
        database.close()

    def _beat(self) -> None:
        """Renew the lease of the task that runs, however long it takes."""
        while not self._stop.wait(HEARTBEAT):
            try:
                self.renew()
            except peewee.PeeweeException:
                log.exception("renewing the lease of a periodic task failed")
        database.close()

    def renew(self) -> None:
        name = self._running
        if name is None:
            return
        lease = LEADERSHIP if name == LEADER else LEASE
        until = now() + lease
        renewed = transact(lambda: PeriodicTask.update(lease_until=until).where(
            PeriodicTask.name == name, PeriodicTask.owner == self.owner, PeriodicTask.lease_until > 0).execute())
        if name == LEADER and renewed:
            self._leads_until = until

    def run_often(self, task: Task) -> bool:
        """Run a task of every few seconds where this process has the lease on them. Returns whether it ran."""
        if self._leads_until < now() + LEADERSHIP / 2:
            try:
                if not transact(self._lead):
                    return False
            except peewee.IntegrityError:
                return False
        self._work(task, LEADER)
        return True

    def _lead(self) -> bool:
        """Take the lease on the tasks of every few seconds, or have it for longer."""
        until = now() + LEADERSHIP
        row = PeriodicTask.get_or_none(PeriodicTask.name == LEADER)
        if row is None:
            PeriodicTask.create(name=LEADER, owner=self.owner, lease_until=until)
            taken = True
        else:
            taken = (row.owner == self.owner or row.lease_until <= now()) and bool(
                PeriodicTask.update(owner=self.owner, lease_until=until).where(
                    PeriodicTask.name == LEADER, PeriodicTask.owner == row.owner,
                    PeriodicTask.lease_until == row.lease_until).execute())
        if taken:
            self._leads_until = until
        return taken

    def _work(self, task: Task, lease: str) -> None:
        self._running = lease
        try:
            task.work()
        except Exception:
            log.exception("periodic task %s failed", task.name)
        finally:
            self._running = None

    def _end(self, name: str) -> None:
        PeriodicTask.update(lease_until=0, last_run=now()).where(
            PeriodicTask.name == name, PeriodicTask.owner == self.owner).execute()

    def run(self, task: Task) -> bool:
        """Run a task where it is due and nobody else runs it. Returns whether it ran."""
        try:
            if not transact(lambda: self._claim(task)):
                return False
        except peewee.IntegrityError:
            return False
        self._work(task, task.name)
        transact(lambda: self._end(task.name))
        return True

    def _claim(self, task: Task) -> bool:
        moment = now()
        row = PeriodicTask.get_or_none(PeriodicTask.name == task.name)
        if row is None:
            PeriodicTask.create(name=task.name, owner=self.owner, lease_until=moment + LEASE)
            return True
        if row.lease_until > moment or row.last_run + task.interval() * 1000 > moment:
            return False
        changed = (PeriodicTask.update(owner=self.owner, lease_until=moment + LEASE)
                   .where(PeriodicTask.name == task.name, PeriodicTask.lease_until == row.lease_until,
                          PeriodicTask.last_run == row.last_run).execute())
        return bool(changed == 1)
