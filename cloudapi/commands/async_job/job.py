"""Jobs: asked for one by one, or listed."""

from __future__ import annotations

from typing import Any

from peewee import fn

from cloudapi.api.access import ANY, check
from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Date, Entity, Text, Uuid
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.common import AsyncJob
from cloudapi.views.async_job.job import AsyncJobView


class QueryAsyncJobResult(Command):
    """Tells how far a job is, and its result once it has ended."""

    roles, response = EVERYONE, AsyncJobView
    read_only, atomic, wrapper = True, False, ""

    jobid = Entity(AsyncJob, help="the job")
    resourceid = Uuid(since="4.22.1", help="the resource of the job; goes with resourcetype")
    resourcetype = Text(since="4.22.1", help="the kind of the resource")

    def run(self, context: Context) -> dict[str, Any]:
        job = self.jobid if self.jobid is not None else self._latest()
        # Whoever may operate what the account owns may look at its jobs.
        check(context, job, "operate")
        return AsyncJobView.one(context, job)

    def _latest(self) -> AsyncJob:
        if not self.resourceid or not self.resourcetype:
            raise InvalidParameter("Expected parameter jobid or parameters resourceid and resourcetype")
        job = (AsyncJob.select().where(AsyncJob.resource_uuid == self.resourceid,
                                       fn.LOWER(AsyncJob.resource_type) == self.resourcetype.lower())
               .order_by(AsyncJob.id.desc()).first())
        if job is None:
            raise InvalidParameter(f"there is no job of the {self.resourcetype} {self.resourceid}")
        return job


class ListAsyncJobs(OwnedListCommand):
    """Lists jobs, those that have ended too until they are purged."""

    roles, response = EVERYONE, AsyncJobView
    keywords = ("command",)
    projectid = None

    startdate = Date(help="those that were written since then")
    managementserverid = Entity(access=ANY, since="4.19", help="the management server that runs them")
    resourceid = Uuid(column="resource_uuid", since="4.22.1",
                      help="the resource that they are about; goes with resourcetype")
    resourcetype = Text(since="4.22.1", help="the kind of the resource")

    def filter(self, context: Context, query: Query) -> None:
        if self.startdate is not None:
            query.where("t.created >= ?", self.startdate)
        if self.resourcetype is not None:
            query.where("LOWER(t.resource_type) = ?", self.resourcetype.lower())
        elif self.resourceid is not None:
            raise InvalidParameter("resourceid parameter must be used with resourcetype parameter")
