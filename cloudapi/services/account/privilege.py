"""Who may change whose accounts and users: nobody gives or touches more than they have."""

from __future__ import annotations

from typing import Any

from cloudapi.context import ADMIN, ADMIN_ACCOUNT, DOMAIN_ADMIN, RESOURCE_ADMIN, SYSTEM_ACCOUNT, USER, Context
from cloudapi.errors import PermissionDenied
from cloudapi.models.identity import Account, Domain, Role, User

PROJECT_ACCOUNT = 5
RANK = {ADMIN: 0, RESOURCE_ADMIN: 1, DOMAIN_ADMIN: 2, USER: 3}


def check_domain(context: Context, domain: Domain) -> None:
    """Refuse where a domain is not the caller's own, nor (for admins) below it.

    :raises PermissionDenied: 531.
    """
    caller = context.caller
    inside = domain.path.startswith(caller.domain_path) if caller.is_admin else domain.id == caller.domain_id
    if not inside:
        raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to operate "
                               f"within domain id={domain.uuid}")


def check(context: Context, account: Account, user: User | None = None) -> None:
    """Refuse an operation on an account, or on one of its users, that has more rights than the caller.

    :raises PermissionDenied: 531.
    """
    caller = context.caller
    if account.account_type == PROJECT_ACCOUNT or caller.account_id in (SYSTEM_ACCOUNT, ADMIN_ACCOUNT):
        return
    target = Role.get_by_id(account.role_id)
    mine, theirs = RANK[caller.role_type], RANK[target.role_type]
    who = f"The calling account [{caller.account_name}, {caller.account_uuid}]"
    if mine > theirs:
        raise PermissionDenied(f"{who} has a lower role type than the user account "
                               f"[{account.account_name}, {account.uuid}]")
    if mine == theirs:
        _check_same_type(context, account, user, who)
    if not caller.is_root_admin:
        check_escalation(context, target.id)


def _check_same_type(context: Context, account: Account, user: User | None, who: str) -> None:
    caller = context.caller
    if account.id != caller.account_id:
        allowed = context.settings.get("role.types.allowed.for.operations.on.accounts.of.same.role.type",
                                       domain=caller.domain_id) or ""
        if caller.role_type not in [part.strip() for part in allowed.split(",")]:
            raise PermissionDenied(f"{who} is not allowed to perform this operation on users from other accounts of "
                                   "the same role type within the domain")
    elif user is not None and user.id != caller.user_id and not context.settings.get(
            "allow.operations.on.users.in.same.account", domain=caller.domain_id):
        raise PermissionDenied("The user operations are not allowed by the users in the same account")


def check_escalation(context: Context, role_id: int) -> None:
    """Refuse a role that allows a command which the caller may not call.

    :raises PermissionDenied: 531.
    """
    caller = context.caller
    permissions: Any = context.installation.permissions
    for command in context.installation.registry:
        if permissions.role_allows(role_id, command) and not permissions.allowed(caller, command):
            raise PermissionDenied(f"User of Account {caller.account_name} can not create an account with access to "
                                   "more privileges they have themself")
