"""Jobs that have ended, after a while, and those that wait in vain."""

from __future__ import annotations

from typing import Any

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import InternalError
from cloudapi.jobs import queue
from cloudapi.jobs.queue import IN_PROGRESS
from cloudapi.jobs.steps import Steps
from cloudapi.models.common import AsyncJob
from cloudapi.models.database import transact

MINUTE = 60_000


def purge(context: Context) -> None:
    """Delete jobs that ended longer ago than the setting `job.expire.minutes` says."""
    oldest = context.now() - context.settings.get("job.expire.minutes") * MINUTE
    transact(lambda: AsyncJob.delete().where(AsyncJob.status != IN_PROGRESS, AsyncJob.completed < oldest).execute())


def give_up(context: Context) -> None:
    """Fail jobs that have not begun after the time of the setting `job.cancel.threshold.minutes`: others block them.

    One that has begun has its worker, or the next one, and is left to it.
    """
    oldest = context.now() - context.settings.get("job.cancel.threshold.minutes") * MINUTE
    error = InternalError("Job is cancelled as it has been blocked by others for too long")
    body = {"errorcode": error.code, "errortext": error.text, "cserrorcode": error.cloudstack_code}
    for job in list(AsyncJob.select().where(AsyncJob.status == IN_PROGRESS, AsyncJob.attempts == 0,
                                            AsyncJob.created < oldest)):
        transact(lambda job=job: _end(context, job, body))  # type: ignore[misc]


def _end(context: Context, job: AsyncJob, body: dict[str, Any]) -> None:
    if queue.finish(job, queue.FAILED, body["errorcode"], body) and job.start_event_id is not None:
        installation = context.installation
        events.failed(Context(installation.callers.by_user(job.user_id), installation, Steps(job.uuid), job.uuid,
                              job.id, job.start_event_id), body["errortext"])
