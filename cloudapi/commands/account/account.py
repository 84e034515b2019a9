"""Accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.api.access import ANY, OPERATE, may_see_domain
from cloudapi.api.access import check as check_access
from cloudapi.api.command import ADMINS, EVERYONE, ROOT, AsyncCommand, Command
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Entity, Flag, Integer, Map, Text, TextList
from cloudapi.api.query import Query, escape_like
from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, Domain, Role
from cloudapi.services.account import account as accounts
from cloudapi.services.user.user import access_named
from cloudapi.views.account.account import AccountView

DETAILS = ("all", "resource", "min")


def detail_groups(details: Sequence[str] | None) -> Sequence[str] | None:
    """Return the groups of fields that `details` asks for; without it all are shown."""
    return None if not details or "all" in details else details


class CreateAccount(Command):
    """Creates an account with its first user."""

    roles, event, response = ADMINS, "ACCOUNT.CREATE", AccountView

    account = Text(length=100, help="its name; the user's where it is not given")
    accounttype = Integer(help="0 user, 1 root admin, 2 domain admin, 3 resource admin; or give a role")
    roleid = Entity(Role, access=ANY, help="its role")
    domainid = Entity(Domain, access=OPERATE, help="its domain; ROOT where it is not given")
    username = Text(required=True, help="name of the user, unique in the domain")
    password = Text(required=True, secret=True, help="password of the user")
    firstname = Text(required=True, help="first name of the user")
    lastname = Text(required=True, help="last name of the user")
    email = Text(required=True, help="e-mail address of the user")
    timezone = Text(help="time zone of the user, as Europe/Berlin")
    networkdomain = Text(help="DNS domain of its networks")
    accountdetails = Map(help="details to keep")
    accountid = Text(help="the ID that it shall have")
    userid = Text(help="the ID that the user shall have")

    def run(self, context: Context) -> Account:
        return accounts.create(
            context, self.account, self.domainid, accounts.choose_role(context, self.accounttype, self.roleid),
            username=self.username, password=self.password, network_domain=self.networkdomain,
            details=self.accountdetails, account_id=self.accountid, first_name=self.firstname,
            last_name=self.lastname, email=self.email, timezone=self.timezone, user_id=self.userid)


class UpdateAccount(Command):
    """Changes an account."""

    roles, event, response = ADMINS, "ACCOUNT.UPDATE", AccountView

    id = Entity(Account, access=OPERATE, help="the account; or account and domainid")
    account = Text(help="its present name; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="its domain")
    roleid = Entity(Role, access=ANY, help="a new role")
    newname = Text(help="a new name")
    networkdomain = Text(help="DNS domain of its networks; empty for none")
    accountdetails = Map(help="details to set")
    apikeyaccess = Text(since="4.20.1.0", roles=ROOT, help="whether its users may use API keys: Enabled, Disabled or "
                        "Inherit from the domain")

    def run(self, context: Context) -> Account:
        account = accounts.find(context, self.id, self.account, self.domainid)
        return accounts.update(context, account, role=self.roleid, name=self.newname,
                               network_domain=self.networkdomain, details=self.accountdetails,
                               api_key_access=self.apikeyaccess)


class EnableAccount(Command):
    """Enables an account."""

    roles, event, response = ADMINS, "ACCOUNT.ENABLE", AccountView

    id = Entity(Account, access=OPERATE, help="the account; or account and domainid")
    account = Text(help="its name; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="its domain")

    def run(self, context: Context) -> Account:
        account = accounts.find(context, self.id, self.account, self.domainid)
        return accounts.set_state(context, account, accounts.ENABLED)


class DisableAccount(AsyncCommand):
    """Disables an account and stops its Instances, or only locks it."""

    action = "disabling an account"
    roles, event, response = ADMINS, "ACCOUNT.DISABLE", AccountView

    id = Entity(Account, access=OPERATE, help="the account; or account and domainid")
    account = Text(help="its name; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="its domain")
    lock = Flag(required=True, help="true: lock it, its Instances run on")

    def event_text(self, subject: Any) -> str:
        return super().event_text(self.account if subject is None else subject)

    def run(self, context: Context) -> Account:
        account = accounts.find(context, self.id, self.account, self.domainid)
        state = accounts.LOCKED if self.lock else accounts.DISABLED
        context.steps.run("change state", lambda: accounts.set_state(context, account, state).id)
        if not self.lock:
            accounts.stop_machines(context, account)
        return account


class LockAccount(Command):
    """Locks an account: its users cannot log in, its Instances run on."""

    roles, event, response = ADMINS, "ACCOUNT.DISABLE", AccountView

    account = Text(required=True, help="its name")
    domainid = Entity(Domain, access=OPERATE, required=True, help="its domain")

    def run(self, context: Context) -> Account:
        account = accounts.find(context, None, self.account, self.domainid)
        return accounts.set_state(context, account, accounts.LOCKED)


class DeleteAccount(AsyncCommand):
    """Deletes an account, its users and all that it owns."""

    roles, event = ADMINS, "ACCOUNT.DELETE"

    id = Entity(Account, access=OPERATE, required=True, lock=True, help="the account")

    def run(self, context: Context) -> None:
        if self.id.removed is None:
            context.steps.run("check", lambda: accounts.check_deletable(context, self.id))
            accounts.delete(context, self.id)


class ListAccounts(OwnedListCommand):
    """Lists accounts: the caller's own, and with listall those that the caller administers."""

    roles, response = EVERYONE, AccountView
    keywords = ("account_name", "state")
    account = projectid = None

    id = Entity(Account, column="id", help="the account with this ID")
    name = Text(column="account_name", help="the account of this name")
    accounttype = Integer(column="account_type", help="accounts of this type")
    state = Text(column="state", help="enabled, disabled or locked")
    iscleanuprequired = Flag(column="cleanup_needed", help="whether something of them is still to be removed")
    details = TextList(choices=DETAILS, help="all, resource (with limits and counts) or min")
    apikeyaccess = Text(since="4.20.1.0", roles=ROOT, help="whether their users may use API keys: Enabled, Disabled "
                        "or Inherit")
    showicon = Flag(default=False, help="add the icons")
    tag = Text(since="4.20.0", help="show the tagged limits of this tag alone")

    def groups(self, context: Context) -> Sequence[str] | None:
        return detail_groups(self.details)

    def restrict(self, context: Context, query: Query) -> None:
        caller = context.caller
        domain, recursive = self.domainid, self.isrecursive
        if domain is not None and not may_see_domain(caller, domain):
            raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to "
                                   f"operate within domain id={domain.uuid}")
        if self.id is not None:
            if self.id.id == SYSTEM_ACCOUNT or self.id.removed is not None:
                raise InvalidParameter(f"Unable to find account by id {self.id.uuid} (parameter id)")
            check_access(context, self.id, OPERATE)
        elif (self.listall and caller.is_admin) or context.settings.get(
                "allow.user.view.all.domain.accounts", domain=caller.domain_id):
            domain, recursive = domain or Domain.get_by_id(caller.domain_id), True
        elif not caller.is_admin or domain is None:
            query.equals("id", caller.account_id)
        if domain is not None and recursive:
            query.where("t.domain_id IN (SELECT d.id FROM domain d WHERE d.path LIKE ? ESCAPE '!')",
                        escape_like(domain.path) + "%")
        elif domain is not None:
            query.equals("domain_id", domain.id)

    def filter(self, context: Context, query: Query) -> None:
        query.where("t.account_type <> ? AND t.id <> ?", accounts.PROJECT_ACCOUNT, SYSTEM_ACCOUNT)
        if not context.caller.is_admin:
            query.where("t.account_type <> ?", 2)
        if self.apikeyaccess is not None:
            query.equals("api_key_access", access_named(self.apikeyaccess))


