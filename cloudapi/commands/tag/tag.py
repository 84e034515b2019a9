"""Tags."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE, check
from cloudapi.api.command import EVERYONE, AsyncCommand
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Map, Text, TextList
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import PermissionDenied
from cloudapi.models.machine import Machine
from cloudapi.models.network import Nic
from cloudapi.services.tag import tag as tags
from cloudapi.views.common import ResourceTagView


class _Tagged:
    """The resources whose tags are meant."""

    resourcetype = Text(required=True, help="kind of the resources: UserVm, Volume, Template, Network, …")
    resourceids = TextList(required=True, help="the resources")

    def resources(self, context: Context) -> tuple[str, list[Any]]:
        kind = tags.kind_named(self.resourcetype)
        found = tags.resources(kind, self.resourceids)
        for resource in found:
            owned = Machine.get_by_id(resource.vm_id) if isinstance(resource, Nic) else resource
            if getattr(owned, "account_id", None) is None and not context.caller.is_root_admin:
                raise PermissionDenied(f"only root admins put tags on a {kind}")
            check(context, owned, OPERATE)
        return kind, found

    def event_text(self, subject: Any) -> str:
        return f"{self.action} {self.resourcetype} {', '.join(self.resourceids)}"  # type: ignore[attr-defined]


class CreateTags(_Tagged, AsyncCommand):
    """Puts tags on resources."""

    action = "putting tags on"
    roles, event = EVERYONE, "CREATE_TAGS"
    since = "4.0.0"

    tags = Map(required=True, help="the tags")
    customer = Text(help="who the tags are for, by an ID of the client's own")

    def run(self, context: Context) -> None:
        kind, found = self.resources(context)
        context.steps.run("create tags", lambda: tags.create(context, kind, found, self.tags, self.customer))


class DeleteTags(_Tagged, AsyncCommand):
    """Takes tags off resources."""

    action = "taking tags off"
    roles, event = EVERYONE, "DELETE_TAGS"
    since = "4.0.0"

    tags = Map(help="the tags; all of them where none is named")

    def run(self, context: Context) -> None:
        kind, found = self.resources(context)
        context.steps.run("delete tags", lambda: tags.delete(kind, found, self.tags))


class ListTags(OwnedListCommand):
    """Lists tags."""

    lasting = True
    roles, response = EVERYONE, ResourceTagView
    since, keywords = "4.0.0", ("name", "value", "customer", "resource_type")

    resourcetype = Text(help="tags of this kind of resource")
    resourceid = Text(column="resource_uuid", help="tags of this resource")
    key = Text(column="name", help="tags with this key")
    value = Text(column="value", help="tags with this value")
    customer = Text(column="customer", help="tags for this customer")

    def filter(self, context: Context, query: Query) -> None:
        if self.resourcetype is not None:
            query.equals("resource_type", tags.kind_named(self.resourcetype))


