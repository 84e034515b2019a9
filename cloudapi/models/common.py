"""Tables that serve every kind of resource: details, tags, settings, events, jobs, locks."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, LongText, Moment, Record, Table


class Detail(Table):
    """A name and a value on a resource; `display` says whether users may see it."""

    id = peewee.BigAutoField()
    resource_type = peewee.CharField(48)
    resource_id = peewee.BigIntegerField()
    name = peewee.CharField(255)
    value = LongText(null=True)
    display = peewee.BooleanField(default=True)

    class Meta:
        indexes = ((("resource_type", "resource_id", "name"), False),)


class ResourceTag(Table):
    """A user's tag; `resource_type` is CloudStack's name of the kind (UserVm, Volume, Network, …)."""

    id = peewee.BigAutoField()
    uuid = peewee.CharField(40, unique=True)
    resource_type = peewee.CharField(48)
    resource_id = peewee.BigIntegerField()
    resource_uuid = peewee.CharField(40)
    name = peewee.CharField(255)
    value = peewee.CharField(255, null=True)
    customer = peewee.CharField(255, null=True)
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)

    class Meta:
        indexes = ((("resource_type", "resource_id", "name"), True), (("name", "value"), False))


class Annotation(Record):
    """A comment on a resource; `entity_type` is its kind in capitals (HOST, ZONE, …)."""

    entity_type = peewee.CharField(48)
    entity_uuid = peewee.CharField(40)
    text = peewee.TextField()
    user_id = peewee.BigIntegerField()
    admins_only = peewee.BooleanField(default=False)

    class Meta:
        indexes = ((("entity_uuid", "removed"), False),)


class SettingValue(Table):
    """A value that differs from the setting's default, at one scope (`scope_id` 0 for global)."""

    id = peewee.BigAutoField()
    name = peewee.CharField(255)
    scope = peewee.CharField(16, default="Global")
    scope_id = peewee.BigIntegerField(default=0)
    value = peewee.TextField(null=True)
    updated = Moment(null=True)

    class Meta:
        indexes = ((("name", "scope", "scope_id"), True),)


class Event(Table):
    """What happened: `state` is Created, Scheduled, Started or Completed; `level` INFO, WARN or ERROR."""

    id = peewee.BigAutoField()
    uuid = peewee.CharField(40, unique=True)
    event_type = peewee.CharField(64, index=True)
    state = peewee.CharField(16)
    level = peewee.CharField(8)
    description = peewee.TextField()
    user_id = peewee.BigIntegerField()
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    start_id = peewee.BigIntegerField(null=True, index=True)
    resource_type = peewee.CharField(48, null=True)
    resource_id = peewee.BigIntegerField(null=True)
    resource_uuid = peewee.CharField(40, null=True, index=True)
    resource_name = peewee.CharField(255, null=True)
    created = Moment(index=True)
    archived = peewee.BooleanField(default=False)
    display = peewee.BooleanField(default=True)


class AsyncJob(Record):
    """A job: `status` 0 in progress, 1 succeeded, 2 failed.

    `parameters` are the request's own, secret values sealed; `failure` is set when the steps are being undone;
    a worker holds the row by `claimed_by` until `lease_until`.
    """

    user_id = peewee.BigIntegerField()
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    command = peewee.CharField(96)
    parameters = Json()
    status = peewee.IntegerField(default=0)
    process_status = peewee.IntegerField(default=0)
    result_code = peewee.IntegerField(default=0)
    result = LongText(null=True)
    resource_type = peewee.CharField(48, null=True)
    resource_id = peewee.BigIntegerField(null=True)
    resource_uuid = peewee.CharField(40, null=True)
    start_event_id = peewee.BigIntegerField(null=True)
    request_id = peewee.CharField(40, null=True)
    locks = Json(null=True)
    failure = Json(null=True)
    attempts = peewee.IntegerField(default=0)
    claimed_by = peewee.CharField(64, null=True)
    lease_until = Moment(null=True)
    completed = Moment(null=True)

    class Meta:
        indexes = ((("status", "lease_until"), False),)


class JobStep(Table):
    """A step that a job has done, with its result."""

    id = peewee.BigAutoField()
    job_id = peewee.BigIntegerField()
    name = peewee.CharField(190)
    result = LongText(null=True)
    finished = Moment()

    class Meta:
        indexes = ((("job_id", "name"), True),)


class ResourceLock(Table):
    """A resource that a job or a call holds; the row goes when it is let go, or its lease ends."""

    name = peewee.CharField(96, primary_key=True)
    holder = peewee.CharField(96, index=True)
    lease_until = Moment()


class PeriodicTask(Table):
    """Who runs a periodic task in the installation, and when it ran last."""

    name = peewee.CharField(96, primary_key=True)
    owner = peewee.CharField(96, null=True)
    lease_until = Moment(default=0)
    last_run = Moment(default=0)


class Sequence(Table):
    """Numbers that are given once: `vm` for instance names, `mac` for MAC addresses."""

    name = peewee.CharField(64, primary_key=True)
    value = peewee.BigIntegerField(default=0)


class SchemaVersion(Table):
    version = peewee.IntegerField(primary_key=True)
    applied = Moment()
