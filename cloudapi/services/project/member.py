"""Who belongs to a project: accounts, or single users of them, as admins or as regular members."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, Project, ProjectMember, User
from cloudapi.services.account import limit, privilege

ADMIN, REGULAR = "Admin", "Regular"


def role_named(text: str) -> str:
    """Return the role in a project of this name.

    :raises InvalidParameter: there is none.
    """
    for role in (ADMIN, REGULAR):
        if role.lower() == text.strip().lower():
            return role
    raise InvalidParameter(f"Invalid role type {text[:40]!r} specified: Admin or Regular (parameter roletype)")


def account_named(project: Project, name: str) -> Account:
    """Return the account of this name in the project's domain.

    :raises InvalidParameter: there is none.
    """
    found = Account.alive(Account.account_name == name, Account.domain == project.domain_id, Account.state == "enabled",
                          Account.account_type != privilege.PROJECT_ACCOUNT).first()
    if found is None:
        raise InvalidParameter(f"Unable to find account {name[:80]} in the project's domain (parameter account)")
    return found


def user_named(project: Project, username: str) -> User:
    found = User.alive(User.username == username, User.domain_id == project.domain_id).first()
    if found is None:
        raise InvalidParameter(f"Unable to find user {username[:80]} in the project's domain (parameter username)")
    return found


def _of(project: Project, account_id: int, user_id: int | None) -> Any:
    query = ProjectMember.select().where(ProjectMember.project == project.id, ProjectMember.account_id == account_id)
    if user_id is None:
        return query.where(ProjectMember.user_id.is_null())
    return query.where(ProjectMember.user_id == user_id)


def find(project: Project, account_id: int, user_id: int | None) -> ProjectMember | None:
    found: ProjectMember | None = _of(project, account_id, user_id).first()
    return found


def has_role(project: Project, account_id: int, user_id: int, role: str) -> bool:
    """Whether an account, or the user of it, has this role; what is said of the user wins."""
    found = find(project, account_id, user_id) or find(project, account_id, None)
    return found is not None and found.role == role


def owners(project: Project) -> list[int]:
    """Return the accounts that administer the project: those whose limit of projects it counts for."""
    return [row.account_id for row in ProjectMember.select().where(
        ProjectMember.project == project.id, ProjectMember.role == ADMIN)]


def write(context: Context, project: Project, account: Account, role: str, user: User | None = None) -> None:
    """Make an account (or one user) a member; an admin's counts for its limit of projects. Within a transaction."""
    if find(project, account.id, user.id if user else None) is not None:
        return
    if user is not None and find(project, account.id, None) is not None:
        raise InvalidParameter(f"User belongs to account {account.account_name} which is already part of the project "
                               "(parameter username)")
    if role == ADMIN:
        limit.take(context, account, "project")
    ProjectMember.create(project=project.id, account_id=account.id, user_id=user.id if user else None, role=role)


def set_role(context: Context, project: Project, account: Account, user: User | None, role: str) -> None:
    """Give a member another role.

    :raises InvalidParameter: it is no member, or the last admin.
    """
    member = find(project, account.id, user.id if user else None)
    if member is None:
        raise InvalidParameter(f"{user.username if user else account.account_name} doesn't belong to the project. "
                               "Add it to the project first (parameters account, userid)")
    if member.role == role:
        return
    if role == ADMIN:
        limit.take(context, account, "project")
    else:
        _check_not_last(project, member)
        limit.give_back(account, "project")
    ProjectMember.update(role=role).where(ProjectMember.id == member.id).execute()


def swap_owner(context: Context, project: Project, account: Account) -> None:
    """Make a member the only admin: those who were become regular members."""
    set_role(context, project, account, None, ADMIN)
    for member in ProjectMember.select().where(ProjectMember.project == project.id, ProjectMember.role == ADMIN,
                                               ProjectMember.account_id != account.id):
        limit.give_back(Account.get_by_id(member.account_id), "project")
        ProjectMember.update(role=REGULAR).where(ProjectMember.id == member.id).execute()


def remove(project: Project, account: Account, user: User | None) -> None:
    """Take a member out of a project; what it made for the project stays.

    :raises InvalidParameter: it is none, or the last admin.
    """
    member = find(project, account.id, user.id if user else None)
    if member is None:
        raise InvalidParameter(f"{user.username if user else account.account_name} is not assigned to the project "
                               "(parameters account, userid)")
    if member.role == ADMIN:
        _check_not_last(project, member)
        limit.give_back(account, "project")
    ProjectMember.delete().where(ProjectMember.id == member.id).execute()


def _check_not_last(project: Project, member: ProjectMember) -> None:
    others = ProjectMember.select().where(ProjectMember.project == project.id, ProjectMember.role == ADMIN,
                                          ProjectMember.id != member.id)
    if not others.exists():
        raise InvalidParameter("Cannot demote or remove the only admin of the project (parameters account, userid)")
