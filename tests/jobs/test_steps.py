"""Steps: done once, replayed from their record, undone in reverse, and stopped where another worker has the job."""

from __future__ import annotations

import pytest

from cloudapi.errors import InvalidParameter, ResourceUnavailable
from cloudapi.jobs import queue
from cloudapi.jobs.steps import RecordedSteps, Steps
from cloudapi.models.common import AsyncJob, JobStep
from cloudapi.models.database import transact

pytestmark = pytest.mark.usefixtures("empty_tables")


def claimed(job_id=None):
    """Return a job as a worker has it; with an id, as the next worker has it after the first one's lease ended."""
    if job_id is None:
        job_id = AsyncJob.create(user_id=1, account_id=1, domain_id=1, command="probe", parameters={}).id
    AsyncJob.update(lease_until=0).where(AsyncJob.id == job_id).execute()
    job = transact(lambda: queue.claim(job_id, "worker"))
    assert job is not None
    return job


def names(job):
    return [row.name for row in JobStep.select().where(JobStep.job_id == job.id).order_by(JobStep.id)]


def test_a_step_on_record_is_not_done_again():
    job, done = claimed(), []
    first = RecordedSteps(job)
    assert first.run("make", lambda: done.append("make") or {"id": 4}) == {"id": 4}
    assert first.remote("send", done.append) is None
    again = RecordedSteps(claimed(job.id))
    assert again.run("make", lambda: done.append("make")) == {"id": 4}
    assert again.remote("send", done.append) is None
    assert done == ["make", f"{job.uuid}/send"]


def test_a_remote_step_is_repeated_with_the_same_request_id():
    job, sent = claimed(), []

    def die(request_id):
        sent.append(request_id)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RecordedSteps(job).remote("send", die)
    RecordedSteps(claimed(job.id)).remote("send", sent.append)
    assert sent == [f"{job.uuid}/send"] * 2


def test_the_record_and_what_the_step_wrote_are_one_transaction():
    job = claimed()

    def half():
        AsyncJob.update(command="changed").where(AsyncJob.id == job.id).execute()
        raise InvalidParameter("no")

    with pytest.raises(InvalidParameter):
        RecordedSteps(job).run("half", half)
    assert AsyncJob.get_by_id(job.id).command == "probe"
    assert names(job) == []


def test_equal_names_are_counted():
    job = claimed()
    steps = RecordedSteps(job)
    assert [steps.run("take", lambda value=value: value) for value in "abc"] == ["a", "b", "c"]
    assert names(job) == ["take", "take #2", "take #3"]
    again = RecordedSteps(claimed(job.id))
    assert [again.run("take", lambda: "new") for _ in range(4)] == ["a", "b", "c", "new"]


def test_undo_runs_in_reverse_with_each_result():
    undone = []
    steps = Steps()
    for number in range(3):
        steps.run(f"step {number}", lambda number=number: number, undo=undone.append)
    steps.unwind()
    steps.unwind()
    assert undone == [2, 1, 0]


def test_an_undo_that_fails_is_tried_again_and_does_not_stop_the_others():
    undone, tries = [], []

    def stubborn(value):
        tries.append(value)
        raise ResourceUnavailable("the host is gone")

    steps = Steps()
    steps.run("first", lambda: 1, undo=undone.append)
    steps.run("second", lambda: 2, undo=stubborn)
    steps.unwind()
    assert undone == [1]
    assert len(tries) > 1


def test_an_attempt_that_failed_half_is_undone_and_one_that_succeeded_is_not():
    undone = []

    def fail(request_id):
        raise ResourceUnavailable("no answer")

    steps = Steps()
    steps.remote("works", lambda request_id: 1, undo_attempt=lambda: undone.append("works"))
    with pytest.raises(ResourceUnavailable):
        steps.remote("fails", fail, undo_attempt=lambda: undone.append("fails"))
    steps.unwind()
    assert undone == ["fails"]


