"""The rules of roles: four default ones, and those that root admins make with ordered rules."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.context import ADMIN, DOMAIN_ADMIN, RESOURCE_ADMIN, USER, Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.base import new_uuid, now
from cloudapi.models.identity import Account, Role, RolePermission
from cloudapi.services.role import permission as permissions

# Role type -> account type, and back to the default role of it.
ACCOUNT_TYPES = {ADMIN: 1, RESOURCE_ADMIN: 3, DOMAIN_ADMIN: 2, USER: 0}
DEFAULT_ROLES = {1: 1, 3: 2, 2: 3, 0: 4}
ALLOW, DENY = "allow", "deny"
_RULE = re.compile(r"^[A-Za-z0-9*]+$")
BATCH = 100
CHANGED = ("The rules of the role changed while they were being reordered (parameter ruleorder): "
           "list them and try again")


def role_type_named(text: str | None) -> str:
    """Return the role type of this name, in any case.

    :raises InvalidParameter: there is none.
    """
    for kind in ACCOUNT_TYPES:
        if text is not None and kind.lower() == text.strip().lower():
            return kind
    raise InvalidParameter(f"Invalid role type provided (parameter type): {str(text)[:40]!r} is none of "
                           f"{', '.join(ACCOUNT_TYPES)}")


def permission_named(text: str) -> str:
    """Return `allow` or `deny`.

    :raises InvalidParameter: the text is neither.
    """
    if text.strip().lower() not in (ALLOW, DENY):
        raise InvalidParameter("Values for permission parameter should be: allow or deny")
    return text.strip().lower()


def rule_checked(text: str) -> str:
    """Return a rule: letters, digits and `*` for any letters.

    :raises InvalidParameter: it holds something else.
    """
    if not _RULE.match(text):
        raise InvalidParameter(f"Only API names and wildcards are allowed, invalid rule provided: {text[:80]}")
    return text


def visible(context: Context, role: Role) -> bool:
    """Whether the caller may see the role: private ones and those of root admins are for root admins alone."""
    return context.caller.is_root_admin or (role.role_type != ADMIN and bool(role.is_public))


def create(context: Context, name: str, *, role_type: str | None, clone: Role | None, description: str | None,
           public: bool) -> Role:
    """Make a role, empty or with the type and the rules of another one.

    :raises InvalidParameter: neither a type nor a role to clone, or both; a name in use.
    """
    if (role_type is None) == (clone is None):
        raise InvalidParameter("Exactly one of the parameters type and roleid says what the role begins with")
    kind = clone.role_type if clone is not None else role_type_named(role_type)
    _check_name(name)
    role = Role.create(name=name, role_type=kind, description=description, is_public=public)
    if clone is not None:
        add_rules(role, [{"rule": row["rule"], "permission": row["permission"], "description": row["description"]}
                         for row in rules(context, clone)])
    return role


def _check_name(name: str, role: Role | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("Invalid role name provided (parameter name): it is empty")
    taken = Role.alive(Role.name == name)
    if role is not None:
        taken = taken.where(Role.id != role.id)
    if taken.exists():
        raise InvalidParameter(f"Role with name {name[:80]!r} already exists (parameter name)")


def add_rules(role: Role, values: Sequence[Mapping[str, str | None]]) -> None:
    """Append rules, in their order."""
    last = permissions.ordered(role.id)
    start = last[-1].sort_order + 1 if last else 0
    written = [{"uuid": new_uuid(), "role": role.id, "rule": value["rule"], "permission": value["permission"],
                "description": value.get("description"), "sort_order": start + index}
               for index, value in enumerate(values)]
    for first in range(0, len(written), BATCH):
        RolePermission.insert_many(written[first:first + BATCH]).execute()


def import_role(context: Context, name: str, role_type: str | None, description: str | None,
                rows: Sequence[Mapping[str, str]], *, forced: bool, public: bool) -> Role:
    """Make a role with these rules; `forced` replaces one of the same name and type.

    :raises InvalidParameter: a rule that is none, or a name in use.
    """
    kind = role_type_named(role_type)
    checked = []
    for row in rows:
        if not row.get("rule") or not row.get("permission"):
            raise InvalidParameter("Each of the parameter rules has a rule and a permission")
        checked.append({"rule": rule_checked(row["rule"]), "permission": permission_named(row["permission"]),
                        "description": row.get("description")})
    existing = Role.alive(Role.name == name).first()
    if existing is None:
        _check_name(name)
        role = Role.create(name=name, role_type=kind, description=description, is_public=public)
    else:
        if not forced:
            raise InternalError(f"Role already exists: {name[:80]!r} (parameter name); forced=true replaces it")
        if existing.is_default:
            raise InternalError(f"Failed to import the role: {name}, default role cannot be overridden")
        if existing.role_type != kind:
            raise InvalidParameter(f"The role {name[:80]!r} is of type {existing.role_type}; "
                                   "parameter type cannot change it by an import")
        role = existing
        role.description, role.is_public = description, public
        role.save()
        RolePermission.delete().where(RolePermission.role == role.id).execute()
    add_rules(role, checked)
    changed(context)
    return role


def update(context: Context, role: Role, *, name: str | None, role_type: str | None, description: str | None,
           public: bool | None) -> Role:
    """Change a role.

    :raises PermissionDenied: a default role (but whether it is public), or the type of a role in use.
    """
    if role.is_default and (public is None or name or role_type or description):
        raise PermissionDenied("Default roles cannot be updated (with the exception of making it private/public)")
    if name:
        _check_name(name, role)
        role.name = name
    if role_type is not None and role_type_named(role_type) != role.role_type:
        _check_unused(role, "change role type")
        role.role_type = role_type_named(role_type)
    if description:
        role.description = description
    if public is not None:
        role.is_public = public
    role.save()
    changed(context)
    return role


def _check_unused(role: Role, doing: str) -> None:
    if Account.alive(Account.role == role.id).exists():
        raise PermissionDenied(f"Found accounts that have role in use, won't allow to {doing}")


def delete(context: Context, role: Role) -> None:
    """Remove a role that no account has.

    :raises PermissionDenied: a default role, or one in use.
    """
    if role.is_default:
        raise PermissionDenied("Default roles cannot be deleted")
    _check_unused(role, "delete role")
    RolePermission.delete().where(RolePermission.role == role.id).execute()
    Role.update(removed=now()).where(Role.id == role.id).execute()
    changed(context)


def set_state(context: Context, role: Role, state: str) -> None:
    """Enable or disable a role; accounts with a disabled one can call nothing.

    :raises PermissionDenied: it is so already, or it is the role of root admins, which would lock everybody out.
    """
    if role.state == state:
        raise PermissionDenied(f"Role is already {state}")
    if role.id == permissions.ROOT_ADMIN_ROLE:
        raise PermissionDenied("The role of the root admin cannot be disabled")
    Role.update(state=state).where(Role.id == role.id).execute()
    changed(context)


def rules(context: Context, role: Role) -> list[dict[str, Any]]:
    """Return the rules of a role, in their order, as `id`, `rule`, `permission`, `description`.

    Those of a default role follow from the commands' declarations; their ids are derived and stay the same.
    """
    if not role.is_default:
        return [{"id": row.uuid, "rule": row.rule, "permission": row.permission, "description": row.description}
                for row in permissions.ordered(role.id)]
    registry = context.installation.registry
    return [{"id": str(uuid.uuid5(uuid.UUID(role.uuid), rule)), "rule": rule, "permission": permission,
             "description": None} for rule, permission in permissions.declared_rules(registry, role)]


def create_permission(context: Context, role: Role, rule: str, permission: str,
                      description: str | None) -> RolePermission:
    """Append a rule to a role.

    :raises PermissionDenied: a default role, or the role has the rule already.
    """
    if role.is_default:
        raise PermissionDenied("Role permission cannot be added for Default roles")
    _serialise(role)
    rule_checked(rule)
    kind = permission_named(permission)
    if any(row.rule.lower() == rule.lower() for row in permissions.ordered(role.id)):
        raise PermissionDenied(f"Rule already exists for the role: {role.name}")
    add_rules(role, [{"rule": rule, "permission": kind, "description": description}])
    changed(context)
    return permissions.ordered(role.id)[-1]


def _serialise(role: Role) -> None:
    """Hold the role's row, so that two changes of its rules follow each other."""
    Role.update(state=Role.state).where(Role.id == role.id).execute()


