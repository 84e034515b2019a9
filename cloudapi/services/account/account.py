"""The rules of accounts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cloudapi import events
from cloudapi.context import ADMIN, RESOURCE_ADMIN, ROOT_DOMAIN, SYSTEM_ACCOUNT, Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.identity import Account, Domain, ProjectMember, ResourceCount, ResourceLimit, Role, User
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.services import detail
from cloudapi.services.account import cleanup, limit, privilege
from cloudapi.services.role import role as roles
from cloudapi.services.user import user as users
from cloudapi.services.zone.domain_name import check_domain_name

PROJECT_ACCOUNT = privilege.PROJECT_ACCOUNT
ENABLED, DISABLED, LOCKED = users.ENABLED, users.DISABLED, users.LOCKED


def choose_role(context: Context, account_type: int | None, role: Role | None) -> Role:
    """Return the role of a new account: the one given, else the default one of the account type.

    :raises InvalidParameter: neither is given, they differ in kind, or the role is not to be seen by the caller.
    """
    if role is None:
        if account_type is None:
            raise InvalidParameter("Neither account type and role ID are provided (parameters accounttype, roleid)")
        if account_type not in roles.DEFAULT_ROLES:
            raise InvalidParameter(f"Invalid value {account_type} for parameter accounttype: it is one of 0 (user), "
                                   "1 (root admin), 2 (domain admin), 3 (resource admin)")
        found: Role = Role.get_by_id(roles.DEFAULT_ROLES[account_type])
        return found
    if not roles.visible(context, role) or role.state != ENABLED:
        raise InvalidParameter(f"Role with ID {role.uuid} is not found or not available (parameter roleid)")
    return role


def create(context: Context, name: str | None, domain: Domain | None, role: Role, *, username: str, password: str,
           network_domain: str | None, details: Mapping[str, str] | None, account_id: str | None,
           **user: Any) -> Account:
    """Make an account with its first user. Within a transaction.

    :param name: the user's name where it is not given. :param domain: the root where it is not given.
    :param user: see `services.user.user.write`.
    :raises InternalError: the domain is being deleted.
    """
    domain = domain or Domain.get_by_id(ROOT_DOMAIN)
    name = name if name else username
    privilege.check_domain(context, domain)
    if domain.state != "Active":
        raise InternalError(f"The account cannot be created as domain {domain.name} is being deleted "
                            "(parameter domainid)")
    _check_role_in_domain(role, domain)
    users.serialise(domain)
    _check_name(name, domain, "account")
    users.check_username(context, username, None, domain)
    if network_domain:
        check_domain_name(network_domain, "networkdomain")
    if not context.caller.is_root_admin or context.caller.role_id != role.id:
        privilege.check_escalation(context, role.id)
    account = Account.create(
        uuid=users.given_uuid(account_id, "accountid", Account), account_name=name,
        account_type=roles.ACCOUNT_TYPES[role.role_type], role=role.id, domain=domain.id,
        network_domain=network_domain or None)
    detail.put(account, details or {})
    users.write(context, account, username, password, **user)
    return account


def _check_name(name: str, domain: Domain, parameter: str, account: Account | None = None) -> None:
    if not name.strip() or len(name) > 100:
        raise InvalidParameter(f"Invalid value {name[:40]!r} for parameter {parameter}: 1 to 100 characters")
    taken = Account.alive(Account.account_name == name, Account.domain == domain.id,
                          Account.account_type != PROJECT_ACCOUNT)
    if account is not None:
        taken = taken.where(Account.id != account.id)
    if taken.exists():
        raise InvalidParameter(f"The specified account: {name} already exists in domain {domain.uuid} "
                               f"(parameter {parameter})")


def _check_role_in_domain(role: Role, domain: Domain) -> None:
    if role.role_type == ADMIN and domain.id != ROOT_DOMAIN:
        raise InvalidParameter(f"Invalid account type 1 for an account in domain {domain.name}: users of the admin "
                               "role type are in the ROOT domain (parameters accounttype, roleid)")
    if role.role_type == RESOURCE_ADMIN and not Zone.alive(Zone.domain_id == domain.id).exists():
        raise InvalidParameter(f"The account cannot be created as domain {domain.name} is not associated with any "
                               "private Zone (parameters accounttype, roleid)")


def find(context: Context, account: Account | None, name: str | None, domain: Domain | None) -> Account:
    """Return the account given by itself, or by name and domain.

    :raises InvalidParameter: there is none.
    """
    if account is None:
        if not name or domain is None:
            raise InvalidParameter("Either the parameter id or the parameters account and domainid name the account")
        account = Account.alive(Account.account_name == name, Account.domain == domain.id).first()
    if account is None or account.account_type == PROJECT_ACCOUNT:
        raise InvalidParameter(f"Unable to find account {(name or '')[:80]!r} (parameters id, account, domainid)")
    return account


def changeable(context: Context, account: Account, doing: str) -> None:
    """Refuse an account that the caller may not change.

    :raises PermissionDenied: the system's account, one of another domain, or one with more rights.
    """
    if account.id == SYSTEM_ACCOUNT:
        raise PermissionDenied(f"Account {account.account_name} is a system account, {doing} is not allowed")
    privilege.check_domain(context, Domain.get_by_id(account.domain_id))
    privilege.check(context, account)


def update(context: Context, account: Account, *, role: Role | None, name: str | None, network_domain: str | None,
           details: Mapping[str, str] | None, api_key_access: str | None) -> Account:
    """Change an account; an empty network domain removes it."""
    changeable(context, account, "update")
    domain = Domain.get_by_id(account.domain_id)
    if name is not None:
        users.serialise(domain)
        _check_name(name, domain, "newname", account)
        account.account_name = name
    if network_domain:
        check_domain_name(network_domain, "networkdomain")
    if network_domain is not None:
        account.network_domain = network_domain or None
    if role is not None and role.id != account.role_id:
        _change_role(context, account, role)
    if api_key_access is not None:
        account.api_key_access = users.access_named(api_key_access)
    account.save()
    if details:
        detail.put(account, details)
    return account


def _change_role(context: Context, account: Account, role: Role) -> None:
    text = f"Unable to update account role to {role.name}"
    if not roles.visible(context, role):
        raise InvalidParameter(f"Role with ID {role.uuid} is not found or not available (parameter roleid)")
    if account.is_default:
        raise PermissionDenied(f"{text}, as the account is a default account")
    mine = privilege.RANK[context.caller.role_type]
    if min(privilege.RANK[role.role_type], privilege.RANK[account.role.role_type]) < mine:
        raise PermissionDenied(f"{text}, as either current or new role has higher privileges than the caller")
    if role.role_type == ADMIN and account.domain_id != ROOT_DOMAIN:
        raise PermissionDenied(f"{text}, as the user does not belong to the ROOT domain")
    privilege.check_escalation(context, role.id)
    account.role = role.id
    account.account_type = roles.ACCOUNT_TYPES[role.role_type]


def set_state(context: Context, account: Account, state: str) -> Account:
    """Enable, disable or lock an account; stopping a disabled account's Instances is for `stop_machines`."""
    changeable(context, account, {ENABLED: "enable", DISABLED: "disable", LOCKED: "lock"}[state])
    if state != ENABLED and account.id == context.caller.account_id:
        raise PermissionDenied("The own account cannot be disabled or locked (parameter id)")
    if state == LOCKED and account.state == DISABLED:
        raise InvalidParameter(f"Unable to lock account {account.account_name}: it is disabled (parameter account)")
    Account.update(state=state).where(Account.id == account.id).execute()
    if state != ENABLED:
        for user in User.alive(User.account == account.id):
            users.end_sessions(user.id)
    account.state = state
    return account


