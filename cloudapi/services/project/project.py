"""The rules of projects: things that several accounts own together, through an account of the project's own."""

from __future__ import annotations

from cloudapi.context import USER, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain, Project, ProjectInvitation, ProjectMember, User
from cloudapi.models.machine import Machine
from cloudapi.services import detail
from cloudapi.services.account import account as accounts
from cloudapi.services.account import cleanup, limit, privilege
from cloudapi.services.project import member as members
from cloudapi.services.user import user as users

ACTIVE, SUSPENDED, DISABLED = "Active", "Suspended", "Disabled"

# What a project may own, with the table's name and a condition on its rows.
_OWNED = (("Instances", "machine", "t.kind = 'User'"), ("volumes", "volume", "t.state <> 'Expunged'"),
          ("networks", "network", "t.state <> 'Destroy'"), ("templates", "template", "1 = 1"),
          ("snapshots", "snapshot", "t.state <> 'Destroyed'"))


def create(context: Context, name: str, display_text: str | None, owner: Account, user: User | None) -> Project:
    """Make a project with its account; the owner becomes its admin. Within a transaction.

    :param user: the one user of the owner who administers it; None for all.
    :raises PermissionDenied: users may not, by the setting `allow.user.create.projects`.
    :raises InvalidParameter: the name is taken in the domain.
    :raises ResourceLimitExceeded: the owner has as many as it may.
    """
    if context.caller.role_type == USER and not context.settings.get("allow.user.create.projects"):
        raise PermissionDenied("Regular user is not permitted to create a project")
    if user is not None and user.account_id != owner.id:
        raise InvalidParameter("User doesn't belong to the specified account or domain (parameter userid)")
    domain = Domain.get_by_id(owner.domain_id)
    users.serialise(domain)
    _check_name(name, domain)
    account = Account.create(account_name=f"PrjAcct-{name[:70]}-{domain.id}", role=None, domain=domain.id,
                             account_type=privilege.PROJECT_ACCOUNT)
    project = Project.create(name=name, display_text=display_text or name, project_account_id=account.id,
                             domain=domain.id, state=DISABLED)
    members.write(context, project, owner, members.ADMIN, user)
    return project


def _check_name(name: str, domain: Domain, project: Project | None = None) -> None:
    if not name.strip():
        raise InvalidParameter("Project name cannot be empty (parameter name)")
    taken = Project.alive(Project.name == name, Project.domain == domain.id)
    if project is not None:
        taken = taken.where(Project.id != project.id)
    if taken.exists():
        raise InvalidParameter(f"Project with name {name[:80]} already exists in domain {domain.uuid} (parameter name)")


def owner_for(context: Context, account_name: str | None, domain: Domain | None, account: Account | None,
              user: User | None) -> Account:
    """Return the account that shall own a new project."""
    if (account_name is None) != (domain is None) and account is None:
        raise InvalidParameter("Account name and domain id must be specified together (parameters account, domainid)")
    if user is not None and account is None and domain is None:
        raise InvalidParameter("Domain ID and account ID must be provided with User ID (parameter userid)")
    if account is None and account_name is not None and domain is not None:
        account = accounts.find(context, None, account_name, domain)
    if account is None:
        account = Account.get_by_id(context.caller.account_id)
    if account.id != context.caller.account_id:
        privilege.check_domain(context, Domain.get_by_id(account.domain_id))
        privilege.check(context, account)
    return account


def check_admin(context: Context, project: Project) -> None:
    """Refuse those who do not administer the project.

    :raises PermissionDenied: 531.
    """
    caller = context.caller
    domain = Domain.get_by_id(project.domain_id)
    if caller.is_root_admin or (caller.is_domain_admin and domain.path.startswith(caller.domain_path)):
        return
    if not members.has_role(project, caller.account_id, caller.user_id, members.ADMIN):
        raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to operate "
                               f"with resource Project {project.uuid}: it is none of its admins")


def update(context: Context, project: Project, *, name: str | None, display_text: str | None,
           account_name: str | None, user: User | None, role: str | None, swap: bool) -> Project:
    """Change a project, or the role of one of its members.

    :param swap: the account of this name becomes the only owner.
    """
    check_admin(context, project)
    if name is not None:
        domain = Domain.get_by_id(project.domain_id)
        users.serialise(domain)
        _check_name(name, domain, project)
        project.name = name
    if display_text is not None:
        project.display_text = display_text
    project.save()
    if account_name is not None:
        account = members.account_named(project, account_name)
        if swap:
            members.swap_owner(context, project, account)
        else:
            members.set_role(context, project, account, None, members.role_named(role or members.ADMIN))
    elif user is not None:
        members.set_role(context, project, user.account, user, members.role_named(role or members.ADMIN))
    return project


def set_state(project: Project, state: str) -> None:
    Project.update(state=state).where(Project.id == project.id).execute()


def activate(context: Context, project: Project) -> None:
    check_admin(context, project)
    if project.state not in (ACTIVE, SUSPENDED):
        raise InvalidParameter(f"Can't activate the project in {project.state} state (parameter id)")
    set_state(project, ACTIVE)
    Account.update(state=accounts.ENABLED).where(Account.id == project.project_account_id).execute()


def suspend(context: Context, project: Project) -> None:
    """Suspend a project and stop its Instances; in a job."""
    def mark() -> None:
        check_admin(context, project)
        set_state(project, SUSPENDED)
        Account.update(state=accounts.DISABLED).where(Account.id == project.project_account_id).execute()

    context.steps.run("suspend", mark)
    accounts.stop_machines(context, Account.get_by_id(project.project_account_id))


def check_deletable(context: Context, project: Project, *, with_content: bool) -> None:
    """Refuse to delete a project that has something, or protected Instances.

    :raises InvalidParameter: it is so.
    """
    check_admin(context, project)
    owner = project.project_account_id
    if Machine.alive(Machine.account_id == owner, Machine.delete_protection == True).exists():  # noqa: E712
        raise InvalidParameter(f"Cannot delete project {project.name}: Instances have delete protection enabled")
    if with_content:
        return
    left = [f"{count} {words}" for words, table, condition in _OWNED if (count := rows(
        f"SELECT COUNT(*) FROM {table} t WHERE t.removed IS NULL AND t.account_id = ? AND {condition}",
        [owner])[0][0])]
    if left:
        raise InvalidParameter(f"Can't delete the project yet because it has {', '.join(left)}; remove them, or "
                               "use the parameter cleanup")


def delete(context: Context, project: Project) -> None:
    """Remove a project with all that it owns; in a job."""
    account = Account.get_by_id(project.project_account_id)
    context.steps.run(f"close project {project.id}", lambda: set_state(project, DISABLED))
    left = cleanup.run(context, account)
    context.steps.run(f"remove project {project.id}", lambda: _remove(project, account, left))


def _remove(project: Project, account: Account, left: list[str]) -> None:
    for owner in members.owners(project):
        limit.give_back(Account.get_by_id(owner), "project")
    ProjectMember.delete().where(ProjectMember.project == project.id).execute()
    ProjectInvitation.update(removed=now()).where(ProjectInvitation.project == project.id).execute()
    detail.remove(project)
    accounts.remove(account, left)
    Project.update(removed=now()).where(Project.id == project.id, Project.removed.is_null()).execute()
