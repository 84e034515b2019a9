"""Resource limits: what an account, and the domains above it, may have and do have.

Counts are rows of `resource_count`, one per owner and kind; each changes by one UPDATE which holds the limit in
its condition, so that no two calls can pass a limit together. Units: `memory` in MiB, storage in bytes, the rest
in pieces. Limits are rows of `resource_limit`, else the settings `max.account.*`, `max.domain.*`, `max.project.*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import peewee

from cloudapi.context import ADMIN, ROOT_DOMAIN, SYSTEM_ACCOUNT, Context
from cloudapi.errors import ResourceLimitExceeded
from cloudapi.models.database import execute
from cloudapi.models.identity import Account, Domain, Project, ResourceCount, ResourceLimit, Role

UNLIMITED = -1
GIB = 1 << 30
ACCOUNT, DOMAIN = "Account", "Domain"
PROJECT_ACCOUNT = 5

# The kinds in the order of CloudStack's numbers, with their word in the settings' names.
KINDS: dict[str, str] = {
    "user_vm": "user.vms", "public_ip": "public.ips", "volume": "volumes", "snapshot": "snapshots",
    "template": "templates", "project": "projects", "network": "networks", "vpc": "vpcs", "cpu": "cpus",
    "memory": "memory", "primary_storage": "primary.storage", "secondary_storage": "secondary.storage",
    "backup": "backups", "backup_storage": "backup.storage", "bucket": "buckets",
    "object_storage": "object.storage", "gpu": "gpus",
}
NUMBERS = dict(enumerate(KINDS))
STORAGE_KINDS = frozenset({"primary_storage", "secondary_storage", "backup_storage", "object_storage"})
HOST_TAG_KINDS = ("user_vm", "cpu", "memory", "gpu")
STORAGE_TAG_KINDS = ("volume", "primary_storage")

# `{(owner type, owner id, kind, tag): maximum}`
LimitRows = Mapping[tuple[str, int, str, str], int]


def take(context: Context, account: Account, kind: str, amount: int = 1, *, tags: Sequence[str] = ()) -> None:
    """Count more of a resource for an account and the domains above it; within the transaction that makes it.

    :param amount: how many (MiB of memory, bytes of storage).
    :param tags: the limit tags that apply (see `host_tags`, `storage_tags`); each is counted as well.
    :raises ResourceLimitExceeded: a limit of the account or of a domain would be passed; nothing is to be kept then.
    """
    take_all(context, account, {kind: amount}, tags=tags)


def take_all(context: Context, account: Account, amounts: Mapping[str, int], *, tags: Sequence[str] = ()) -> None:
    """Count several kinds at once: `{"user_vm": 1, "cpu": 2, "memory": 1024}`."""
    if account.id == SYSTEM_ACCOUNT:
        return
    chain = domain_chain(account.domain_id)
    free = is_root_admin(account)
    rows: LimitRows = {} if free else limit_rows([account.id], [domain.id for domain in chain])
    for kind, amount in amounts.items():
        if not amount:
            continue
        for tag in ("", *tags):
            most = UNLIMITED if free else account_limit(context, rows, account.id, account.account_type, kind, tag)
            if not add(ACCOUNT, account.id, kind, tag, amount, most):
                raise ResourceLimitExceeded(_account_text(account, kind, tag, most, amount))
            for index, domain in enumerate(chain):
                most = UNLIMITED if free else domain_limit(context, rows, [d.id for d in chain[index:]], kind, tag)
                if not add(DOMAIN, domain.id, kind, tag, amount, most):
                    raise ResourceLimitExceeded(_domain_text(domain, kind, tag, most, amount))


def give_back(account: Account, kind: str, amount: int = 1, *, tags: Sequence[str] = ()) -> None:
    """Count less of a resource; within the transaction that removes it. A count never falls below 0."""
    if account.id == SYSTEM_ACCOUNT or not amount:
        return
    domains = [domain.id for domain in domain_chain(account.domain_id)]
    _subtract(((ResourceCount.owner_type == ACCOUNT) & (ResourceCount.owner_id == account.id)) | _of_domains(domains),
              kind, amount, ["", *tags])


def give_back_domains(domain_ids: Sequence[int], kind: str, amount: int, tag: str = "") -> None:
    """Count less for domains alone: what is below them moves elsewhere."""
    _subtract(_of_domains(domain_ids), kind, amount, [tag])


def _of_domains(domain_ids: Sequence[int]) -> Any:
    return (ResourceCount.owner_type == DOMAIN) & ResourceCount.owner_id.in_(list(domain_ids))


def _subtract(owners: Any, kind: str, amount: int, tags: Sequence[str]) -> None:
    # One UPDATE: two, one for counts that suffice and one for the others, would see each other's rows.
    left = peewee.Case(None, [(ResourceCount.count > amount, ResourceCount.count - amount)], 0)
    (ResourceCount.update(count=left)
     .where(ResourceCount.resource_type == kind, ResourceCount.tag.in_(tags), owners).execute())


def add(owner_type: str, owner_id: int, kind: str, tag: str, amount: int, most: int) -> bool:
    """Add to a count unless it would pass `most`; the row is made on first use. Returns whether it was added."""
    sql = ("UPDATE resource_count SET count = count + ? WHERE owner_type = ? AND owner_id = ? AND resource_type = ? "
           "AND tag = ?")
    parameters: list[Any] = [amount, owner_type, owner_id, kind, tag]
    if most != UNLIMITED:
        sql += " AND count + ? <= ?"
        parameters += [amount, most]
    if execute(sql, parameters):
        return True
    made = (ResourceCount.insert(owner_type=owner_type, owner_id=owner_id, resource_type=kind, tag=tag, count=0)
            .on_conflict_ignore().execute())
    return bool(made and execute(sql, parameters))


def domain_chain(domain_id: int) -> list[Domain]:
    """Return a domain and those above it, up to the root."""
    domain = Domain.get_by_id(domain_id)
    parts = [part for part in domain.path.split("/") if part]
    paths = ["/" + "".join(f"{part}/" for part in parts[:length]) for length in range(len(parts))]
    above = list(Domain.alive(Domain.path.in_(paths))) if paths else []
    return [domain, *sorted(above, key=lambda item: item.level, reverse=True)]


def is_root_admin(account: Account) -> bool:
    role = Role.get_or_none(Role.id == account.role_id)
    return role is not None and role.role_type == ADMIN and account.account_type != PROJECT_ACCOUNT


def limit_rows(account_ids: Iterable[int], domain_ids: Iterable[int]) -> dict[tuple[str, int, str, str], int]:
    """Return the limits that are set for these accounts and domains."""
    rows = ResourceLimit.select().where(
        ((ResourceLimit.owner_type == ACCOUNT) & ResourceLimit.owner_id.in_(list(account_ids)))
        | ((ResourceLimit.owner_type == DOMAIN) & ResourceLimit.owner_id.in_(list(domain_ids))))
    return {(row.owner_type, row.owner_id, row.resource_type, row.tag): row.maximum for row in rows}


def default_limit(context: Context, owner: str, kind: str) -> int:
    """Return the limit of the settings for `account`, `domain` or `project`, in the unit of the count."""
    if owner == "project" and kind == "project":
        return UNLIMITED
    value = int(context.settings.get(f"max.{owner}.{KINDS[kind]}"))
    if value < 0:
        return UNLIMITED
    return value * GIB if kind in STORAGE_KINDS else value


def account_limit(context: Context, rows: LimitRows, account_id: int, account_type: int, kind: str,
                  tag: str = "") -> int:
    """Return the limit in force for an account that is no root admin's."""
    found = rows.get((ACCOUNT, account_id, kind, tag))
    if found is None and tag:
        found = rows.get((ACCOUNT, account_id, kind, ""))
    if found is not None:
        return found
    return default_limit(context, "project" if account_type == PROJECT_ACCOUNT else "account", kind)


