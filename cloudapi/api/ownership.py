"""Whose things: the account for which a command makes something, and those whose things a list shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudapi.api.access import may_operate, may_see_domain
from cloudapi.api.query import Query, escape_like
from cloudapi.context import Caller, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.database import rows
from cloudapi.models.identity import Account, Domain

_PROJECT_ACCOUNTS = "SELECT p.project_account_id FROM project p"
_MEMBER = (f"{_PROJECT_ACCOUNTS} JOIN project_member m ON m.project_id = p.id "
           "WHERE p.removed IS NULL AND m.account_id = ? AND (m.user_id IS NULL OR m.user_id = ?)")
_SUBTREE = "SELECT d.id FROM domain d WHERE d.path LIKE ? ESCAPE '!'"

Condition = tuple[str, tuple[Any, ...]]


def find_account(name: str, domain_id: int) -> Account:
    """Return the account of this name in a domain.

    :raises InvalidParameter: there is none.
    """
    account = Account.alive(Account.account_name == name, Account.domain_id == domain_id).first()
    if account is None:
        domain = Domain.get_by_id(domain_id)
        raise InvalidParameter(f"Unable to find account {name} in domain {domain.uuid}")
    return account  # type: ignore[no-any-return]


def owner_for(context: Context, account: str | None, domain: Domain | None, project: Any) -> Account:
    """Return the account that shall own a new resource.

    :raises InvalidParameter: account and project together, a domain without an account, an unknown account.
    :raises PermissionDenied: the caller may not act for it, or it is disabled.
    """
    caller = context.caller
    if project is not None and project != -1:
        if account:
            raise InvalidParameter("Account and projectId can't be specified together")
        if project.state != "Active":
            raise PermissionDenied(f"Can't add resources to the project {project.uuid} in state {project.state}")
        found: Account = Account.get_by_id(project.project_account_id)
    elif account:
        found = find_account(account, domain.id if domain is not None else caller.domain_id)
    else:
        if domain is not None and domain.id != caller.domain_id:
            raise InvalidParameter("parameter account is missing: domainid names the domain of an account")
        found = Account.get_by_id(caller.account_id)
    _check_owner(caller, found)
    if found.state != "enabled":
        raise PermissionDenied(f"Can't add resources to the account {found.account_name} in state={found.state} "
                               "as it's no longer active")
    return found


def _check_owner(caller: Caller, account: Account) -> None:
    if not may_operate(caller, account):
        raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to operate "
                               f"with resource Acct[{account.uuid}-{account.account_name}]")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a list was asked for, and the columns of the owner's account and domain."""

    caller: Caller
    account_column: str
    domain_column: str
    account: str | None
    domain: Domain | None
    project: Any
    recursive: bool
    listall: bool
    by_id: bool

    @classmethod
    def of(cls, caller: Caller, command: Any, columns: tuple[str, str]) -> Scope:
        def given(name: str) -> Any:
            return getattr(command, name, None)

        return cls(caller, *columns, given("account"), given("domainid"), given("projectid"),
                   bool(given("isrecursive")), bool(given("listall")), given("id") is not None)

    def of_account(self, account_id: int) -> Condition:
        return f"t.{self.account_column} = ?", (account_id,)

    def below(self, path: str) -> Condition:
        return f"t.{self.domain_column} IN ({_SUBTREE})", (escape_like(path) + "%",)

    def of_projects(self) -> list[Condition]:
        """The things of a project, or of all that the caller belongs to."""
        caller = self.caller
        if self.account:
            raise InvalidParameter("Account and projectId can't be specified together")
        if self.project != -1:
            if not may_operate(caller, self.project):
                raise PermissionDenied(f"Account {caller.account_name} can't access project id={self.project.uuid}")
            return [self.of_account(self.project.project_account_id)]
        column = f"t.{self.account_column}"
        if caller.is_root_admin:
            return [] if self.listall else [(f"{column} IN ({_PROJECT_ACCOUNTS})", ())]
        member = (caller.account_id, caller.user_id)
        if self.listall:
            return [(f"({column} = ? OR {column} IN ({_MEMBER}))", (caller.account_id, *member))]
        return [(f"{column} IN ({_MEMBER})", member)]

    def of_domain(self, domain: Domain) -> list[Condition]:
        found = [self.below(domain.path) if self.recursive else (f"t.{self.domain_column} = ?", (domain.id,))]
        if not self.caller.is_admin:
            found.append(self.of_account(self.caller.account_id))
        return found

    def of_caller(self) -> list[Condition]:
        """Without an owner asked for: the caller's own; for admins with `listall` or an id all that they rule."""
        caller = self.caller
        if not caller.is_admin or not (self.listall or self.by_id):
            return [self.of_account(caller.account_id)]
        return [] if caller.is_root_admin else [self.below(caller.domain_path)]

    def conditions(self) -> list[Condition]:
        caller = self.caller
        if self.domain is not None and not may_see_domain(caller, self.domain):
            raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to "
                                   f"operate within domain id={self.domain.uuid}")
        if self.project is not None:
            return self.of_projects()
        if self.account:
            found = find_account(self.account, self.domain.id if self.domain is not None else caller.domain_id)
            _check_owner(caller, found)
            return [self.of_account(found.id)]
        conditions = self.of_domain(self.domain) if self.domain is not None else self.of_caller()
        wide = caller.is_admin and (self.domain is not None or self.listall)
        if wide and not self.by_id and rows("SELECT 1 FROM project LIMIT 1"):
            conditions.append((f"t.{self.account_column} NOT IN ({_PROJECT_ACCOUNTS})", ()))
        return conditions


def restrict(context: Context, query: Query, command: Any, columns: tuple[str, str] = ("account_id", "domain_id"),
             shared: str | None = None, shared_parameters: tuple[Any, ...] = ()) -> None:
    """Narrow a list to what the caller asks for and may see.

    Without `listall` it is the caller's own; with it a domain admin sees the subtree and a root admin all, but
    for what projects own. `account`+`domainid` name an account, `domainid` alone a domain (its subtree with
    `isrecursive`), `projectid` a project (-1: all of the caller's projects, and with `listall` the rest as well).

    :param columns: the columns of the owner's account and domain.
    :param shared: a condition that lets rows through though they are others' (public templates and the like).
    :raises InvalidParameter: an account and a project, or an unknown account.
    :raises PermissionDenied: an account, domain or project that the caller may not look at.
    """
    conditions = Scope.of(context.caller, command, columns).conditions()
    if not conditions:
        return
    own = " AND ".join(condition for condition, _ in conditions)
    parameters = [value for _, values in conditions for value in values]
    if shared is not None:
        query.where(f"(({own}) OR ({shared}))", *parameters, *shared_parameters)
    else:
        query.where(own, *parameters)
