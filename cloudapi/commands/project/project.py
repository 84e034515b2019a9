"""Projects."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import OwnedListCommand, TagParameters
from cloudapi.api.ownership import find_account
from cloudapi.api.parameters import Entity, Flag, NewName, Text, TextList
from cloudapi.api.query import Query, escape_like
from cloudapi.commands.account.account import DETAILS, detail_groups
from cloudapi.context import Context
from cloudapi.errors import PermissionDenied
from cloudapi.models.identity import Account, Domain, Project, User
from cloudapi.services.project import project as projects
from cloudapi.views.project.project import ProjectView


class CreateProject(AsyncCreateCommand):
    """Creates a project."""

    roles, event, response, since = EVERYONE, "PROJECT.CREATE", ProjectView, "3.0.0"
    creates = Project

    name = Text(required=True, help="its name, unique in the domain")
    displaytext = Text(help="what it is; the name where it is not given")
    account = Text(help="the account that shall administer it; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="the domain of the account")
    accountid = Entity(Account, access=OPERATE, help="ID of the account that shall administer it")
    userid = Entity(User, access=OPERATE, since="4.15.0", help="the one user of the account who shall administer it")

    def create(self, context: Context) -> Project:
        owner = projects.owner_for(context, self.account, self.domainid, self.accountid, self.userid)
        return projects.create(context, self.name, self.displaytext, owner, self.userid)

    def run(self, context: Context) -> int:
        context.steps.run("enable", lambda: projects.set_state(self.created, projects.ACTIVE))
        return int(self.created.id)


class UpdateProject(AsyncCommand):
    """Changes a project, its owner or the role of a member."""

    roles, event, response, since = EVERYONE, "PROJECT.UPDATE", ProjectView, "3.0.0"

    id = Entity(Project, access=OPERATE, required=True, lock=True, help="the project")
    name = NewName(since="4.19.0", help="a new name")
    displaytext = Text(help="what it is")
    account = Text(help="the member that becomes its owner, or gets another role")
    userid = Entity(User, access=ANY, help="the member, a user, that gets another role")
    roletype = Text(help="the member's role: Admin or Regular")
    swapowner = Flag(default=True, help="the account becomes the only owner; false: it gets the role")

    def run(self, context: Context) -> int:
        return context.steps.run("update", lambda: int(projects.update(
            context, self.id, name=self.name, display_text=self.displaytext, account_name=self.account,
            user=self.userid, role=self.roletype, swap=self.swapowner).id))


class ActivateProject(AsyncCommand):
    """Activates a project that was suspended."""

    roles, event, response, since = EVERYONE, "PROJECT.ACTIVATE", ProjectView, "3.0.0"

    id = Entity(Project, access=OPERATE, required=True, lock=True, help="the project")

    def run(self, context: Context) -> int:
        context.steps.run("activate", lambda: projects.activate(context, self.id))
        return int(self.id.id)


class SuspendProject(AsyncCommand):
    """Suspends a project: its Instances are stopped, and nothing is added to it."""

    roles, event, response, since = EVERYONE, "PROJECT.SUSPEND", ProjectView, "3.0.0"

    id = Entity(Project, access=OPERATE, required=True, lock=True, help="the project")

    def run(self, context: Context) -> int:
        projects.suspend(context, self.id)
        return int(self.id.id)


class DeleteProject(AsyncCommand):
    """Deletes a project; with cleanup also what it owns."""

    roles, event, since = EVERYONE, "PROJECT.DELETE", "3.0.0"

    id = Entity(Project, access=OPERATE, required=True, lock=True, help="the project")
    cleanup = Flag(default=False, since="4.16.0", help="delete what it owns as well")

    def run(self, context: Context) -> None:
        if self.id.removed is None:
            context.steps.run("check", lambda: projects.check_deletable(context, self.id, with_content=self.cleanup))
            projects.delete(context, self.id)


class ListProjects(TagParameters, OwnedListCommand):
    """Lists the projects that the caller belongs to, and with listall those that the caller administers."""

    roles, response, since = EVERYONE, ProjectView, "3.0.0"
    keywords = ("name", "display_text")
    tag_type = "Project"
    projectid = None

    id = Entity(Project, column="id", help="the project with this ID")
    name = Text(column="name", help="the project of this name")
    displaytext = Text(column="display_text", help="the project of this display text")
    state = Text(column="state", choices=(projects.ACTIVE, projects.SUSPENDED, projects.DISABLED),
                 help="projects in this state")
    username = Text(help="projects that the user of this name belongs to")
    details = TextList(choices=DETAILS, help="all, resource (with limits and counts) or min")
    showicon = Flag(default=False, help="add the icons")

    def groups(self, context: Context) -> Sequence[str] | None:
        return detail_groups(self.details)

    def restrict(self, context: Context, query: Query) -> None:
        caller = context.caller
        if self.domainid is not None and not (
                caller.is_root_admin or self.domainid.path.startswith(caller.domain_path)):
            raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to "
                                   f"operate within domain id={self.domainid.uuid}")
        if self.account:
            account = find_account(self.account, self.domainid.id if self.domainid else caller.domain_id)
            query.where("t.id IN (SELECT m.project_id FROM project_member m WHERE m.account_id = ?)", account.id)
        elif self.domainid is not None and self.isrecursive:
            self._below(query, self.domainid.path)
        elif self.domainid is not None:
            query.equals("domain_id", self.domainid.id)
        wide = self.listall or self.id is not None or self.domainid is not None or bool(self.account)
        if caller.is_admin and wide:
            if not caller.is_root_admin:
                self._below(query, caller.domain_path)
            return
        query.where("t.id IN (SELECT m.project_id FROM project_member m WHERE m.account_id = ? "
                    "AND (m.user_id IS NULL OR m.user_id = ?))", caller.account_id, caller.user_id)

    @staticmethod
    def _below(query: Query, path: str) -> None:
        query.where("t.domain_id IN (SELECT d.id FROM domain d WHERE d.path LIKE ? ESCAPE '!')",
                    escape_like(path) + "%")

    def filter(self, context: Context, query: Query) -> None:
        self.filter_tags(query)
        if self.username:
            query.where("t.id IN (SELECT m.project_id FROM project_member m JOIN cloud_user u ON u.account_id = "
                        "m.account_id WHERE u.removed IS NULL AND u.username = ? AND "
                        "(m.user_id IS NULL OR m.user_id = u.id))", self.username)