def domain_limit(context: Context, rows: LimitRows, chain: Sequence[int], kind: str, tag: str = "") -> int:
    """Return the limit in force for the domain at the head of `chain` (ids, up to the root's): the nearest one set."""
    if chain[0] == ROOT_DOMAIN:
        return UNLIMITED
    for wanted in dict.fromkeys((tag, "")):
        for domain_id in chain:
            if domain_id != ROOT_DOMAIN and (DOMAIN, domain_id, kind, wanted) in rows:
                return rows[DOMAIN, domain_id, kind, wanted]
    return default_limit(context, "domain", kind)


def tags_of(context: Context, name: str) -> list[str]:
    """Return the tags listed in `resource.limit.host.tags` or `resource.limit.storage.tags`."""
    text = context.settings.get(name) or ""
    return [tag for tag in dict.fromkeys(part.strip() for part in text.split(",")) if tag]


def host_tags(context: Context, *texts: str | None) -> list[str]:
    """Return the limit tags among an offering's host tag and a template's tag; they count user_vm, cpu and memory."""
    return _matching(tags_of(context, "resource.limit.host.tags"), texts)


def storage_tags(context: Context, *texts: str | None) -> list[str]:
    """Return the limit tags among a disk offering's storage tags; they count volume and primary_storage."""
    return _matching(tags_of(context, "resource.limit.storage.tags"), texts)


def _matching(limited: list[str], texts: Sequence[str | None]) -> list[str]:
    borne = {part.strip() for text in texts if text for part in text.split(",")}
    return [tag for tag in limited if tag in borne]


def _shown(kind: str, value: int) -> str:
    if kind not in STORAGE_KINDS or value < 0:
        return str(value)
    return f"({value / GIB:.2f} GB) {value}"


def _amounts(owner_type: str, owner_id: int, kind: str, tag: str, most: int, amount: int) -> dict[str, Any]:
    row = ResourceCount.get_or_none(
        ResourceCount.owner_type == owner_type, ResourceCount.owner_id == owner_id,
        ResourceCount.resource_type == kind, ResourceCount.tag == tag)
    return {"most": _shown(kind, most), "has": _shown(kind, row.count if row else 0), "asked": _shown(kind, amount),
            "kind": f"{kind} (tag: {tag})" if tag else kind}


def _account_text(account: Account, kind: str, tag: str, most: int, amount: int) -> str:
    words = _amounts(ACCOUNT, account.id, kind, tag, most, amount)
    name = f"Account Name = {account.account_name}"
    if account.account_type == PROJECT_ACCOUNT:
        project = Project.get_or_none(Project.project_account_id == account.id)
        name = f"Project Name = {project.name if project else account.account_name}"
    domain = Domain.get_by_id(account.domain_id)
    return ("Maximum amount of resources of Type = '{kind}' for {name} in Domain Id = {domain} is exceeded: "
            "Account Resource Limit = {most}, Current Account Resource Amount = {has}, "
            "Requested Resource Amount = {asked}.").format(name=name, domain=domain.uuid, **words)


def _domain_text(domain: Domain, kind: str, tag: str, most: int, amount: int) -> str:
    words = _amounts(DOMAIN, domain.id, kind, tag, most, amount)
    return ("Maximum domain resource limits of Type '{kind}' for Domain Id = {domain} is exceeded: "
            "Domain Resource Limit = {most}, Current Domain Resource Amount = {has}, "
            "Requested Resource Amount = {asked}.").format(domain=domain.uuid, **words)
