"""Whose things: the account for which a command makes something, and those whose things a list shows."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import in_subtree, may_operate
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, Domain, Project


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
    :raises PermissionDenied: the caller may not act for it.
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
    if not may_operate(caller, found):
        raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to operate "
                               f"with resource Acct[{found.uuid}-{found.account_name}]")
    return found


def restrict(context: Context, query: Query, command: Any, columns: tuple[str, str] = ("account_id", "domain_id"),
             shared: str | None = None, shared_parameters: tuple[Any, ...] = ()) -> None:
    """Narrow a list to what the caller asks for and may see.

    Without `listall` it is the caller's own; with it a domain admin sees the subtree and a root admin all.
    `account`+`domainid` name an account, `domainid` alone a domain (its subtree with `isrecursive`), `projectid`
    a project (-1: all of the caller's projects as well).

    :param columns: the columns of the owner's account and domain.
    :param shared: a condition that lets rows through though they are others' (public templates and the like).
    :raises PermissionDenied: an account, domain or project that the caller may not look at.
    """
    caller = context.caller
    account_column, domain_column = columns
    conditions: list[str] = []
    parameters: list[Any] = []

    def add(condition: str, *values: Any) -> None:
        conditions.append(condition)
        parameters.extend(values)

    domain = getattr(command, "domainid", None)
    name = getattr(command, "account", None)
    project = getattr(command, "projectid", None)
    recursive = getattr(command, "isrecursive", None)
    listall = bool(getattr(command, "listall", None))
    by_id = getattr(command, "id", None) is not None
    if domain is not None and not caller.is_root_admin and not in_subtree(caller.domain_path, domain.id):
        raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to operate "
                               f"within domain id={domain.uuid}")
    if project is not None:
        projects = f"SELECT project_account_id FROM {Project._meta.table_name} p"
        member = ("SELECT m.project_id FROM project_member m WHERE m.account_id = ? "
                  "AND (m.user_id IS NULL OR m.user_id = ?)")
        if project != -1:
            if not may_operate(caller, project):
                raise PermissionDenied(f"Account {caller.account_name} can't access project id={project.uuid}")
            add(f"t.{account_column} = ?", project.project_account_id)
        elif caller.is_root_admin:
            pass
        else:
            add(f"(t.{account_column} = ? OR t.{account_column} IN ({projects} WHERE p.id IN ({member})))",
                caller.account_id, caller.account_id, caller.user_id)
    elif name:
        found = find_account(name, domain.id if domain is not None else caller.domain_id)
        if not may_operate(caller, found):
            raise PermissionDenied(f"Acct[{caller.account_uuid}-{caller.account_name}] does not have permission to "
                                   f"operate with resource Acct[{found.uuid}-{found.account_name}]")
        add(f"t.{account_column} = ?", found.id)
    elif domain is not None:
        if recursive:
            add(f"t.{domain_column} IN (SELECT d.id FROM domain d WHERE d.path LIKE ?)", domain.path + "%")
        else:
            add(f"t.{domain_column} = ?", domain.id)
        if not caller.is_admin:
            add(f"t.{account_column} = ?", caller.account_id)
    elif caller.is_root_admin and (listall or by_id):
        pass
    elif caller.is_domain_admin and (listall or by_id or recursive):
        add(f"t.{domain_column} IN (SELECT d.id FROM domain d WHERE d.path LIKE ?)", caller.domain_path + "%")
    elif by_id:
        member = ("SELECT p.project_account_id FROM project p JOIN project_member m ON m.project_id = p.id "
                  "WHERE m.account_id = ? AND (m.user_id IS NULL OR m.user_id = ?)")
        add(f"(t.{account_column} = ? OR t.{account_column} IN ({member}))",
            caller.account_id, caller.account_id, caller.user_id)
    else:
        add(f"t.{account_column} = ?", caller.account_id)
    if not conditions:
        return
    own = " AND ".join(conditions)
    if shared is not None:
        query.where(f"(({own}) OR ({shared}))", *parameters, *shared_parameters)
    else:
        query.where(own, *parameters)
