"""Users."""

from __future__ import annotations

from cloudapi.api.access import OPERATE
from cloudapi.api.command import ADMINS, EVERYONE, ROOT, AsyncCommand, Command
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Entity, Flag, Integer, Text
from cloudapi.api.query import Query
from cloudapi.context import SYSTEM_USER, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, ApiKeyPair, Domain, User
from cloudapi.services.user import user as users
from cloudapi.views.user.user import UserView


class CreateUser(Command):
    """Adds a user to an account."""

    roles, event, response = ADMINS, None, UserView

    account = Text(required=True, help="the account")
    domainid = Entity(Domain, access=OPERATE, help="domain of the account; the caller's where it is not given")
    username = Text(required=True, help="name of the user, unique in the domain")
    password = Text(required=True, secret=True, help="password of the user")
    firstname = Text(required=True, help="first name of the user")
    lastname = Text(required=True, help="last name of the user")
    email = Text(required=True, help="e-mail address of the user")
    timezone = Text(help="time zone of the user, as Europe/Berlin")
    userid = Text(help="the ID that the user shall have")
    passwordchangerequired = Flag(default=False, since="4.23.0", help="the user has to set a new password first")

    def run(self, context: Context) -> User:
        return users.create(
            context, self.account, self.domainid, self.username, self.password, first_name=self.firstname,
            last_name=self.lastname, email=self.email, timezone=self.timezone, user_id=self.userid,
            password_change_required=self.passwordchangerequired)


class UpdateUser(Command):
    """Changes a user."""

    roles, event, response = EVERYONE, "USER.UPDATE", UserView

    id = Entity(User, access=OPERATE, required=True, help="the user")
    username = Text(help="a new name to log in with")
    password = Text(secret=True, help="a new password")
    currentpassword = Text(secret=True, help="the present password; those who are no admins have to tell it")
    firstname = Text(help="a new first name")
    lastname = Text(help="a new last name")
    email = Text(help="a new e-mail address")
    timezone = Text(help="a new time zone, as Europe/Berlin")
    userapikey = Text(help="an API key to put in place of the newest one; goes with usersecretkey")
    usersecretkey = Text(secret=True, help="the secret key of userapikey")
    apikeyaccess = Text(since="4.20.1.0", roles=ROOT, help="whether the user may use API keys: Enabled, Disabled or "
                        "Inherit from the account")
    mandate2fa = Flag(since="4.18.0.0", help="demand a second factor")
    passwordchangerequired = Flag(since="4.23.0", help="the user has to set a new password first")

    def run(self, context: Context) -> User:
        return users.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteUser(Command):
    """Deletes a user; the account and what it owns stay."""

    roles, event = ADMINS, "USER.DELETE"

    id = Entity(User, access=OPERATE, required=True, help="the user")

    def run(self, context: Context) -> None:
        users.delete(context, self.id)


class MoveUser(Command):
    """Moves a user to another account of the same domain."""

    roles, event, since = ROOT, "USER.MOVE", "4.11"

    id = Entity(User, access=OPERATE, required=True, help="the user")
    account = Text(help="name of the account; or accountid")
    accountid = Entity(Account, access=OPERATE, help="ID of the account")

    def run(self, context: Context) -> None:
        users.move(context, self.id, self.account, self.accountid)


class EnableUser(Command):
    """Enables a user, and the user's account."""

    roles, event, response = ADMINS, "USER.ENABLE", UserView

    id = Entity(User, access=OPERATE, required=True, help="the user")

    def run(self, context: Context) -> User:
        return users.set_state(context, self.id, users.ENABLED)


class DisableUser(AsyncCommand):
    """Disables a user: logins and API keys are refused."""

    roles, event, response = ADMINS, "USER.DISABLE", UserView

    id = Entity(User, access=OPERATE, required=True, lock=True, help="the user")

    def run(self, context: Context) -> int:
        return context.steps.run("disable", lambda: int(users.set_state(context, self.id, users.DISABLED).id))


class LockUser(Command):
    """Locks a user; the last one of an account locks the account."""

    roles, event, response = ADMINS, "USER.LOCK", UserView

    id = Entity(User, access=OPERATE, required=True, help="the user")

    def run(self, context: Context) -> User:
        return users.set_state(context, self.id, users.LOCKED)


class GetUser(Command):
    """Finds the user of an API key."""

    roles, response = ROOT, UserView
    read_only, atomic = True, False

    userapikey = Text(required=True, help="the API key")

    def run(self, context: Context) -> User:
        pair = ApiKeyPair.alive(ApiKeyPair.api_key == self.userapikey).first()
        user = User.alive(User.id == pair.user_id).first() if pair is not None else None
        if user is None:
            raise InvalidParameter("User with the given API key does not exist (parameter userapikey)")
        return user


class ListUsers(OwnedListCommand):
    """Lists users: of the caller's account, and with listall of those that the caller administers."""

    roles, response = EVERYONE, UserView
    keywords = ("username", "first_name", "last_name", "email", "state")
    projectid = None

    id = Entity(User, column="id", help="the user with this ID")
    username = Text(column="username", help="the user of this name")
    accounttype = Integer(help="users of accounts of this type")
    state = Text(column="state", help="enabled, disabled or locked")
    apikeyaccess = Text(since="4.20.1.0", roles=ROOT,
                        help="whether they may use API keys: Enabled, Disabled or Inherit")
    usersource = Text(column="source", since="4.21.0.0", help="where their passwords are kept: native")
    showicon = Flag(default=False, help="add the icons")

    def restrict(self, context: Context, query: Query) -> None:
        super().restrict(context, query)
        if not context.caller.is_admin:
            if self.id is not None and self.id.id != context.caller.user_id:
                raise PermissionDenied("Calling user is not authorized to see the user requested by id")
            query.equals("id", context.caller.user_id)

    def filter(self, context: Context, query: Query) -> None:
        query.where("t.id <> ?", SYSTEM_USER)
        if self.accounttype is not None:
            query.where("t.account_id IN (SELECT a.id FROM account a WHERE a.account_type = ?)", self.accounttype)
        if self.apikeyaccess is not None:
            query.equals("api_key_access", users.access_named(self.apikeyaccess))


