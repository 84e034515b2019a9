"""The thread engine: workers in this process that claim jobs, and what keeps their leases alive."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import threading
import time
import uuid
from collections.abc import Callable

import peewee

from cloudapi.jobs import locks
from cloudapi.jobs import queue as rows
from cloudapi.models.common import AsyncJob
from cloudapi.models.database import database, transact

log = logging.getLogger(__name__)

HEARTBEAT = 5.0


class ThreadEngine:
    """Runs jobs in threads. `execute(job)` does the work and ends the row.

    Jobs of this process arrive through `submit` at once; a look at the table every second finds those that
    another process wrote, that wait for a lock, or whose worker died.
    """

    def __init__(self, execute: Callable[[AsyncJob], None], threads: int = 16) -> None:
        self.worker = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._execute = execute
        self._threads = threads
        self._queue: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._queued: set[int] = set()
        self._running: dict[int, str] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        # How many jobs have ended here, and whether one was refused since the last look.
        self._ended = 0
        self._refused = False
        self._started: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self._threads):
            self._spawn(self._work, f"job-{number}")
        self._spawn(self._look, "job-look")
        self._spawn(self._beat, "job-beat")

    def _spawn(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._started.append(thread)
        thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Take no more jobs and wait for those that run; what is not done in time is taken up by the next worker."""
        self._stop.set()
        self._wake.set()
        for _ in range(self._threads):
            self._queue.put(None)
        deadline = time.monotonic() + timeout
        for thread in self._started:
            thread.join(max(0.0, deadline - time.monotonic()))

    def submit(self, job_id: int) -> None:
        """Tell the workers of a job; to be called after the transaction that wrote it."""
        with self._guard:
            if job_id in self._queued:
                return
            self._queued.add(job_id)
        self._queue.put(job_id)

    def _work(self) -> None:
        while not self._stop.is_set():
            job_id = self._queue.get()
            if job_id is None:
                break
            try:
                self._run(job_id)
            except Exception:
                log.exception("job %s: the worker failed", job_id)
        database.close()

    def _run(self, job_id: int) -> None:
        with self._guard:
            self._queued.discard(job_id)
            if job_id in self._running:
                return
            self._running[job_id] = ""
            ended = self._ended
        job: AsyncJob | None = None
        try:
            with contextlib.suppress(locks.Contended):
                job = transact(lambda: rows.claim(job_id, self.worker))
            if job is not None:
                self._running[job_id] = job.uuid
                self._execute(job)
        finally:
            with self._guard:
                del self._running[job_id]
                if job is None:
                    # The job that kept this one waiting may have ended in between.
                    again = self._ended != ended
                    self._refused = self._refused or not again
                else:
                    self._ended += 1
                    again = self._refused
            if job is not None:
                locks.announce()
            if again:
                self._wake.set()

    def _look(self) -> None:
        """Offer waiting jobs: once a second, and when a job ends that may have kept others waiting."""
        while not self._stop.is_set():
            self._wake.wait(1.0)
            self._wake.clear()
            with self._guard:
                self._refused = False
            if self._stop.is_set():
                break
            try:
                for job_id in rows.waiting():
                    if job_id not in self._running:
                        self.submit(job_id)
            except peewee.PeeweeException:
                log.exception("looking for jobs failed")
        database.close()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            with self._guard:
                running = [(job_id, job_uuid) for job_id, job_uuid in self._running.items() if job_uuid]
            try:
                transact(lambda jobs=running: rows.renew(self.worker, jobs))  # type: ignore[misc]
            except peewee.PeeweeException:
                log.exception("renewing leases failed")
        database.close()
