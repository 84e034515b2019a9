"""Invitations to projects, where the setting `project.invite.required` asks for them."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied, UnsupportedAction
from cloudapi.models.base import now
from cloudapi.models.identity import Account, Project, ProjectInvitation, User
from cloudapi.services.project import member as members
from cloudapi.services.project import project as projects

PENDING, COMPLETED, EXPIRED, DECLINED = "Pending", "Completed", "Expired", "Declined"
LIFETIME = 86_400_000  # ms; CloudStack's default of project.invite.timeout


def add(context: Context, project: Project, account: Account | None, user: User | None, role: str,
        email: str | None) -> None:
    """Make an account or a user a member, or invite it. Within a transaction.

    :raises UnsupportedAction: by mail: no mail server belongs to an installation.
    """
    projects.check_admin(context, project)
    if email and account is None:
        raise UnsupportedAction("Parameter email: this installation sends no mail; name the account or the user")
    if account is None:
        raise InvalidParameter("The parameter account says who is to be added")
    if members.find(project, account.id, user.id if user else None) is not None:
        return
    if not context.settings.get("project.invite.required"):
        members.write(context, project, account, role, user)
        return
    expire(context)
    pending = ProjectInvitation.alive(ProjectInvitation.project == project.id, ProjectInvitation.state == PENDING,
                                      ProjectInvitation.account_id == account.id)
    if pending.exists():
        raise InvalidParameter(f"There is already a pending invitation for account {account.account_name} to the "
                               f"project {project.name}")
    ProjectInvitation.create(project=project.id, account_id=account.id, user_id=user.id if user else None,
                             domain_id=project.domain_id, role=role)


def expire(context: Context) -> None:
    """Mark the invitations that nobody answered within a day."""
    (ProjectInvitation.update(state=EXPIRED)
     .where(ProjectInvitation.state == PENDING, ProjectInvitation.created < context.now() - LIFETIME).execute())


def answer(context: Context, project: Project, account_name: str | None, user: User | None, token: str | None,
           accept: bool) -> None:
    """Accept or decline an invitation; by default the caller's own. Within a transaction.

    :raises InvalidParameter: there is none, or it has expired.
    """
    caller = context.caller
    query = ProjectInvitation.alive(ProjectInvitation.project == project.id)
    if token:
        query = query.where(ProjectInvitation.token == token)
    else:
        account = user.account if user is not None else (
            members.account_named(project, account_name) if account_name else Account.get_by_id(caller.account_id))
        _check_may_answer(context, account)
        query = query.where(ProjectInvitation.account_id == account.id)
        if user is not None:
            query = query.where(ProjectInvitation.user_id == user.id)
    expire(context)
    invitation = query.order_by(ProjectInvitation.id.desc()).first()
    if invitation is None or invitation.state in (COMPLETED, DECLINED):
        raise InvalidParameter(f"Unable to find a pending invitation to the project {project.name} "
                               "(parameters account, userid, token)")
    if invitation.state == EXPIRED:
        raise InvalidParameter(f"The invitation to the project {project.name} is expired")
    if accept:
        account = Account.get_by_id(invitation.account_id)
        invited = User.get_by_id(invitation.user_id) if invitation.user_id else None
        members.write(context, project, account, invitation.role, invited)
    ProjectInvitation.update(state=COMPLETED if accept else DECLINED) \
        .where(ProjectInvitation.id == invitation.id).execute()


def _check_may_answer(context: Context, account: Account) -> None:
    caller = context.caller
    domain: Any = account.domain
    if account.id != caller.account_id and not (
            caller.is_root_admin or (caller.is_domain_admin and domain.path.startswith(caller.domain_path))):
        raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to operate "
                               f"with resource Acct[{account.uuid}-{account.account_name}]")


def delete(context: Context, invitation: ProjectInvitation) -> None:
    projects.check_admin(context, invitation.project)
    ProjectInvitation.update(removed=now()).where(ProjectInvitation.id == invitation.id).execute()
