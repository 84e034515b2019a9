"""The rules of the domain tree."""

from __future__ import annotations

from functools import partial

import peewee

from cloudapi.context import ROOT_DOMAIN, Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied, ResourceLimitExceeded
from cloudapi.models.base import now
from cloudapi.models.identity import Account, Domain, Project, ResourceCount, ResourceLimit
from cloudapi.models.machine import Machine
from cloudapi.services import detail
from cloudapi.services.account import account as accounts
from cloudapi.services.account import cleanup, limit, privilege
from cloudapi.services.project import project as projects
from cloudapi.services.user import user as users
from cloudapi.services.zone.domain_name import check_domain_name

ACTIVE, INACTIVE = "Active", "Inactive"


def create(context: Context, name: str, parent: Domain | None, network_domain: str | None,
           domain_id: str | None) -> Domain:
    """Make a domain below `parent` (the root). Within a transaction.

    :raises InvalidParameter: the name is taken there, or has a `/`.
    :raises InternalError: the parent is being deleted.
    """
    parent = parent or Domain.get_by_id(ROOT_DOMAIN)
    privilege.check_domain(context, parent)
    if parent.state != ACTIVE:
        raise InternalError(f"The domain cannot be created as the parent domain {parent.name} is being deleted "
                            "(parameter parentdomainid)")
    users.serialise(parent)
    _check_name(name, parent.id)
    if network_domain:
        check_domain_name(network_domain, "networkdomain")
    domain = Domain.create(
        uuid=users.given_uuid(domain_id, "domainid", Domain), name=name, parent_id=parent.id,
        path=f"{parent.path}{name}/", level=parent.level + 1, owner_id=context.caller.account_id,
        network_domain=network_domain or None)
    _count_children(parent.id, 1)
    return domain


def _check_name(name: str, parent_id: int, domain: Domain | None = None) -> None:
    if not name.strip() or "/" in name:
        raise InvalidParameter(f"Invalid value {name[:80]!r} for parameter name: not empty, and without a slash")
    # In any case: LIKE tells no case on paths, which say who sees what.
    taken = Domain.alive(peewee.fn.LOWER(Domain.name) == name.lower(), Domain.parent_id == parent_id)
    if domain is not None:
        taken = taken.where(Domain.id != domain.id)
    if taken.exists():
        raise InvalidParameter(f"Domain with name [{name[:80]}] already exists for the parent (parameter name)")


def _count_children(parent_id: int, difference: int) -> None:
    Domain.update(child_count=Domain.child_count + difference).where(Domain.id == parent_id).execute()


def update(context: Context, domain: Domain, name: str | None, network_domain: str | None) -> Domain:
    """Rename a domain, or change the DNS domain of its networks (empty: none)."""
    privilege.check_domain(context, domain)
    if name is not None and domain.parent_id is None:
        raise InvalidParameter("ROOT domain can not be edited with a new name (parameter name)")
    if network_domain:
        check_domain_name(network_domain, "networkdomain")
    if name is not None:
        users.serialise(Domain.get_by_id(domain.parent_id))
        _check_name(name, domain.parent_id, domain)
        path = f"{domain.path[:-1].rpartition('/')[0]}/{name}/"
        _write_paths(domain, path, domain.level)
        domain = Domain.get_by_id(domain.id)
        domain.name = name
    if network_domain is not None:
        domain.network_domain = network_domain or None
    domain.save()
    return domain


def _write_paths(domain: Domain, path: str, level: int) -> None:
    """Give a domain and all below it their new paths and levels."""
    for one in Domain.select().where(Domain.path.startswith(domain.path)):
        Domain.update(path=path + one.path[len(domain.path):], level=one.level + level - domain.level) \
            .where(Domain.id == one.id).execute()


def move(context: Context, domain: Domain, parent: Domain) -> Domain:
    """Hang a domain, with all below it, under another parent; what it has counts there from now on.

    :raises ResourceLimitExceeded: a limit above the new place would be passed.
    """
    if domain.id == ROOT_DOMAIN:
        raise InvalidParameter("The domain to be moved cannot be the ROOT domain (parameter domainid)")
    if domain.id == parent.id:
        raise InvalidParameter("The domain to be moved and the new parent domain cannot be the same "
                               "(parameter parentdomainid)")
    for one in (domain, parent):
        privilege.check_domain(context, one)
        if one.state != ACTIVE:
            raise InvalidParameter(f"Unable to use the domain {one.name} as it is in state {one.state}")
    if domain.parent_id == parent.id:
        raise InvalidParameter(f"The current parent domain of the domain to be moved is equal to the new parent domain "
                               f"[{parent.name}] (parameter parentdomainid)")
    if parent.path.startswith(domain.path):
        raise InvalidParameter("The new parent domain of the domain cannot be one of its children "
                               "(parameter parentdomainid)")
    users.serialise(parent)
    _check_name(domain.name, parent.id)
    _move_counts(context, domain, parent)
    _count_children(domain.parent_id, -1)
    _count_children(parent.id, 1)
    _write_paths(domain, f"{parent.path}{domain.name}/", parent.level + 1)
    Domain.update(parent_id=parent.id).where(Domain.id == domain.id).execute()
    return Domain.get_by_id(domain.id)