def stop_machines(context: Context, account: Account) -> None:
    """Stop the Instances of an account; one that does not stop is left to the next cleanup."""
    from cloudapi.services.virtual_machine import life

    for machine in Machine.alive(Machine.account_id == account.id, Machine.kind == "User", Machine.state == "Running"):
        life.stop(context, machine)


def check_deletable(context: Context, account: Account) -> None:
    """Refuse to delete an account that has to stay.

    :raises InvalidParameter: the caller's own, a default one, one that manages a project or has protected Instances.
    """
    if account.id == context.caller.account_id:
        raise InvalidParameter(f"Deletion of your own account is not allowed. To delete account "
                               f"{account.account_name} (ID: {account.uuid}), ask another user (parameter id)")
    if account.account_type == PROJECT_ACCOUNT:
        raise InvalidParameter("The specified account does not exist in the system (parameter id)")
    if account.is_default:
        raise InvalidParameter("The account is default and can't be removed (parameter id)")
    changeable(context, account, "deleting")
    managed = ProjectMember.select().where(ProjectMember.account_id == account.id, ProjectMember.role == "Admin")
    if managed.exists():
        names = ", ".join(member.project.name for member in managed)
        raise InvalidParameter(f"Unable to delete account {account.account_name}: it manages the projects {names}. "
                               "Remove it from them, or give it the role Regular, first")
    if Machine.alive(Machine.account_id == account.id, Machine.delete_protection == True).exists():  # noqa: E712
        raise InvalidParameter(f"Cannot delete Account '{account.account_name}'. One or more Instances have delete "
                               "protection enabled")


def delete(context: Context, account: Account) -> None:
    """Remove an account, its users and all that it owns; in a job.

    What cannot be removed now is tried again by the periodic cleanup.
    """
    run = context.steps.run
    name = f"account {account.id}"
    run(f"close {name}", lambda: close(account))
    left = cleanup.run(context, account)
    run(f"remove {name}", lambda: remove(account, left))


def close(account: Account) -> None:
    """Shut an account's users out, before its things are removed."""
    Account.update(state=DISABLED, cleanup_needed=True).where(Account.id == account.id).execute()
    users.remove([user.id for user in User.alive(User.account == account.id)])


def remove(account: Account, left: list[str]) -> None:
    """Mark an account removed, with what the system keeps about it.

    :param left: what the cleanups could not remove.
    """
    ProjectMember.delete().where(ProjectMember.account_id == account.id).execute()
    (ResourceLimit.delete()
     .where(ResourceLimit.owner_type == limit.ACCOUNT, ResourceLimit.owner_id == account.id).execute())
    if not left:
        release_counts(account)
        detail.remove(account)
    Account.update(removed=now(), cleanup_needed=bool(left)).where(Account.id == account.id).execute()


def release_counts(account: Account) -> None:
    """Forget the counts of an account that has nothing left; what they still say is taken off its domains'."""
    of_account = (ResourceCount.owner_type == limit.ACCOUNT, ResourceCount.owner_id == account.id)
    for row in ResourceCount.select().where(*of_account, ResourceCount.tag == "", ResourceCount.count > 0):
        limit.give_back(account, row.resource_type, row.count)
    ResourceCount.delete().where(*of_account).execute()


def clean_up(context: Context) -> None:
    """Try again to remove what deleted accounts left; done by the clock."""
    for account in Account.select().where(Account.removed.is_null(False), Account.cleanup_needed == True):  # noqa: E712
        left = cleanup.run(context, account)
        if not left:
            context.steps.run(f"cleaned account {account.id}", partial(remove, account, []))


def added_event(context: Context, account: Account) -> None:
    events.completed(context, "ACCOUNT.CREATE", f"creating account {account.account_name} ({account.uuid})", account)
