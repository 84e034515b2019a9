"""What accounts and domains really have, counted from the resources themselves."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.models.database import rows, transact
from cloudapi.models.identity import Account, Domain, ResourceCount
from cloudapi.services.account import limit

_MACHINES = ("FROM machine t LEFT JOIN service_offering o ON o.id = t.service_offering_id "
             "LEFT JOIN template i ON i.id = t.template_id WHERE t.removed IS NULL AND t.kind = 'User' "
             "AND t.account_id = ? AND t.display = ? AND t.state NOT IN ('Destroyed', 'Error', 'Expunging'{stopped})")
_VOLUMES = ("FROM volume t JOIN disk_offering o ON o.id = t.disk_offering_id WHERE t.removed IS NULL AND "
            "t.account_id = ? AND t.display = ? AND t.state NOT IN ('Destroy', 'Expunging', 'Expunged') "
            "AND (t.vm_id IS NULL OR t.vm_id NOT IN (SELECT m.id FROM machine m WHERE m.kind <> 'User'))")
_STORED = ("SELECT SUM(x.size) FROM template_store x JOIN template t ON t.id = x.template_id WHERE t.account_id = ? "
           "AND t.removed IS NULL AND x.download_state IN ('DOWNLOADED', 'DOWNLOAD_IN_PROGRESS')",
           "SELECT SUM(x.size) FROM volume_store x JOIN volume t ON t.id = x.volume_id WHERE t.account_id = ? "
           "AND t.removed IS NULL AND x.state = 'Ready'",
           "SELECT SUM(t.physical_size) FROM snapshot t WHERE t.account_id = ? AND t.removed IS NULL "
           "AND t.location = 'SECONDARY' AND t.state = 'BackedUp'")
_COUNTED = {
    "user_vm": "SELECT COUNT(*) " + _MACHINES,
    "cpu": "SELECT SUM(t.cpu) " + _MACHINES,
    "memory": "SELECT SUM(t.memory) " + _MACHINES,
    "volume": "SELECT COUNT(*) " + _VOLUMES,
    "primary_storage": "SELECT SUM(t.size) " + _VOLUMES,
    "snapshot": "SELECT COUNT(*) FROM snapshot t WHERE t.removed IS NULL AND t.account_id = ? "
                "AND t.state NOT IN ('Error', 'Destroyed')",
    "template": "SELECT COUNT(*) FROM template t WHERE t.removed IS NULL AND t.account_id = ?",
    "network": "SELECT COUNT(*) FROM network t WHERE t.removed IS NULL AND t.account_id = ? "
               "AND t.traffic_type = 'Guest' AND t.acl_type = 'Account'",
    "public_ip": "SELECT COUNT(*) FROM ip_address t JOIN ip_range r ON r.id = t.ip_range_id WHERE t.account_id = ? "
                 "AND t.state <> 'Free' AND r.for_virtual_network = ?",
    "project": "SELECT COUNT(*) FROM project_member t JOIN project p ON p.id = t.project_id "
               "WHERE p.removed IS NULL AND t.account_id = ? AND t.role = 'Admin'",
}
# Those whose condition has a second parameter: shown to users, or of a range for virtual networks.
_SHOWN_ONLY = frozenset({*limit.HOST_TAG_KINDS, *limit.STORAGE_TAG_KINDS, "public_ip"})


def real_amount(context: Context, account_id: int, kind: str, tag: str = "") -> int:
    """Return how much of a kind an account has (0 of what this installation does not know)."""
    if kind == "secondary_storage":
        return sum(_one(sql, account_id) for sql in _STORED)
    if kind not in _COUNTED:
        return 0
    running_only = kind in ("cpu", "memory", "user_vm") and context.settings.get("resource.count.running.vms.only")
    sql = _COUNTED[kind].format(stopped=", 'Stopped'" if running_only else "")
    if kind in _SHOWN_ONLY:
        parameters: tuple[Any, ...] = (account_id, True)
    else:
        parameters = (account_id,)
    if not tag:
        return _one(sql, *parameters)
    if kind in limit.HOST_TAG_KINDS:
        return _one(f"{sql} AND ({_listed('o.host_tag')} OR i.template_tag = ?)", *parameters, f"%,{tag},%", tag)
    return _one(f"{sql} AND {_listed('o.tags')}", *parameters, f"%,{tag},%")


def _listed(column: str) -> str:
    """Return the condition that a list of tags holds one of them, given as `%,tag,%`."""
    # MySQL reads `||` as OR and older SQLites have no CONCAT; replacing marks is the same everywhere.
    return f"REPLACE(REPLACE('^@^', '@', COALESCE({column}, '')), '^', ',') LIKE ?"


def _one(sql: str, *parameters: Any) -> int:
    return int(rows(sql, parameters)[0][0] or 0)


def recount(context: Context, owner: Account | Domain, kinds: Iterable[str] = (),
            tag: str | None = None) -> list[ResourceCount]:
    """Count an account, or a domain with all below it, anew. Within a transaction. Returns the rows of its counts."""
    wanted = list(kinds) or [kind for kind in limit.KINDS
                             if not tag or kind in limit.HOST_TAG_KINDS or kind in limit.STORAGE_TAG_KINDS]
    found: list[ResourceCount] = []
    for kind in wanted:
        for name in _tags(context, kind, tag):
            if isinstance(owner, Domain):
                found.append(_recount_domain(context, owner, kind, name))
            else:
                found.append(_recount_account(context, owner, kind, name))
    return found


def _tags(context: Context, kind: str, tag: str | None) -> list[str]:
    if tag:
        return [tag]
    if kind in limit.HOST_TAG_KINDS:
        return ["", *limit.tags_of(context, "resource.limit.host.tags")]
    if kind in limit.STORAGE_TAG_KINDS:
        return ["", *limit.tags_of(context, "resource.limit.storage.tags")]
    return [""]


def _recount_account(context: Context, account: Account, kind: str, tag: str) -> ResourceCount:
    """Set an account's count, and move those of the domains above by the difference."""
    row = _row(limit.ACCOUNT, account.id, kind, tag)
    if real_amount(context, account.id, kind, tag) == row.count:
        return row
    # Held from here on: whoever makes or removes one meanwhile has written both, or waits.
    ResourceCount.update(count=ResourceCount.count).where(ResourceCount.id == row.id).execute()
    row = _row(limit.ACCOUNT, account.id, kind, tag)
    real = real_amount(context, account.id, kind, tag)
    if real != row.count:
        ResourceCount.update(count=real).where(ResourceCount.id == row.id).execute()
        for domain in limit.domain_chain(account.domain_id):
            _shift(_row(limit.DOMAIN, domain.id, kind, tag), real - row.count)
    row.count = real
    return row


