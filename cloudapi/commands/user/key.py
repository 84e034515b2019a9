"""API keys of users."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE
from cloudapi.api.command import ADMINS, EVERYONE, ROOT, AsyncCommand, Command
from cloudapi.api.listing import ListCommand, Listing
from cloudapi.api.parameters import Date, Entity, Flag, Rows, Text
from cloudapi.api.query import Query, escape_like
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import ApiKeyPair, User
from cloudapi.services.account import privilege
from cloudapi.services.user import key as keys
from cloudapi.views.user.key import ApiKeyPairView, KeyRuleView, UserKeysView


class RegisterUserKeys(AsyncCommand):
    """Makes a pair of an API key and a secret key for a user."""

    roles, event, response = EVERYONE, "REGISTER.USER.KEY", ApiKeyPairView

    id = Entity(User, access=OPERATE, required=True, help="the user")
    name = Text(help="name of the pair")
    description = Text(length=1024, help="what it is for")
    startdate = Date(help="when it begins to work")
    enddate = Date(end_of_day=True, help="when it ends to work")
    rules = Rows(help="what it allows, within the user's role: rules[0].rule=…&rules[0].permission=allow")

    def run(self, context: Context) -> int:
        return context.steps.run("register", lambda: int(keys.register(
            context, self.id, name=self.name, description=self.description, start=self.startdate, end=self.enddate,
            rules=self.rules or ()).id))


class GetUserKeys(Command):
    """Shows the API key and the secret key of a user."""

    roles, response, since = EVERYONE, UserKeysView, "4.10.0"
    read_only, atomic = True, False

    id = Entity(User, access=OPERATE, required=True, help="the user")

    def run(self, context: Context) -> dict[str, Any]:
        return keys.current(context, self.id)


class DeleteUserKeys(AsyncCommand):
    """Deletes a key pair."""

    roles, event, since = ROOT, "DELETE.USER.KEY", "4.23.0"
    subject = "keypairid"

    keypairid = Entity(ApiKeyPair, access=OPERATE, required=True, lock=True, help="the key pair")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: keys.delete(context, self.keypairid))


class ListUserKeys(ListCommand):
    """Lists key pairs: the caller's own, a user's, or with listall those of all users that an admin may see."""

    roles, response, since = EVERYONE, ApiKeyPairView, "4.23.0"
    keywords = ("name", "description")

    userid = Entity(User, access=OPERATE, column="user_id", help="pairs of this user")
    keypairid = Entity(ApiKeyPair, access=OPERATE, column="id", help="the pair with this ID")
    apikeyfilter = Text(column="api_key", help="the pair of this API key")
    showpermissions = Flag(default=False, help="add the rules of each pair")
    listall = Flag(default=False, roles=ADMINS, help="the pairs of all users that the caller administers")

    def filter(self, context: Context, query: Query) -> None:
        caller = context.caller
        one = self.keypairid
        if self.apikeyfilter is not None:
            one = ApiKeyPair.alive(ApiKeyPair.api_key == self.apikeyfilter).first()
            if one is None:
                raise InvalidParameter("Could not complete request: there is no such key (parameter apikeyfilter)")
        if one is not None:
            keys.check_visible(context, one)
        elif self.userid is not None:
            privilege.check(context, self.userid.account, self.userid)
        elif not (self.listall and caller.is_admin):
            query.equals("user_id", caller.user_id)
        if not caller.is_root_admin:
            query.where("t.domain_id IN (SELECT d.id FROM domain d WHERE d.path LIKE ? ESCAPE '!')",
                        escape_like(caller.domain_path) + "%")
            if not caller.is_admin:
                query.equals("account_id", caller.account_id)
            # Nobody reads the keys of those with more rights.
            query.where("t.account_id NOT IN (SELECT a.id FROM account a JOIN role r ON r.id = a.role_id "
                        f"WHERE r.role_type IN ({','.join('?' * len(self._above(caller.role_type)))}))",
                        *self._above(caller.role_type))
        if caller.key_pair_id is not None:
            hidden = [pair.id for pair in ApiKeyPair.alive(ApiKeyPair.account_id == caller.account_id)
                      if not keys.may_see(context, pair)]
            if hidden:
                query.where(f"t.id NOT IN ({','.join('?' * len(hidden))})", *hidden)

    @staticmethod
    def _above(role_type: str) -> list[str]:
        return [kind for kind, rank in privilege.RANK.items() if rank < privilege.RANK[role_type]] or ["none"]


class ListUserKeyRules(ListCommand):
    """Lists the rules of a key pair."""

    roles, response, since = ROOT, KeyRuleView, "4.23.0"
    keyword = page = pagesize = None

    keypairid = Entity(ApiKeyPair, access=OPERATE, required=True, help="the key pair")

    def run(self, context: Context) -> Listing:
        keys.check_visible(context, self.keypairid)
        found = [{name: value for name, value in row.items() if value is not None}
                 for row in keys.rules_of(self.keypairid)]
        return Listing(found)
