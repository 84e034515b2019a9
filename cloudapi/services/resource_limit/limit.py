"""What admins do with resource limits: set them, look at them, count anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi import events
from cloudapi.context import ROOT_DOMAIN, SYSTEM_ACCOUNT, USER, Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account, Domain, Project, ResourceCount, ResourceLimit
from cloudapi.services.account import count, limit, privilege


def kind_numbered(number: int) -> str:
    """Return the kind of CloudStack's number.

    :raises InvalidParameter: there is none.
    """
    if number not in limit.NUMBERS:
        raise InvalidParameter(f"Please specify valid resource type: parameter resourcetype is 0 to "
                               f"{max(limit.NUMBERS)}, not {number}")
    return limit.NUMBERS[number]


def kind_named(name: str) -> str:
    if name.strip().lower() not in limit.KINDS:
        raise InvalidParameter(f"Please specify valid resource type: parameter resourcetypename is one of "
                               f"{', '.join(limit.KINDS)}, not {name[:40]!r}")
    return name.strip().lower()


def check_tag(kind: str, tag: str | None) -> None:
    if tag and kind not in limit.HOST_TAG_KINDS and kind not in limit.STORAGE_TAG_KINDS:
        raise InvalidParameter(f"Resource limit with a tag is not supported for resource type {kind} (parameter tag)")


def update(context: Context, owner: Account | Domain, kind: str, maximum: int | None, tag: str | None) -> ResourceLimit:
    """Set a limit. Within a transaction.

    :param maximum: None or -1 for none; GiB for storage.
    :raises InvalidParameter: below -1, above the untagged limit, above the parent domain's.
    :raises PermissionDenied: the caller's own account or domain, or one that is not the caller's to limit.
    """
    most = limit.UNLIMITED if maximum is None else maximum
    if most < limit.UNLIMITED:
        raise InvalidParameter("Please specify either '-1' for an infinite limit, or a limit that is at least '0' "
                               "(parameter max)")
    if context.caller.role_type == USER:
        raise PermissionDenied("Your account does not have the permission to update resource limits")
    check_tag(kind, tag)
    if kind in limit.STORAGE_KINDS and most > 0:
        most *= limit.GIB
    if isinstance(owner, Domain):
        _check_domain(context, owner, kind, most, tag)
    else:
        _check_account(context, owner, kind, most, tag)
    owner_type = limit.DOMAIN if isinstance(owner, Domain) else limit.ACCOUNT
    where = (ResourceLimit.owner_type == owner_type, ResourceLimit.owner_id == owner.id,
             ResourceLimit.resource_type == kind, ResourceLimit.tag == (tag or ""))
    (ResourceLimit.insert(owner_type=owner_type, owner_id=owner.id, resource_type=kind, tag=tag or "", maximum=most)
     .on_conflict_ignore().execute())
    ResourceLimit.update(maximum=most).where(*where).execute()
    events.noted(context, "RESOURCE.LIMIT.UPDATE",
                 f"Resource limit updated. Resource Type: {kind}, New Value: {most}", owner)
    return ResourceLimit.get(*where)


def _check_account(context: Context, account: Account, kind: str, most: int, tag: str | None) -> None:
    caller = context.caller
    if account.id == SYSTEM_ACCOUNT:
        raise InvalidParameter("Can't update system account (parameter account)")
    if limit.is_root_admin(account) and most != limit.UNLIMITED:
        raise InvalidParameter("Only -1 limit is supported for Root Admin accounts (parameter max)")
    if account.id == caller.account_id and caller.is_domain_admin:
        raise PermissionDenied(f"Unable to update resource limit for their own account {account.account_name}, "
                               "permission denied")
    privilege.check(context, account)
    if tag:
        rows = limit.limit_rows([account.id], [])
        _check_tagged(kind, most, limit.account_limit(context, rows, account.id, account.account_type, kind))


def _check_domain(context: Context, domain: Domain, kind: str, most: int, tag: str | None) -> None:
    caller = context.caller
    privilege.check_domain(context, domain)
    if domain.id == ROOT_DOMAIN:
        raise PermissionDenied("Cannot update resource limit for ROOT domain, permission denied")
    if domain.id == caller.domain_id and caller.is_domain_admin:
        raise PermissionDenied(f"Unable to update resource limit for domain {domain.uuid}, permission denied")
    chain = [one.id for one in limit.domain_chain(domain.id)]
    rows = limit.limit_rows([], chain)
    if tag:
        _check_tagged(kind, most, limit.domain_limit(context, rows, chain, kind))
    above = limit.domain_limit(context, rows, chain[1:], kind, tag or "")
    if above != limit.UNLIMITED and most > above:
        raise InvalidParameter(f"The parent domain of {domain.name} has maximum allowed resource limit {above} for "
                               f"{kind}, please specify a value less than or equal to {above} (parameter max)")


def _check_tagged(kind: str, most: int, untagged: int) -> None:
    if untagged > 0 and most > untagged:
        raise InvalidParameter(f"Maximum untagged resource limit for resource type {kind} is {untagged}, please "
                               "specify a value less than or equal to that (parameter max)")


def owner_of(context: Context, account: str | None, domain: Domain | None, project: Any, *, may_be_domain: bool,
             listing: bool = False) -> Account | Domain:
    """Return the account or domain that a command is about; the caller's account where none is named (in lists).

    :raises InvalidParameter: there is none of this name, or too little is given.
    """
    if isinstance(project, Project):
        if account:
            raise InvalidParameter("Account and projectId can't be specified together")
        return Account.get_by_id(project.project_account_id)
    if account:
        place = domain.id if domain is not None else context.caller.domain_id
        found: Account | None = Account.alive(Account.account_name == account, Account.domain == place).first()
        if found is None:
            raise InvalidParameter(f"Unable to find account {account[:80]} in the domain "
                                   "(parameters account, domainid)")
        return found
    if domain is not None and may_be_domain:
        return domain
    if listing:
        return Account.get_by_id(context.caller.account_id)
    raise InvalidParameter("The parameters account and domainid, domainid, or projectid say whose limit it is")


def effective(context: Context, owner: Account | Domain, kinds: Sequence[str],
              tag: str | None) -> list[tuple[str, str, int]]:
    """Return the limits in force for an owner as `(kind, tag, maximum)`, by kind and tag."""
    if isinstance(owner, Domain):
        chain = [one.id for one in limit.domain_chain(owner.id)]
        rows = limit.limit_rows([], chain)
    else:
        rows = limit.limit_rows([owner.id], [])
    free = not isinstance(owner, Domain) and limit.is_root_admin(owner)
    found = []
    for kind in kinds:
        for name in _tags(context, kind, tag):
            if free:
                most = limit.UNLIMITED
            elif isinstance(owner, Domain):
                most = limit.domain_limit(context, rows, chain, kind, name)
            else:
                most = limit.account_limit(context, rows, owner.id, owner.account_type, kind, name)
            found.append((kind, name, most))
    return found


def _tags(context: Context, kind: str, tag: str | None) -> list[str]:
    listed: list[str] = []
    if kind in limit.HOST_TAG_KINDS:
        listed = limit.tags_of(context, "resource.limit.host.tags")
    elif kind in limit.STORAGE_TAG_KINDS:
        listed = limit.tags_of(context, "resource.limit.storage.tags")
    if tag is None:
        return ["", *listed]
    return [tag] if tag in listed else []


def recount(context: Context, owner: Account | Domain, kind: str | None, tag: str | None) -> list[ResourceCount]:
    """Count what an account or a domain has, anew. Within a transaction."""
    if isinstance(owner, Domain):
        privilege.check_domain(context, owner)
    else:
        privilege.check(context, owner)
    if kind is not None:
        check_tag(kind, tag)
    _forget_unlisted_tags(context, owner)
    return count.recount(context, owner, [kind] if kind else (), tag)


def _forget_unlisted_tags(context: Context, owner: Account | Domain) -> None:
    """Remove counts and limits of tags that are no longer kept separately."""
    owner_type = limit.DOMAIN if isinstance(owner, Domain) else limit.ACCOUNT
    for kinds, name in ((limit.HOST_TAG_KINDS, "resource.limit.host.tags"),
                        (limit.STORAGE_TAG_KINDS, "resource.limit.storage.tags")):
        for table in (ResourceCount, ResourceLimit):
            table.delete().where(
                table.owner_type == owner_type, table.owner_id == owner.id, table.resource_type.in_(kinds),
                table.tag != "", table.tag.not_in([*limit.tags_of(context, name), ""])).execute()
