"""Guest operating systems."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, EntityList, Flag, Map, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.infrastructure import GuestOs, GuestOsCategory
from cloudapi.services.guest_os import guest_os as systems
from cloudapi.views.guest_os.guest_os import GuestOsView


class ListOsTypes(ListCommand):
    """Lists guest operating systems."""

    lasting = True
    roles, response = EVERYONE, GuestOsView
    keywords, order = ("display_name",), "t.display_name"

    id = Entity(GuestOs, column="id", minus_one=True, help="the guest OS with this ID")
    ids = EntityList(GuestOs, column="id", since="4.22.1", help="those with these IDs")
    oscategoryid = Entity(GuestOsCategory, column="category_id", minus_one=True, help="those of this category")
    description = Text(since="3.0.1", help="those whose name contains this text")
    fordisplay = Flag(default=True, since="4.18.1", roles=ROOT, help="false: those that users do not see")

    def filter(self, context: Context, query: Query) -> None:
        query.equals("for_display", self.fordisplay)
        if self.description:
            query.search(("display_name",), self.description)


class AddGuestOs(AsyncCreateCommand):
    """Adds a guest operating system."""

    roles, event, response, since = ROOT, "GUEST.OS.ADD", GuestOsView, "4.4.0"
    creates = GuestOs

    oscategoryid = Entity(GuestOsCategory, access=ANY, required=True, help="its category")
    osdisplayname = Text(required=True, help="its name, which no other has")
    name = Text(help="a second name of it")
    details = Map(help="details of it, for hosts")
    forDisplay = Flag(roles=ROOT, help="whether users see it")

    def create(self, context: Context) -> Any:
        return systems.add(self.oscategoryid, self.osdisplayname, self.name, self.details, self.forDisplay)

    def run(self, context: Context) -> Any:
        return self.created


class UpdateGuestOs(AsyncCommand):
    """Changes a guest operating system."""

    roles, event, response, since = ROOT, "GUEST.OS.UPDATE", GuestOsView, "4.4.0"

    id = Entity(GuestOs, access=ANY, required=True, help="the guest OS")
    osdisplayname = Text(help="a new name")
    details = Map(help="details to set")
    forDisplay = Flag(roles=ROOT, help="whether users see it")
    oscategoryid = Entity(GuestOsCategory, access=ANY, since="4.21.0", help="another category")

    def run(self, context: Context) -> Any:
        context.steps.run("change", lambda: systems.update(
            self.id, self.osdisplayname, self.details, self.forDisplay, self.oscategoryid).id)
        return self.id


class RemoveGuestOs(AsyncCommand):
    """Removes a guest operating system that an administrator added."""

    roles, event, since = ROOT, "GUEST.OS.REMOVE", "4.4.0"

    id = Entity(GuestOs, access=ANY, required=True, help="the guest OS")

    def run(self, context: Context) -> None:
        context.steps.run("remove", lambda: systems.remove(self.id))
