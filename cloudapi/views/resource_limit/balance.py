"""Limits, totals and what is left of them: the same fields on accounts, domains and projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudapi.api.view import Attribute, Batch, Given, Page, View
from cloudapi.context import ADMIN, ROOT_DOMAIN, Context
from cloudapi.models.database import rows
from cloudapi.services.account import limit

UNLIMITED = "Unlimited"

# Word of the fields -> kind, what it is, and since when there are these fields beside those of the first API.
WORDS: dict[str, tuple[str, str, str | None]] = {
    "vm": ("user_vm", "Instances", None), "ip": ("public_ip", "public IP addresses", None),
    "volume": ("volume", "volumes", None), "snapshot": ("snapshot", "snapshots", None),
    "backup": ("backup", "backups", "4.21.0"),
    "backupstorage": ("backup_storage", "GiB of backup storage", "4.21.0"),
    "template": ("template", "templates and ISOs", None), "project": ("project", "projects", "3.0.1"),
    "network": ("network", "networks", "3.0.1"), "vpc": ("vpc", "VPCs", "4.0.0"),
    "cpu": ("cpu", "CPU cores", "4.2.0"), "memory": ("memory", "MiB of memory", "4.2.0"),
    "gpu": ("gpu", "GPUs", "4.21.0"), "primarystorage": ("primary_storage", "GiB of primary storage", "4.2.0"),
    "secondarystorage": ("secondary_storage", "GiB of secondary storage", "4.2.0"),
    "bucket": ("bucket", "buckets", "4.21.0"),
    "objectstorage": ("object_storage", "GiB of object storage", "4.21.0"),
}


class TaggedResourceView(View):
    """A limit that is kept for one host or storage tag."""

    name = "taggedresource"

    resourcetype = Given("number of the resource's type", type="integer")
    resourcetypename = Given("name of the resource's type", type="string")
    tag = Given("the host or storage tag", type="string")
    limit = Given("the limit; -1 for none", type="long")
    total = Given("how much there is", type="long")
    available = Given("how much is left; -1 without a limit", type="long")


# `effective(kind, tag)` for one owner: the limit in force, -1 for none.
Effective = Callable[[str, str], int]


def owner_fields(load: Callable[[Page], dict[int, dict[str, Any]]], *, since: str | None = None,
                 leave_out: Sequence[str] = (), needs: Sequence[str] = ()) -> dict[str, Attribute]:
    """Return the fields of all words; `load` is one batch for all of them (see `shown`)."""
    fields: dict[str, Attribute] = {}
    for word, (_, counted, first) in WORDS.items():
        if word in leave_out:
            continue
        about: dict[str, Any] = {"detail": "resource", "since": first or since, "needs": needs}
        total = "string" if word == "secondarystorage" else "long"
        fields[f"{word}limit"] = Batch(load, f"most {counted}", key=f"{word}limit", type="string", **about)
        fields[f"{word}total"] = Batch(load, f"{counted} in use", key=f"{word}total", type=total, **about)
        fields[f"{word}available"] = Batch(load, f"{counted} left", key=f"{word}available", type="string", **about)
    fields["taggedresources"] = Batch(load, "limits that are kept for one host or storage tag", key="taggedresources",
                                      type="list", nested=TaggedResourceView, since="4.20.0", detail="resource")
    return fields


def counts_of(owner_type: str, ids: Sequence[int]) -> dict[int, dict[tuple[str, str], int]]:
    """Return `{owner: {(kind, tag): count}}`."""
    found: dict[int, dict[tuple[str, str], int]] = {owner: {} for owner in ids}
    if ids:
        marks = ",".join("?" * len(ids))
        for owner, kind, tag, count in rows(
                f"SELECT owner_id, resource_type, tag, count FROM resource_count WHERE owner_type = ? "
                f"AND owner_id IN ({marks})", [owner_type, *ids]):
            found[owner][kind, tag] = int(count)
    return found


def free_addresses() -> int:
    """Return how many public addresses nobody has."""
    return int(rows("SELECT COUNT(*) FROM ip_address t JOIN ip_range r ON r.id = t.ip_range_id WHERE t.state = 'Free' "
                    "AND t.removed IS NULL AND r.for_virtual_network = ? AND r.account_id IS NULL", [True])[0][0])


def shown(context: Context, counts: Mapping[tuple[str, str], int], effective: Effective, free_ips: int,
          tag: str | None = None) -> dict[str, Any]:
    """Return the fields of one owner; storage in GiB, as clients know it.

    :param tag: show the tagged limits of this tag alone.
    """
    fields: dict[str, Any] = {}
    for word, (kind, _, _) in WORDS.items():
        most, total = effective(kind, ""), counts.get((kind, ""), 0)
        unit = limit.GIB if kind in limit.STORAGE_KINDS else 1
        left = most - total
        if kind == "public_ip":
            left = min(left, free_ips)
        free = most == limit.UNLIMITED
        fields[f"{word}limit"] = UNLIMITED if free else str(most // unit)
        fields[f"{word}available"] = UNLIMITED if free else str(left // unit)
        fields[f"{word}total"] = round(total / unit, 2) if word == "secondarystorage" else total // unit
    fields["taggedresources"] = tagged(context, counts, effective, tag)
    return fields


def tagged(context: Context, counts: Mapping[tuple[str, str], int], effective: Effective,
           only: str | None) -> list[dict[str, Any]]:
    numbers = {kind: number for number, kind in limit.NUMBERS.items()}
    found = []
    for kinds, setting in ((limit.HOST_TAG_KINDS, "resource.limit.host.tags"),
                           (limit.STORAGE_TAG_KINDS, "resource.limit.storage.tags")):
        for tag in limit.tags_of(context, setting):
            for kind in kinds if only in (None, tag) else ():
                most, total = effective(kind, tag), counts.get((kind, tag), 0)
                found.append({"resourcetype": numbers[kind], "resourcetypename": kind, "tag": tag, "limit": most,
                              "total": total, "available": most if most == limit.UNLIMITED else most - total})
    return found


def load_of_accounts(page: Page) -> dict[int, dict[str, Any]]:
    """Load the fields of accounts; for views of `Account`."""
    return of_accounts(page.context, page.ids, getattr(page.arguments, "tag", None))


def of_accounts(context: Context, ids: Sequence[int], tag: str | None = None) -> dict[int, dict[str, Any]]:
    if not ids:
        return {}
    marks = ",".join("?" * len(ids))
    kinds = {row[0]: (row[1], row[2]) for row in rows(
        f"SELECT a.id, a.account_type, r.role_type FROM account a LEFT JOIN role r ON r.id = a.role_id "
        f"WHERE a.id IN ({marks})", list(ids))}
    limits, counts, free_ips = limit.limit_rows(ids, []), counts_of(limit.ACCOUNT, ids), free_addresses()

    def effective(account_id: int) -> Effective:
        account_type, role_type = kinds[account_id]
        if role_type == ADMIN:
            return lambda kind, tag: limit.UNLIMITED
        return lambda kind, tag: limit.account_limit(context, limits, account_id, account_type, kind, tag)

    return {one: shown(context, counts[one], effective(one), free_ips, tag) for one in ids}


def load_of_domains(page: Page) -> dict[int, dict[str, Any]]:
    """Load the fields of domains, whose limits are those of the nearest ancestor that has one."""
    paths = page.values("path")
    above = {prefix for path in paths.values() for prefix in _prefixes(path)}
    if not above:
        return {}
    marks = ",".join("?" * len(above))
    ids = {row[0]: row[1] for row in rows(f"SELECT path, id FROM domain WHERE removed IS NULL AND path IN ({marks})",
                                          sorted(above))}
    limits = limit.limit_rows([], set(ids.values()) | set(page.ids))
    counts, free_ips = counts_of(limit.DOMAIN, page.ids), free_addresses()
    tag = getattr(page.arguments, "tag", None)

    def effective(domain_id: int) -> Effective:
        chain = [domain_id, *(ids[prefix] for prefix in reversed(_prefixes(paths[domain_id])[:-1]) if prefix in ids)]
        return lambda kind, tag: limit.domain_limit(page.context, limits, chain or [ROOT_DOMAIN], kind, tag)

    return {one: shown(page.context, counts[one], effective(one), free_ips, tag) for one in page.ids}


def _prefixes(path: str) -> list[str]:
    """Return the paths of a domain and those above it, the root's first."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "".join(f"{part}/" for part in parts[:length]) for length in range(len(parts) + 1)]


AccountLimits: Any = type("AccountLimits", (), owner_fields(load_of_accounts))
DomainLimits: Any = type("DomainLimits", (), owner_fields(load_of_domains, needs=("path",)))
