"""What the API shows of roles and their rules."""

from __future__ import annotations

from cloudapi.api.view import Column, Given, View
from cloudapi.models.identity import Role


class RoleView(View):
    record, name = Role, "role"

    id = Column("uuid", "ID of the role")
    name_ = Column("name", "name of the role")
    type = Column("role_type", "Admin, ResourceAdmin, DomainAdmin or User")
    description = Column("description", "what the role is for")
    isdefault = Column("is_default", "whether the installation began with it")
    ispublic = Column("is_public", "whether domain admins may give it to their accounts")
    state = Column("state", "enabled or disabled")


class RolePermissionView(View):
    """A rule of a role; those of default roles are no records."""

    name = "rolepermission"

    id = Given("ID of the rule", type="string")
    roleid = Given("ID of the role", type="string")
    rolename = Given("name of the role", type="string")
    rule = Given("name of a command, or a pattern with *", type="string")
    permission = Given("allow or deny", type="string")
    description = Given("what the rule is for", type="string")
