"""Roles."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import ADMINS, ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, NewName, Rows, Text
from cloudapi.api.query import Query
from cloudapi.context import ADMIN, Context
from cloudapi.models.identity import Role
from cloudapi.services.role import role as roles
from cloudapi.views.role.role import RoleView


class CreateRole(Command):
    """Creates a role: empty, of a type; or with the type and the rules of another one."""

    roles, event, response, since = ROOT, "ROLE.CREATE", RoleView, "4.9.0"

    name = Text(required=True, help="its name")
    type = Text(help="Admin, ResourceAdmin, DomainAdmin or User; or roleid")
    roleid = Entity(Role, access=ANY, help="the role to begin as a copy of")
    description = Text(help="what it is for")
    ispublic = Flag(default=True, help="domain admins may give it to their accounts")

    def run(self, context: Context) -> Role:
        return roles.create(context, self.name, role_type=self.type, clone=self.roleid, description=self.description,
                            public=self.ispublic)


class ImportRole(Command):
    """Creates a role with rules, or replaces one of the same name."""

    roles, event, response, since = ROOT, "ROLE.IMPORT", RoleView, "4.15.0"

    name = Text(required=True, help="its name")
    type = Text(help="Admin, ResourceAdmin, DomainAdmin or User")
    description = Text(help="what it is for")
    rules = Rows(required=True, help="its rules: rules[0].rule=…&rules[0].permission=allow&rules[0].description=…")
    forced = Flag(default=False, help="replace a role of this name")
    ispublic = Flag(default=True, help="domain admins may give it to their accounts")

    def run(self, context: Context) -> Role:
        return roles.import_role(context, self.name, self.type, self.description, self.rules, forced=self.forced,
                                 public=self.ispublic)


class UpdateRole(Command):
    """Changes a role."""

    roles, event, response, since = ROOT, "ROLE.UPDATE", RoleView, "4.9.0"

    id = Entity(Role, access=ANY, required=True, help="the role")
    name = NewName(help="a new name")
    type = Text(help="a new type, while no account has the role")
    description = Text(help="a new description")
    ispublic = Flag(help="whether domain admins may give it to their accounts")

    def run(self, context: Context) -> Role:
        return roles.update(context, self.id, name=self.name, role_type=self.type, description=self.description,
                            public=self.ispublic)


class DeleteRole(Command):
    """Deletes a role that no account has."""

    roles, event, since = ROOT, "ROLE.DELETE", "4.9.0"

    id = Entity(Role, access=ANY, required=True, help="the role")

    def run(self, context: Context) -> None:
        roles.delete(context, self.id)


class EnableRole(Command):
    """Enables a role."""

    roles, event, since = ROOT, "ROLE.ENABLE", "4.20.0"

    id = Entity(Role, access=ANY, required=True, help="the role")

    def run(self, context: Context) -> None:
        roles.set_state(context, self.id, "enabled")


class DisableRole(Command):
    """Disables a role: accounts that have it can call nothing."""

    roles, event, since = ROOT, "ROLE.DISABLE", "4.20.0"

    id = Entity(Role, access=ANY, required=True, help="the role")

    def run(self, context: Context) -> None:
        roles.set_state(context, self.id, "disabled")


class ListRoles(ListCommand):
    """Lists roles; private ones and those of root admins are for root admins."""

    roles, response, since = ADMINS, RoleView, "4.9.0"

    id = Entity(Role, access=ANY, column="id", help="the role with this ID")
    name = Text(column="name", help="the role of this name")
    type = Text(help="roles of this type")
    state = Text(column="state", help="enabled or disabled")

    def filter(self, context: Context, query: Query) -> None:
        if self.type is not None:
            query.equals("role_type", roles.role_type_named(self.type))
        if not context.caller.is_root_admin:
            query.where("t.role_type <> ? AND t.is_public = ?", ADMIN, True)
