"""Accounts that may use a network which is another's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, Domain, Project
from cloudapi.models.network import Network, NetworkPermission
from cloudapi.services.account.account import PROJECT_ACCOUNT


def check(network: Network) -> None:
    """:raises InvalidParameter: the network is not one whose owner can share it."""
    if network.traffic_type != "Guest" or network.guest_type is None:
        raise InvalidParameter(f"Network {network.uuid} is a system network: permissions are for guest networks")
    if network.acl_type != "Account":
        raise InvalidParameter(f"Network {network.uuid} belongs to a domain: permissions are for networks of accounts")
    if Account.get_by_id(network.account_id).account_type == PROJECT_ACCOUNT:
        raise InvalidParameter(f"Update network permissions is an invalid operation on network {network.name}. "
                               "Project owned networks cannot be shared outside network.")


def check_use(context: Context, owner: Account, network: Network) -> None:
    """Refuse Instances of an account in a network that is neither its own nor its domain's nor shared with it.

    The setting `admin.is.allowed.to.deploy.anywhere` lets root admins do so.

    :raises PermissionDenied: the account may not use the network.
    """
    if context.caller.is_root_admin and context.settings.get("admin.is.allowed.to.deploy.anywhere"):
        return
    if network.acl_type == "Domain":
        inside = network.domain_id == owner.domain_id or (network.subdomain_access and Domain.get_by_id(
            owner.domain_id).path.startswith(Domain.get_by_id(network.domain_id).path))
    else:
        inside = network.account_id == owner.id or NetworkPermission.select().where(
            NetworkPermission.network == network.id, NetworkPermission.account_id == owner.id).exists()
    if not inside:
        raise PermissionDenied(f"Unable to use network with id= {network.uuid}, permission denied: it is not for "
                               f"account {owner.account_name}")


def accounts(network: Network, names: Sequence[str] | None, listed: Sequence[Account] | None,
             projects: Sequence[Project] | None) -> list[Account]:
    """Return the accounts that are meant: by name in the network's domain, by id, by project.

    :raises InvalidParameter: none is given, both names and ids are, or one is unknown.
    """
    if names and listed:
        raise InvalidParameter("accounts and accountids are mutually exclusive")
    if not (names or listed or projects):
        raise InvalidParameter("Specify accounts, accountids or projectids")
    found = list(listed or ())
    for name in names or ():
        account = Account.alive(Account.account_name == name, Account.domain == network.domain_id).first()
        if account is None:
            raise InvalidParameter(f"Unable to find account {name[:100]} (accounts) in the domain of network "
                                   f"{network.uuid}")
        found.append(account)
    found += [Account.get_by_id(project.project_account_id) for project in projects or ()]
    for account in found:
        if account.domain_id != network.domain_id:
            raise InvalidParameter(f"Account {account.uuid} is not in the domain of network {network.uuid}")
    return found


def grant(network: Network, wanted: Sequence[Account]) -> None:
    """Let accounts use a network. Within a transaction."""
    for account in wanted:
        if account.id != network.account_id:
            NetworkPermission.insert(network=network.id, account_id=account.id).on_conflict_ignore().execute()


def revoke(network: Network, wanted: Sequence[Account] | None = None) -> None:
    """End the permission of these accounts, or of all; their Instances stay in the network. Within a transaction."""
    query = NetworkPermission.select().where(NetworkPermission.network == network.id)
    if wanted is not None:
        query = query.where(NetworkPermission.account_id.in_([account.id for account in wanted]))
    ids = [row.account_id for row in query]
    NetworkPermission.delete().where(NetworkPermission.network == network.id,
                                     NetworkPermission.account_id.in_(ids)).execute()


def shown(network: Network) -> list[dict[str, Any]]:
    """Return who may use a network, as the API shows it."""
    ids = [row.account_id for row in NetworkPermission.select().where(
        NetworkPermission.network == network.id).order_by(NetworkPermission.id)]
    accounts = {account.id: account for account in Account.select().where(Account.id.in_(ids))}
    projects = {project.project_account_id: project for project in Project.select().where(
        Project.project_account_id.in_(ids))}
    domain = Domain.get_by_id(network.domain_id)
    found = []
    for account_id in ids:
        account, project = accounts[account_id], projects.get(account_id)
        owner = ({"account": account.account_name} if project is None
                 else {"projectid": project.uuid, "project": project.name})
        found.append({"networkid": network.uuid, "domainid": domain.uuid, "domain": domain.name,
                      "accountid": account.uuid, **owner})
    return found