def _move_counts(context: Context, domain: Domain, parent: Domain) -> None:
    old = [one.id for one in limit.domain_chain(domain.parent_id)]
    chain = limit.domain_chain(parent.id)
    rows = limit.limit_rows([], [one.id for one in chain])
    for row in ResourceCount.select().where(ResourceCount.owner_type == limit.DOMAIN,
                                            ResourceCount.owner_id == domain.id, ResourceCount.count > 0):
        limit.give_back_domains(old, row.resource_type, row.count, row.tag)
        for index, one in enumerate(chain):
            most = limit.domain_limit(context, rows, [above.id for above in chain[index:]], row.resource_type, row.tag)
            if not limit.add(limit.DOMAIN, one.id, row.resource_type, row.tag, row.count, most):
                raise ResourceLimitExceeded(
                    f"Domain {domain.name} cannot be moved: the limit of {most} {row.resource_type} of domain "
                    f"{one.name} would be exceeded (parameter parentdomainid)")


def check_deletable(context: Context, domain: Domain) -> None:
    """Refuse to delete a domain that has to stay.

    :raises PermissionDenied: the root, or a domain that is not the caller's.
    :raises InvalidParameter: it holds protected Instances, or the caller.
    """
    if domain.id == ROOT_DOMAIN:
        raise PermissionDenied("Can't delete ROOT domain")
    privilege.check_domain(context, domain)
    if context.caller.domain_path.startswith(domain.path):
        raise PermissionDenied(f"The domain {domain.name} holds the caller's own account (parameter id)")
    below = [one.id for one in Domain.alive(Domain.path.startswith(domain.path))]
    if Machine.alive(Machine.domain_id.in_(below), Machine.delete_protection == True).exists():  # noqa: E712
        raise InvalidParameter(f"Cannot delete Domain '{domain.name}'. One or more Instances have delete protection "
                               "enabled")


def delete(context: Context, domain: Domain, *, with_content: bool) -> None:
    """Remove a domain; in a job. `with_content` removes the domains below, all accounts and what they own first.

    :raises InternalError: it is not empty, and is to be.
    """
    run = context.steps.run
    below = list(Domain.select().where(Domain.path.startswith(domain.path), Domain.removed.is_null())
                 .order_by(Domain.level.desc(), Domain.id))
    run("mark", lambda: _set_state(below, INACTIVE), undo=lambda _: _set_state(below, ACTIVE))
    if not with_content:
        _check_empty(domain)
    for one in below:
        for account in Account.alive(Account.domain == one.id).order_by(Account.id):
            project = Project.alive(Project.project_account_id == account.id).first()
            if project is not None:
                projects.delete(context, project)
            else:
                accounts.delete(context, account)
        left = cleanup.run_domain(context, one)
        if left:
            raise InternalError(f"Failed to clean up domain {one.name}: {'; '.join(left)}")
        run(f"remove domain {one.id}", partial(_remove, one))


def _set_state(domains: list[Domain], state: str) -> None:
    Domain.update(state=state).where(Domain.id.in_([one.id for one in domains]), Domain.removed.is_null()).execute()


def _check_empty(domain: Domain) -> None:
    accounts_left = Account.alive(Account.domain == domain.id).count()
    domains_left = Domain.alive(Domain.parent_id == domain.id).count()
    networks_left = cleanup.left_in_domain(domain)
    if accounts_left or domains_left or networks_left:
        parts = [f"{accounts_left} accounts", f"{domains_left} domains", *networks_left]
        raise InternalError(f"Delete failed on domain {domain.name}: it holds {', '.join(parts)}. Remove them first, "
                            "or use the parameter cleanup")


def _remove(domain: Domain) -> None:
    of_domain = (limit.DOMAIN, domain.id)
    for table in (ResourceCount, ResourceLimit):
        table.delete().where(table.owner_type == of_domain[0], table.owner_id == of_domain[1]).execute()
    detail.remove(domain)
    if Domain.update(removed=now()).where(Domain.id == domain.id, Domain.removed.is_null()).execute():
        _count_children(domain.parent_id, -1)
