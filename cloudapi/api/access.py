"""Who may do what with a resource.

    ANY      no ownership is asked: the command's roles decide (infrastructure, an admin's business)
    USE      see and build upon: a public template, an offering of the caller's domain, a shared network
    OPERATE  change: the owner, the owner's domain admins, the members of the owning project, root admins
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudapi.context import Caller, Context
from cloudapi.errors import PermissionDenied
from cloudapi.models.identity import Account, Domain, Project, ProjectMember, User

ANY, USE, OPERATE = "any", "use", "operate"

_USE_RULES: dict[type, Callable[[Caller, Any], bool]] = {}


def may_use(record: type) -> Callable[[Callable[[Caller, Any], bool]], Callable[[Caller, Any], bool]]:
    """Register a rule for `record`: who, beside those that may operate it, may use one."""

    def register(rule: Callable[[Caller, Any], bool]) -> Callable[[Caller, Any], bool]:
        _USE_RULES[record] = rule
        return rule

    return register


def in_subtree(path: str, domain_id: int | None) -> bool:
    """Whether the domain of this id is at or below the domain of this path."""
    if domain_id is None:
        return False
    domain = Domain.get_or_none(Domain.id == domain_id)
    return domain is not None and domain.path.startswith(path)


def may_see_domain(caller: Caller, domain: Domain) -> bool:
    """Whether a domain is the caller's own, or (for admins) below it."""
    if caller.is_root_admin or domain.id == caller.domain_id:
        return True
    return caller.is_admin and bool(domain.path.startswith(caller.domain_path))


def is_member(caller: Caller, project_account_id: int) -> bool:
    """Whether the caller's account (or the caller) belongs to the project of this project account."""
    member = (ProjectMember.select().join(Project, on=(Project.id == ProjectMember.project))
              .where(Project.project_account_id == project_account_id, Project.removed.is_null(),
                     ProjectMember.account_id == caller.account_id,
                     ProjectMember.user_id.is_null() | (ProjectMember.user_id == caller.user_id)))
    return bool(member.exists())


def owner_of(record: Any) -> tuple[int | None, int | None]:
    """Return `(account id, domain id)` that own a record; an account owns itself, a user is owned by its account."""
    if isinstance(record, Account):
        return record.id, record.domain_id
    if isinstance(record, User):
        return record.account_id, record.domain_id
    if isinstance(record, Project):
        return record.project_account_id, record.domain_id
    return getattr(record, "account_id", None), getattr(record, "domain_id", None)


def may_operate(caller: Caller, record: Any) -> bool:
    if caller.is_root_admin:
        return True
    if isinstance(record, Domain):
        return may_see_domain(caller, record)
    account_id, domain_id = owner_of(record)
    if account_id == caller.account_id:
        return True
    if caller.is_domain_admin and in_subtree(caller.domain_path, domain_id):
        return True
    return account_id is not None and is_member(caller, account_id)


def check(context: Context, record: Any, access: str) -> None:
    """Refuse the call where the caller has not this access to the record.

    :raises PermissionDenied: 531.
    """
    caller = context.caller
    if access == ANY or may_operate(caller, record):
        return
    if access == USE:
        rule = _USE_RULES.get(type(record))
        if rule is not None and rule(caller, record):
            return
    account = f"Acct[{caller.account_uuid}-{caller.account_name}]"
    raise PermissionDenied(f"{account} does not have permission to operate with resource "
                           f"{type(record).__name__} {getattr(record, 'uuid', '')}".rstrip())
