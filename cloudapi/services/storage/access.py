"""Storage access groups as they are set and asked for; `cloudapi.placement.access` says what they mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cloudapi.models.common import Detail
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.storage import StoragePool
from cloudapi.placement import access
from cloudapi.placement.access import NAME
from cloudapi.services import detail


def own(record: Any) -> list[str]:
    """Return the groups set on exactly this zone, pod, cluster, host or pool."""
    if isinstance(record, StoragePool):
        return list(record.storage_access_groups or [])
    return access.split(detail.get(record).get(NAME))


def put(record: Any, groups: Iterable[str]) -> None:
    """Set the groups of a zone, pod, cluster, host or pool; none takes them away. Within a transaction."""
    names = list(dict.fromkeys(name.strip() for name in groups if name.strip()))
    if isinstance(record, StoragePool):
        StoragePool.update(storage_access_groups=names).where(StoragePool.id == record.id).execute()
    elif names:
        detail.put(record, {NAME: ",".join(names)}, display=False)
    else:
        detail.remove(record, NAME)


def above(record: Any) -> list[Any]:
    """Return what a record lies in: cluster, pod and zone of a host."""
    found: list[Any] = []
    for kind, name in ((Cluster, "cluster_id"), (Pod, "pod_id"), (Zone, "zone_id")):
        number = getattr(record, name, None)
        if number is not None:
            found.append(kind.get_by_id(number))
    return found


def inherited(record: Any) -> list[str]:
    return list(dict.fromkeys(name for place in above(record) for name in own(place)))


def allows(pool: StoragePool, host: Host) -> bool:
    """Whether a host may use a pool."""
    groups = own(pool)
    return not groups or access.allows(groups, pool.scope, access.of_host(host.id))


def names() -> list[str]:
    """Return all groups that something bears, in alphabetical order."""
    rows = Detail.select().where(Detail.name == NAME)
    found = {name for row in rows for name in access.split(row.value)}
    for pool in StoragePool.alive():
        found.update(own(pool))
    return sorted(found)


def bearers(kind: type, name: str) -> list[Any]:
    """Return the records of a kind (Zone, Pod, Cluster, Host, StoragePool) on which a group is set."""
    if kind is StoragePool:
        return [pool for pool in StoragePool.alive().order_by(StoragePool.id) if name in own(pool)]
    ids = [row.resource_id for row in Detail.select().where(Detail.resource_type == kind.__name__, Detail.name == NAME)
           if name in access.split(row.value)]
    return list(kind.alive(kind.id.in_(ids)).order_by(kind.id))  # type: ignore[attr-defined]
