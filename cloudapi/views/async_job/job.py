"""What the API shows of a job."""

from __future__ import annotations

from typing import Any

import orjson

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.common import AsyncJob
from cloudapi.models.identity import Account, Domain, User
from cloudapi.views.common import pretty_path


def load_results(page: Page) -> dict[int, Any]:
    """The results; those that bear a secret are sealed in the row.

    A list shows a secret to who started the job: it was answered to nobody else.
    """
    found: dict[int, Any] = {}
    users = page.values("user_id")
    for job_id, stored in page.values("result").items():
        result = None if stored is None else orjson.loads(stored)
        if isinstance(result, dict) and list(result) == ["sealed"]:
            if page.arguments is not None and users[job_id] != page.context.caller.user_id:
                continue
            result = orjson.loads(page.context.installation.secrets.open(result["sealed"]))
        if result is not None:
            found[job_id] = result
    return found


def result_type(stored: str | None) -> str | None:
    return None if stored is None else "object"


class AsyncJobView(View):
    record, name = AsyncJob, "asyncjobs"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain), "user_": ("user_id", User)}

    jobid = Column("uuid", "ID of the job")
    accountid = Column("account_.uuid", "ID of the account that started it")
    account = Column("account_.account_name", "account that started it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path)
    userid = Column("user_.uuid", "user who started it")
    cmd = Column("command", "the command that it runs")
    jobstatus = Column("status", "0 in progress, 1 succeeded, 2 failed")
    jobprocstatus = Column("process_status", "1 while a worker has it")
    jobresultcode = Column("result_code", "0, or the error code")
    jobresulttype = Computed(result_type, "result", help="object, once there is a result")
    jobresult = Batch(load_results, "the result: what the command made or changed, or the error",
                      needs=("result", "user_id"), type="responseobject")
    jobinstancetype = Column("resource_type", "kind of the resource that it is about")
    jobinstanceid = Column("resource_uuid", "ID of the resource that it is about")
    managementserverid = Given("ID of the management server that runs it", since="4.19")
    managementservername = Column("claimed_by", "process that runs it", since="4.21.0")
    created = Column("created", "when it was written")
    completed = Column("completed", "when it ended")
