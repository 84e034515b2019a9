"""What virtual routers report of themselves."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Moment, Table


class RouterHealthCheck(Table):
    """The last result of one health check of a router; `kind` is basic or advanced."""

    id = peewee.BigAutoField()
    machine_id = peewee.BigIntegerField()
    name = peewee.CharField(128)
    kind = peewee.CharField(16)
    success = peewee.BooleanField()
    details = peewee.TextField(null=True)
    checked = Moment()

    class Meta:
        indexes = ((("machine_id", "name"), True),)
