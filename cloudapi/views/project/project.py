"""What the API shows of projects, their members and invitations."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Given, Page, View
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain, Project, ProjectInvitation, ProjectMember, User
from cloudapi.views.account import account as account_views
from cloudapi.views.common import Tags, pretty_path
from cloudapi.views.resource_limit import balance


def load_owners(page: Page) -> dict[int, list[dict[str, Any]]]:
    """The accounts, or users of them, that administer each project."""
    found: dict[int, list[dict[str, Any]]] = {key: [] for key in page.ids}
    marks = ",".join("?" * len(page.ids))
    for project_id, account, user_uuid, username in rows(
            "SELECT m.project_id, a.account_name, u.uuid, u.username FROM project_member m JOIN account a "
            "ON a.id = m.account_id LEFT JOIN cloud_user u ON u.id = m.user_id WHERE m.role = 'Admin' "
            f"AND m.project_id IN ({marks}) ORDER BY m.id", page.ids):
        user = {"userid": user_uuid, "user": username} if user_uuid else {}
        found[project_id].append({"account": account, **user})
    return found


def load_limits(page: Page) -> dict[int, dict[str, Any]]:
    accounts = page.values("project_account_id")
    shown = balance.of_accounts(page.context, sorted(set(accounts.values())))
    return {key: shown[account] for key, account in accounts.items()}


def load_machines(page: Page) -> dict[int, dict[str, int]]:
    accounts = page.values("project_account_id")
    counted = account_views.machines_of(sorted(set(accounts.values())))
    return {key: counted[account] for key, account in accounts.items()}


ProjectLimits: Any = type("ProjectLimits", (), balance.owner_fields(
    load_limits, since="4.2.0", leave_out=("project",), needs=("project_account_id",)))


class ProjectView(ProjectLimits, View):
    record, name = Project, "project"
    links = {"account_": ("project_account_id", Account)}

    id = Column("uuid", "ID of the project")
    name_ = Column("name", "name of the project")
    displaytext = Column("display_text", "what the project is")
    domainid = Column("domain.uuid", "ID of its domain")
    domain = Column("domain.name", "name of its domain")
    owner = Batch(load_owners, "who administers it", type="list")
    projectaccountname = Column("account_.account_name", "name of the account that owns its things")
    state = Column("state", "Active, Suspended or Disabled")
    created = Column("created", "when it was made", type="date", since="4.16.0")
    tags = Tags("Project")
    vmrunning = Batch(load_machines, "Instances that run", key="vmrunning", type="integer", detail="resource",
                      since="4.2.0", needs=("project_account_id",))
    vmstopped = Batch(load_machines, "Instances that are stopped", key="vmstopped", type="integer", detail="resource",
                      since="4.2.0", needs=("project_account_id",))
    icon = Given("icon of the project", type="resourceiconresponse", since="4.16.0.0")


class ProjectMemberView(View):
    """A member; listProjectAccounts declares projects in the catalogue, yet answers with these."""

    record, name = ProjectMember, "projectaccount"
    links = {"account_": ("account_id", Account), "user_": ("user_id", User)}

    projectid = Column("project.uuid", "ID of the project")
    project = Column("project.name", "name of the project")
    accountid = Column("account_.uuid", "ID of the account")
    account = Column("account_.account_name", "name of the account")
    accounttype = Column("account_.account_type", "type of the account")
    role = Column("role", "Admin or Regular")
    userid = Column("user_.uuid", "ID of the user, where one user is the member")
    username = Column("user_.username", "name of the user")
    domainid = Column("account_.domain.uuid", "ID of the account's domain")
    domain = Column("account_.domain.name", "name of the account's domain")


class ProjectInvitationView(View):
    record, name = ProjectInvitation, "projectinvitation"
    links = {"account_": ("account_id", Account), "user_": ("user_id", User), "domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the invitation")
    projectid = Column("project.uuid", "ID of the project")
    project = Column("project.name", "name of the project")
    domainid = Column("domain_.uuid", "ID of the project's domain")
    domain = Column("domain_.name", "name of the project's domain")
    domainpath = Column("domain_.path", "path of the project's domain", convert=pretty_path, since="4.19.2.0")
    account = Column("account_.account_name", "account that is invited")
    userid = Column("user_.uuid", "user who is invited")
    email = Column("email", "address that the invitation went to")
    state = Column("state", "Pending, Completed, Expired or Declined")
