"""Jobs as rows: written, claimed, kept alive, ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from cloudapi.jobs import locks
from cloudapi.models.base import now
from cloudapi.models.common import AsyncJob, JobStep
from cloudapi.models.database import execute

IN_PROGRESS, SUCCEEDED, FAILED = 0, 1, 2
LEASE = 15_000


class Superseded(BaseException):
    """This attempt's lease ended and another worker has the job: stop at once, and undo nothing.

    No `Exception`, so that code which goes on after a failed try does not take it for one.
    """


def claim(job_id: int, worker: str) -> AsyncJob | None:
    """Take a job with its locks, where nobody has it and nobody holds them. Within a transaction.

    :raises locks.Contended: another process took the job or a lock in the same moment; nothing may be committed.
    """
    moment = now()
    job = AsyncJob.get_or_none(AsyncJob.id == job_id, AsyncJob.status == IN_PROGRESS)
    if job is None or (job.claimed_by is not None and job.lease_until > moment):
        return None
    if not locks.take(job.locks or [], job.uuid):
        return None
    changed = (AsyncJob.update(claimed_by=worker, lease_until=moment + LEASE, attempts=AsyncJob.attempts + 1,
                               process_status=1)
               .where(AsyncJob.id == job_id, AsyncJob.status == IN_PROGRESS,
                      AsyncJob.claimed_by.is_null() | (AsyncJob.lease_until <= moment)).execute())
    if changed != 1:
        raise locks.Contended(f"job {job.uuid}")
    job.attempts += 1
    return job  # type: ignore[no-any-return]


def waiting(limit: int = 200) -> list[int]:
    """Return the jobs that a worker could claim: new ones, and those whose worker's lease has ended."""
    moment = now()
    return [row.id for row in (
        AsyncJob.select(AsyncJob.id)
        .where(AsyncJob.status == IN_PROGRESS, AsyncJob.claimed_by.is_null() | (AsyncJob.lease_until <= moment))
        .order_by(AsyncJob.id).limit(limit))]


def renew(worker: str, jobs: Sequence[tuple[int, str]]) -> None:
    """Keep the leases of a worker's jobs, given as `(id, uuid)`. Within a transaction."""
    if not jobs:
        return
    moment = now()
    (AsyncJob.update(lease_until=moment + LEASE)
     .where(AsyncJob.id.in_([job_id for job_id, _ in jobs]), AsyncJob.claimed_by == worker).execute())
    for _, uuid in jobs:
        locks.renew(uuid)


def keep(job: AsyncJob, **columns: Any) -> None:
    """Renew the lease of this attempt, with the transaction that bears what it has done.

    :param columns: what else to write in the row.
    :raises Superseded: another attempt has the job.
    """
    if columns:
        changed = (AsyncJob.update(lease_until=now() + LEASE, **columns)
                   .where(AsyncJob.id == job.id, AsyncJob.attempts == job.attempts, AsyncJob.status == IN_PROGRESS)
                   .execute())
    else:
        changed = execute("UPDATE async_job SET lease_until = ? WHERE id = ? AND attempts = ? AND status = ?",
                          (now() + LEASE, job.id, job.attempts, IN_PROGRESS))
    if changed != 1:
        raise Superseded(f"job {job.uuid}, attempt {job.attempts}")


def note_failure(job: AsyncJob, code: int, text: str) -> None:
    """Record that a job fails, before its steps are undone.

    :raises Superseded: another attempt has the job.
    """
    keep(job, failure={"code": code, "text": text})


def finish(job: AsyncJob, status: int, code: int, result: Any) -> bool:
    """End a job with its result, and let its locks go. Within a transaction.

    Returns whether this attempt still had the job: a late answer changes nothing.
    """
    moment = now()
    changed = (AsyncJob.update(status=status, result_code=code, result=orjson.dumps(result).decode(), completed=moment,
                               process_status=0, claimed_by=None, lease_until=None)
               .where(AsyncJob.id == job.id, AsyncJob.attempts == job.attempts, AsyncJob.status == IN_PROGRESS)
               .execute())
    if changed == 1:
        JobStep.delete().where(JobStep.job_id == job.id).execute()
        locks.release(job.uuid)
    return bool(changed == 1)