def test_a_job_that_died_while_it_was_undone_is_undone_without_being_continued():
    job, done, undone = claimed(), [], []
    steps = RecordedSteps(job)
    steps.run("reserve", lambda: "r", undo=undone.append)
    transact(lambda: queue.note_failure(job, 534, "no host"))
    job = claimed(job.id)
    again = RecordedSteps(job, ResourceUnavailable("no host"))
    assert again.run("reserve", lambda: done.append("reserve"), undo=undone.append) == "r"
    with pytest.raises(ResourceUnavailable, match="no host"):
        again.remote("send", done.append, undo_attempt=lambda: undone.append("attempt"))
    again.unwind()
    assert done == []
    assert undone == ["attempt", "r"], "the step in which it failed may have been done half"


def test_a_part_stays_when_the_job_fails_later_and_goes_when_it_fails_itself():
    undone = []
    steps = Steps()
    with steps.part("network") as part:
        part.run("vlan", lambda: 100, undo=undone.append)
    with pytest.raises(InvalidParameter), steps.part("router") as part:
        part.run("address", lambda: 7, undo=undone.append)
        raise InvalidParameter("no")
    assert undone == [7]
    steps.unwind()
    assert undone == [7]


def test_steps_of_a_part_are_found_whatever_came_before():
    job = claimed()
    steps = RecordedSteps(job)
    steps.run("take", lambda: "outside")
    with steps.part("network 1") as part:
        assert part.run("take", lambda: "inside") == "inside"
    again = RecordedSteps(claimed(job.id))
    with again.part("network 1") as part:
        assert part.run("take", lambda: "new") == "inside"
    assert again.run("take", lambda: "new") == "outside"


def test_notes_are_recalled_after_a_crash():
    job = claimed()
    RecordedSteps(job).note("host 1", {"refused": True})
    again = RecordedSteps(claimed(job.id))
    assert again.recall("host 1") == {"refused": True}
    assert again.recall("host 2") is None


def test_an_attempt_whose_lease_ended_writes_nothing_more():
    """Its worker was suspended; another one has the job. Its steps must not count, nor its failure, nor its answer."""
    old = claimed()
    late = RecordedSteps(old)
    late.run("reserve", lambda: "old")
    new = claimed(old.id)

    def change():
        AsyncJob.update(command="changed by the old attempt").where(AsyncJob.id == old.id).execute()

    with pytest.raises(queue.Superseded):
        late.run("write", change)
    with pytest.raises(queue.Superseded):
        transact(lambda: queue.note_failure(old, 530, "late"))
    assert not transact(lambda: queue.finish(old, queue.SUCCEEDED, 0, {"by": "old"}))
    row = AsyncJob.get_by_id(old.id)
    assert (row.command, row.failure, row.status) == ("probe", None, queue.IN_PROGRESS)
    assert RecordedSteps(new).run("reserve", lambda: "new") == "old"
    assert transact(lambda: queue.finish(new, queue.SUCCEEDED, 0, {"by": "new"}))
    assert names(new) == []


def test_an_attempt_whose_lease_ended_undoes_nothing():
    old, undone = claimed(), []
    late = RecordedSteps(old)
    with pytest.raises(queue.Superseded), late.part("network") as part:
        part.run("vlan", lambda: 100, undo=undone.append)
        claimed(old.id)
        part.run("router", lambda: 1)
    assert undone == []


def test_a_job_repeats_a_request_under_its_id_and_periodic_work_never_does():
    ids = []
    job = claimed()
    with pytest.raises(ResourceUnavailable):
        RecordedSteps(job).remote("start", lambda request_id: ids.append(request_id) or fail())
    RecordedSteps(claimed(job.id)).remote("start", ids.append)
    assert len(set(ids)) == 1
    for _ in range(2):
        Steps("clean up").remote("start", ids.append)
    assert len(set(ids)) == 3


def fail():
    raise ResourceUnavailable("the host does not answer")
