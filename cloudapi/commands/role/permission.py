"""The rules of roles."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command
from cloudapi.api.listing import Listing
from cloudapi.api.parameters import Entity, EntityList, Text
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Role, RolePermission
from cloudapi.services.role import role as roles
from cloudapi.views.role.role import RolePermissionView


def shown(role: Role, rule: dict[str, Any]) -> dict[str, Any]:
    fields = {**rule, "roleid": role.uuid, "rolename": role.name}
    return {name: value for name, value in fields.items() if value is not None}


class CreateRolePermission(Command):
    """Adds a rule to a role, after those that it has."""

    roles, event, response, since = ROOT, "ROLE.PERMISSION.CREATE", RolePermissionView, "4.9.0"
    subject = "roleid"

    roleid = Entity(Role, access=ANY, required=True, help="the role")
    rule = Text(required=True, help="name of a command, or a pattern with *")
    permission = Text(required=True, help="allow or deny")
    description = Text(help="what the rule is for")

    def run(self, context: Context) -> dict[str, Any]:
        rule = roles.create_permission(context, self.roleid, self.rule, self.permission, self.description)
        return shown(self.roleid, {"id": rule.uuid, "rule": rule.rule, "permission": rule.permission,
                                   "description": rule.description})


class UpdateRolePermission(Command):
    """Puts the rules of a role into another order, or turns one of them."""

    roles, event, since = ROOT, "ROLE.PERMISSION.UPDATE", "4.9.0"
    subject = "roleid"

    roleid = Entity(Role, access=ANY, required=True, help="the role")
    ruleorder = EntityList(RolePermission, access=ANY, help="all rules of the role, in their new order")
    ruleid = Entity(RolePermission, access=ANY, since="4.11", help="the rule to turn; goes with permission")
    permission = Text(since="4.11", help="allow or deny")

    def run(self, context: Context) -> None:
        if self.ruleorder is not None:
            if self.ruleid is not None or self.permission is not None:
                raise InvalidParameter("Parameters permission and ruleid must be mutually exclusive with ruleorder")
            roles.reorder(context, self.roleid, self.ruleorder)
        elif self.ruleid is None or self.permission is None:
            raise InvalidParameter("At least one of the parameters ruleid and permission is missing, and ruleorder is")
        else:
            roles.update_permission(context, self.roleid, self.ruleid, self.permission)


class DeleteRolePermission(Command):
    """Deletes a rule of a role."""

    roles, event, since = ROOT, "ROLE.PERMISSION.DELETE", "4.9.0"

    id = Entity(RolePermission, access=ANY, required=True, help="the rule")

    def run(self, context: Context) -> None:
        roles.delete_permission(context, self.id)


class ListRolePermissions(Command):
    """Lists the rules of a role, in their order."""

    roles, response, since = ROOT, RolePermissionView, "4.9.0"
    read_only, atomic = True, False

    roleid = Entity(Role, access=ANY, help="the role; all where it is not given")

    def run(self, context: Context) -> Listing:
        listed = [self.roleid] if self.roleid is not None else list(Role.alive().order_by(Role.id))
        return Listing([shown(role, rule) for role in listed for rule in roles.rules(context, role)])
