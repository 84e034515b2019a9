"""Members of projects, and invitations to them."""

from __future__ import annotations

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, AsyncCommand
from cloudapi.api.listing import ListCommand, Listing, OwnedListCommand
from cloudapi.api.parameters import Entity, Flag, Text
from cloudapi.api.query import Query, escape_like
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Project, ProjectInvitation, ProjectMember, User
from cloudapi.services.project import invitation as invitations
from cloudapi.services.project import member as members
from cloudapi.services.project import project as projects
from cloudapi.views.project.project import ProjectInvitationView, ProjectMemberView, ProjectView


class AddAccountToProject(AsyncCommand):
    """Adds an account to a project, or invites it where invitations are required."""

    roles, event, since, subject = EVERYONE, "PROJECT.ACCOUNT.ADD", "3.0.0", "projectid"

    projectid = Entity(Project, access=OPERATE, required=True, help="the project")
    account = Text(help="name of the account, in the project's domain")
    email = Text(help="the address to send an invitation to")
    projectroleid = Entity(access=ANY, help="role in the project, of those that the project declares")
    roletype = Text(help="Admin or Regular")

    def run(self, context: Context) -> None:
        def add() -> None:
            account = members.account_named(self.projectid, self.account) if self.account else None
            role = members.role_named(self.roletype or members.REGULAR)
            invitations.add(context, self.projectid, account, None, role, self.email)

        context.steps.run("add", add)


class AddUserToProject(AsyncCommand):
    """Adds one user of an account to a project, or invites the user."""

    roles, event, since, subject = EVERYONE, "PROJECT.USER.ADD", "4.14", "projectid"

    projectid = Entity(Project, access=OPERATE, required=True, help="the project")
    username = Text(required=True, help="name of the user, in the project's domain")
    email = Text(help="the address to send an invitation to")
    projectroleid = Entity(access=ANY, help="role in the project, of those that the project declares")
    roletype = Text(help="Admin or Regular")

    def run(self, context: Context) -> None:
        def add() -> None:
            user = members.user_named(self.projectid, self.username)
            role = members.role_named(self.roletype or members.REGULAR)
            invitations.add(context, self.projectid, user.account, user, role, self.email)

        context.steps.run("add", add)


class DeleteAccountFromProject(AsyncCommand):
    """Takes an account out of a project."""

    roles, event, since, subject = EVERYONE, "PROJECT.ACCOUNT.REMOVE", "3.0.0", "projectid"

    projectid = Entity(Project, access=OPERATE, required=True, help="the project")
    account = Text(required=True, help="name of the account")

    def run(self, context: Context) -> None:
        def remove() -> None:
            projects.check_admin(context, self.projectid)
            members.remove(self.projectid, members.account_named(self.projectid, self.account), None)

        context.steps.run("remove", remove)


class DeleteUserFromProject(AsyncCommand):
    """Takes a user out of a project."""

    roles, event, since, subject = EVERYONE, "PROJECT.USER.REMOVE", "4.15.0", "projectid"

    projectid = Entity(Project, access=OPERATE, required=True, help="the project")
    userid = Entity(User, access=ANY, required=True, help="the user")

    def run(self, context: Context) -> None:
        def remove() -> None:
            projects.check_admin(context, self.projectid)
            members.remove(self.projectid, self.userid.account, self.userid)

        context.steps.run("remove", remove)


class ListProjectAccounts(ListCommand):
    """Lists the members of a project."""

    roles, response, since = EVERYONE, ProjectView, "3.0.0"
    record, wrapper, keywords = ProjectMember, "projectaccount", ()

    projectid = Entity(Project, access=OPERATE, required=True, column="project_id", help="the project")
    account = Text(help="the member account of this name")
    userid = Entity(User, access=ANY, column="user_id", help="the member user")
    role = Text(column="role", help="members with this role: Admin or Regular")
    projectroleid = Entity(access=ANY, help="members with this role of those that the project declares")

    def filter(self, context: Context, query: Query) -> None:
        named = "t.account_id IN (SELECT a.id FROM account a WHERE a.removed IS NULL AND a.account_name"
        if self.account:
            query.where(f"{named} = ?)", self.account)
        if self.keyword:
            query.where(f"{named} LIKE ? ESCAPE '!')", f"%{escape_like(self.keyword)}%")

    def run(self, context: Context) -> Listing:
        if self.projectid.removed is not None:
            raise InvalidParameter(f"Unable to find the project id={self.projectid.uuid}")
        ids, count = self.query(context).page(*self.limits(context))
        return Listing(ProjectMemberView.render(context, ids), count)


class ListProjectInvitations(OwnedListCommand):
    """Lists invitations to projects: the caller's own, or those of a project."""

    roles, response, since = EVERYONE, ProjectInvitationView, "3.0.0"
    keywords = ("email",)
    projectid = Entity(Project, access=OPERATE, column="project_id", help="invitations to this project")

    id = Entity(ProjectInvitation, column="id", help="the invitation with this ID")
    userid = Entity(User, access=OPERATE, column="user_id", help="invitations of this user")
    state = Text(column="state", choices=(invitations.PENDING, invitations.COMPLETED, invitations.EXPIRED,
                                          invitations.DECLINED), help="invitations in this state")
    activeonly = Flag(default=False, help="those alone that can still be answered")

    def restrict(self, context: Context, query: Query) -> None:
        if self.projectid is not None:
            projects.check_admin(context, self.projectid)
        else:
            super().restrict(context, query)

    def filter(self, context: Context, query: Query) -> None:
        if self.activeonly:
            query.where("t.state = ? AND t.created >= ?", invitations.PENDING, context.now() - invitations.LIFETIME)


class UpdateProjectInvitation(AsyncCommand):
    """Accepts or declines an invitation to a project."""

    action = "updating an invitation to a project"
    roles, event, since, subject = EVERYONE, "PROJECT.INVITATION.UPDATE", "3.0.0", "projectid"

    projectid = Entity(Project, access=ANY, required=True, help="the project")
    account = Text(help="the account that is invited; the caller's where it is not given")
    userid = Entity(User, access=OPERATE, help="the user who is invited")
    token = Text(help="the token of an invitation by mail")
    accept = Flag(default=True, help="false: decline it")

    def run(self, context: Context) -> None:
        context.steps.run("answer", lambda: invitations.answer(
            context, self.projectid, self.account, self.userid, self.token, self.accept))


class DeleteProjectInvitation(AsyncCommand):
    """Takes an invitation back."""

    roles, event, since = EVERYONE, "PROJECT.INVITATION.REMOVE", "3.0.0"

    id = Entity(ProjectInvitation, access=ANY, required=True, lock=True, help="the invitation")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: invitations.delete(context, self.id))
