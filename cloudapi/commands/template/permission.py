"""Who may use templates."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE, USE, check
from cloudapi.api.command import EVERYONE, Command
from cloudapi.api.parameters import Entity, EntityList, Flag, Text, TextList
from cloudapi.context import Context
from cloudapi.models.identity import Project
from cloudapi.models.storage import Template
from cloudapi.services.template import permission
from cloudapi.views.template.permission import TemplatePermissionsView


class ListTemplatePermissions(Command):
    """Shows who may use a template."""

    roles, response, read_only, atomic = EVERYONE, TemplatePermissionsView, True, False
    iso = False

    id = Entity(Template, access=USE, required=True, help="the template")

    def run(self, context: Context) -> dict[str, Any]:
        permission.check_kind(self.id, self.iso)
        if not self.id.is_public:
            check(context, self.id, OPERATE)
        return permission.shown(self.id)


class UpdateTemplatePermissions(Command):
    """Changes who may use a template."""

    action = "updating permissions of a template"
    roles, event = EVERYONE, "TEMPLATE.UPDATE"
    iso = False

    id = Entity(Template, access=OPERATE, required=True, help="the template")
    accounts = TextList(help="accounts of the owner's domain, by name")
    projectids = EntityList(Project, access=OPERATE, help="projects")
    op = Text(help="add or remove the accounts and projects, or reset")
    ispublic = Flag(help="whether everybody may use it")
    isfeatured = Flag(help="whether it is featured")
    isextractable = Flag(help="whether it can be fetched")

    def run(self, context: Context) -> None:
        permission.check_kind(self.id, self.iso)
        permission.change(context, self.id, public=self.ispublic, featured=self.isfeatured,
                          extractable=self.isextractable, operation=self.op, accounts=self.accounts,
                          projects=self.projectids)