def _recount_domain(context: Context, domain: Domain, kind: str, tag: str) -> ResourceCount:
    below = Domain.alive(Domain.path.startswith(domain.path)).order_by(Domain.level.desc())
    total = 0
    for one in below:
        for account in Account.alive(Account.domain == one.id, Account.id != SYSTEM_ACCOUNT):
            total += _recount_account(context, account, kind, tag).count
    row = _row(limit.DOMAIN, domain.id, kind, tag)
    if row.count != total:
        difference = total - row.count
        for above in limit.domain_chain(domain.id):
            _shift(_row(limit.DOMAIN, above.id, kind, tag), difference)
        row.count = total
    return row


def _row(owner_type: str, owner_id: int, kind: str, tag: str) -> ResourceCount:
    where = (ResourceCount.owner_type == owner_type, ResourceCount.owner_id == owner_id,
             ResourceCount.resource_type == kind, ResourceCount.tag == tag)
    found = ResourceCount.get_or_none(*where)
    if found is None:
        (ResourceCount.insert(owner_type=owner_type, owner_id=owner_id, resource_type=kind, tag=tag, count=0)
         .on_conflict_ignore().execute())
        found = ResourceCount.get(*where)
    return found


def _shift(row: ResourceCount, difference: int) -> None:
    ResourceCount.update(count=ResourceCount.count + difference).where(ResourceCount.id == row.id).execute()
    ResourceCount.update(count=0).where(ResourceCount.id == row.id, ResourceCount.count < 0).execute()


def recount_all(context: Context) -> None:
    """Count every account anew; done by the clock, one transaction per account."""
    for account in Account.alive(Account.id != SYSTEM_ACCOUNT):
        transact(partial(recount, context, account))
