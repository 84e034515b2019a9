"""Categories of guest operating systems."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import EVERYONE, ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Integer, NewName, Text
from cloudapi.api.query import Query
from cloudapi.commands.zone.place import ARCHITECTURES
from cloudapi.context import Context
from cloudapi.models.infrastructure import GuestOsCategory, Zone
from cloudapi.services.guest_os import guest_os as systems
from cloudapi.views.guest_os.guest_os import GuestOsCategoryView


class ListOsCategories(ListCommand):
    """Lists the categories of guest operating systems."""

    lasting = True
    roles, response = EVERYONE, GuestOsCategoryView
    order = "t.sort_key"

    id = Entity(GuestOsCategory, column="id", minus_one=True, help="the category with this ID")
    name = Text(since="3.0.1", help="those whose name contains this text")
    isfeatured = Flag(column="featured", since="4.21.0", help="those that are shown first, or the others")
    isiso = Flag(since="4.21.0", help="true: those with ISOs; false: those with templates")
    isvnf = Flag(since="4.21.0", help="true: those with VNF templates; false: those with others")
    zoneid = Entity(Zone, since="4.21.0", help="those with templates or ISOs in this zone")
    arch = Text(choices=ARCHITECTURES, since="4.21.0", help="those with templates or ISOs of this CPU architecture")
    showicon = Flag(default=False, since="4.21.0", help="add the icon of each category")

    def filter(self, context: Context, query: Query) -> None:
        if self.name:
            query.search(("name",), self.name)
        conditions: list[str] = []
        values: list[Any] = []
        for asked, column, value in ((self.isiso, "x.format", "ISO"), (self.isvnf, "x.template_type", "VNF")):
            if asked is not None:
                conditions.append(f"{column} {'=' if asked else '<>'} ?")
                values.append(value)
        if self.zoneid is not None:
            conditions.append("x.id IN (SELECT z.template_id FROM template_zone z WHERE z.zone_id = ? "
                              "AND z.removed IS NULL)")
            values.append(self.zoneid.id)
        if self.arch is not None:
            conditions.append("x.arch = ?")
            values.append(self.arch)
        if conditions:
            query.where("t.id IN (SELECT g.category_id FROM guest_os g JOIN template x ON x.guest_os_id = g.id "
                        f"WHERE x.removed IS NULL AND x.state = 'Active' AND {' AND '.join(conditions)})", *values)


class AddOsCategory(Command):
    """Adds a category of guest operating systems."""

    roles, event, response, since = ROOT, "GUEST.OS.CATEGORY.ADD", GuestOsCategoryView, "4.21.0"

    name = Text(required=True, help="its name, which no other has")
    isfeatured = Flag(default=False, help="whether it is shown first")

    def run(self, context: Context) -> Any:
        return systems.add_category(self.name, self.isfeatured)


class UpdateOsCategory(Command):
    """Changes a category of guest operating systems."""

    roles, event, response, since = ROOT, "GUEST.OS.CATEGORY.UPDATE", GuestOsCategoryView, "4.21.0"

    id = Entity(GuestOsCategory, access=ANY, required=True, help="the category")
    name = NewName(help="a new name")
    isfeatured = Flag(help="whether it is shown first")
    sortkey = Integer(help="its place in lists; smaller first")

    def run(self, context: Context) -> Any:
        return systems.update_category(self.id, self.name, self.isfeatured, self.sortkey)


class DeleteOsCategory(Command):
    """Deletes a category without operating systems."""

    roles, event, since = ROOT, "GUEST.OS.CATEGORY.DELETE", "4.21.0"

    id = Entity(GuestOsCategory, access=ANY, required=True, help="the category")

    def run(self, context: Context) -> None:
        systems.delete_category(self.id)