def update_permission(context: Context, role: Role, rule: RolePermission, permission: str) -> None:
    if role.is_default:
        raise PermissionDenied("Role permission cannot be updated for Default roles")
    if rule.role_id != role.id:
        raise InvalidParameter("The rule of parameter ruleid does not belong to the role of parameter roleid")
    RolePermission.update(permission=permission_named(permission)).where(RolePermission.id == rule.id).execute()
    changed(context)


def reorder(context: Context, role: Role, order: Sequence[RolePermission]) -> None:
    """Put the rules of a role into this order.

    :raises InternalError: these are not all of the role's rules: somebody changed them meanwhile.
    """
    if role.is_default:
        raise PermissionDenied("Role permission cannot be updated for Default roles")
    _serialise(role)
    if sorted(rule.id for rule in order) != sorted(rule.id for rule in permissions.ordered(role.id)):
        raise InternalError(CHANGED)
    for index, rule in enumerate(order):
        RolePermission.update(sort_order=index).where(RolePermission.id == rule.id).execute()
    changed(context)


def delete_permission(context: Context, rule: RolePermission) -> None:
    if rule.role.is_default:
        raise PermissionDenied("Role permission cannot be deleted for Default roles")
    RolePermission.delete().where(RolePermission.id == rule.id).execute()
    changed(context)


def changed(context: Context) -> None:
    """Make the change visible once it is committed."""
    context.after.append(context.installation.permissions.changed)
