"""Jobs are claimed once, resumed after their worker was killed, and ended once."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading

import pytest

from cloudapi.app import Installation, make_admin_keys, prepare
from cloudapi.configuration import Configuration
from cloudapi.jobs import locks, queue
from cloudapi.jobs.engine import ThreadEngine
from cloudapi.models.common import AsyncJob, Event, JobStep, ResourceLock
from cloudapi.models.database import database, transact
from tests.support.probe import ProbeJob, traced
from tests.support.source import ROOT
from tests.support.waiting import until


def write_job(**columns):
    return AsyncJob.create(user_id=1, account_id=1, domain_id=1, command="probe", parameters={}, **columns)


def claim(job, worker="worker"):
    return transact(lambda: queue.claim(job.id, worker))


@contextlib.contextmanager
def engine(execute, threads=2):
    made = ThreadEngine(execute, threads)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.usefixtures("empty_tables")
class TestClaim:
    def test_a_job_is_claimed_once(self):
        job = write_job()
        assert claim(job, "first").attempts == 1
        assert claim(job, "second") is None

    def test_of_many_workers_one_has_it(self):
        job, won, ready = write_job(), [], threading.Barrier(4)

        def work(name):
            ready.wait()
            with contextlib.suppress(locks.Contended):
                if claim(job, name) is not None:
                    won.append(name)
            database.close()

        threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [AsyncJob.get_by_id(job.id).claimed_by] == won

    def test_after_the_lease_the_next_worker_has_it(self):
        job = write_job()
        claim(job, "first")
        assert queue.waiting() == []
        AsyncJob.update(lease_until=1).execute()
        assert queue.waiting() == [job.id]
        assert claim(job, "second").attempts == 2

    def test_renewing_keeps_it(self):
        job = write_job(locks=["Host:1"])
        claim(job, "first")
        AsyncJob.update(lease_until=1).execute()
        ResourceLock.update(lease_until=1).execute()
        transact(lambda: queue.renew("first", [(job.id, job.uuid)]))
        assert queue.waiting() == []
        assert not locks.try_take(["Host:1"], "other")

    def test_one_that_waits_for_a_lock_stays_unclaimed(self):
        first, second = write_job(locks=["Host:1"]), write_job(locks=["Host:1"])
        first = claim(first)
        assert claim(second) is None
        assert AsyncJob.get_by_id(second.id).attempts == 0
        transact(lambda: queue.finish(first, queue.SUCCEEDED, 0, {}))
        assert claim(second) is not None

    def test_a_job_that_ended_is_not_claimed_nor_ended_again(self):
        job = claim(write_job())
        assert transact(lambda: queue.finish(job, queue.FAILED, 530, {"errortext": "no"}))
        assert claim(job) is None
        assert not transact(lambda: queue.finish(job, queue.SUCCEEDED, 0, {}))
        assert AsyncJob.get_by_id(job.id).status == queue.FAILED


@pytest.mark.usefixtures("empty_tables")
class TestThreads:
    def test_jobs_on_one_resource_run_one_after_the_other(self):
        running, most, order = [], [], []
        guard = threading.Lock()

        def execute(job):
            with guard:
                running.append(job.id)
                most.append(len(running))
                order.append(job.id)
            for _ in range(5):
                transact(lambda: queue.keep(job))
            with guard:
                running.remove(job.id)
            transact(lambda: queue.finish(job, queue.SUCCEEDED, 0, {}))

        jobs = [write_job(locks=["Host:1"]) for _ in range(6)]
        with engine(execute, threads=4) as started:
            for job in jobs:
                started.submit(job.id)
            until(lambda: not AsyncJob.select().where(AsyncJob.status == 0).exists(), "all have ended")
        assert max(most) == 1
        assert sorted(order) == [job.id for job in jobs]

    def test_a_job_of_another_process_is_found(self):
        ended = []
        with engine(lambda job: ended.append(transact(lambda: queue.finish(job, queue.SUCCEEDED, 0, {})))):
            write_job()
            until(lambda: ended, "the job has ended")
        assert ended == [True]

    def test_a_worker_goes_on_after_a_job_that_broke_it(self):
        seen = []

        def execute(job):
            seen.append(job.id)
            if len(seen) == 1:
                raise ZeroDivisionError
            transact(lambda: queue.finish(job, queue.SUCCEEDED, 0, {}))

        broken, good = write_job(), write_job()
        with engine(execute, threads=1) as started:
            started.submit(broken.id)
            started.submit(good.id)
            until(lambda: AsyncJob.get_by_id(good.id).status == queue.SUCCEEDED, "the second job has ended")
        assert AsyncJob.get_by_id(broken.id).status == queue.IN_PROGRESS, "the next worker has to try it"


@pytest.fixture
def installation(database_url, tmp_path):
    """An installation whose own workers do not run yet."""
    configuration = Configuration(data=tmp_path / "data", database=database_url, job_threads=2)
    prepare(configuration)
    made = Installation(configuration)
    make_admin_keys(made)
    made.registry.add(ProbeJob)
    yield made
    made.jobs.stop()
    made.hosts.close()
    database.close()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "probe"
    made.mkdir()
    return made


def killed_at(installation, folder, pause, **parameters):
    """Return the row of a job whose worker process was killed where the file `pause` stopped it."""
    (folder / pause).touch()
    account = installation.run_command("listAccounts", name="admin", listall=True)["account"][0]["id"]
    answer = installation.run_command("probeJob", id=account, folder=str(folder), **parameters)
    configuration = installation.configuration
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.support.probe", str(configuration.data), configuration.database_url],
        cwd=ROOT, stdin=subprocess.PIPE)
    try:
        until(lambda: pause in traced(folder) or worker.poll() is not None, f"the worker is at {pause}")
        assert worker.poll() is None, "the worker ended by itself"
    finally:
        worker.kill()
        worker.wait()
        worker.stdin.close()
    (folder / pause).unlink()
    return AsyncJob.get(AsyncJob.uuid == answer["jobid"])


def resume(installation, job):
    """Let time pass until the lease has ended, and our own workers take over. Returns the row in its end."""
    assert claim(job, "too early") is None
    AsyncJob.update(lease_until=1).where(AsyncJob.id == job.id).execute()
    ResourceLock.update(lease_until=1).execute()
    installation.jobs.start()
    until(lambda: AsyncJob.get_by_id(job.id).status != queue.IN_PROGRESS, "the job has ended")
    assert not ResourceLock.select().exists()
    assert not JobStep.select().exists()
    return AsyncJob.get_by_id(job.id)


def test_a_job_goes_on_after_its_worker_was_killed(installation, folder):
    job = killed_at(installation, folder, "pause-remote")
    assert job.status == queue.IN_PROGRESS
    assert [row.name for row in JobStep.select()] == ["reserve"]
    ended = resume(installation, job)
    assert (ended.status, ended.attempts) == (queue.SUCCEEDED, 2)
    assert "reserved 7" in ended.result
    call = f"call {job.uuid}/call"
    assert traced(folder) == ["reserve", call, "pause-remote", call, "record"]
    states = [event.state for event in Event.select().where(Event.event_type == "TEST.PROBE").order_by(Event.id)]
    assert states == ["Scheduled", "Started", "Completed"]


def test_a_job_is_undone_after_its_worker_was_killed_while_undoing(installation, folder):
    job = killed_at(installation, folder, "pause-undo", failing=True)
    assert job.failure == {"code": 534, "text": "the probe was told to fail"}
    ended = resume(installation, job)
    assert (ended.status, ended.result_code) == (queue.FAILED, 534)
    assert "the probe was told to fail" in ended.result
    assert traced(folder) == ["reserve", f"call {job.uuid}/call", "record", "pause-undo", "undo reserve 7"]
    last = Event.select().where(Event.event_type == "TEST.PROBE").order_by(Event.id.desc()).first()
    assert (last.state, last.level) == ("Completed", "ERROR")
