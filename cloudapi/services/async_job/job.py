"""Jobs that have ended, after a while."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.jobs.queue import IN_PROGRESS
from cloudapi.models.common import AsyncJob
from cloudapi.models.database import transact

MINUTE = 60_000


def purge(context: Context) -> None:
    """Delete jobs that ended longer ago than the setting `job.expire.minutes` says."""
    oldest = context.now() - context.settings.get("job.expire.minutes") * MINUTE
    transact(lambda: AsyncJob.delete().where(AsyncJob.status != IN_PROGRESS, AsyncJob.completed < oldest).execute())
