"""Primary storage pools on hosts: where they are attached, what they have, and which serve a place."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, ResourceUnavailable
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Cluster, Host, Zone
from cloudapi.models.storage import PoolHost, StoragePool
from cloudapi.services import detail
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.storage import access

log = logging.getLogger(__name__)

USABLE = ("Up", "Disabled")
"""States in which hosts keep a pool attached."""


def spec(pool: StoragePool) -> dict[str, Any]:
    """Return a pool as agents' `PoolSpec` names it."""
    fixed = detail.get(pool)
    return {"id": pool.uuid, "kind": pool.pool_type, "url": pool.url,
            "capacity_bytes": int(fixed["capacityBytes"]) if fixed.get("capacityBytes") else None,
            "details": {name: value for name, value in fixed.items() if name != "capacityBytes" and value is not None}}


def in_scope(pool: StoragePool) -> list[Host]:
    """Return the hosts that are up and may use the pool: by its scope, its hypervisor and its access groups."""
    where = [Host.kind == "Routing", Host.status == "Up", Host.zone == pool.zone_id]
    if pool.scope == "HOST":
        where.append(Host.id == pool.host_id)
    elif pool.scope == "CLUSTER":
        where.append(Host.cluster == pool.cluster_id)
    elif pool.hypervisor_type not in (None, "Any"):
        where.append(Host.hypervisor_type == pool.hypervisor_type)
    return [host for host in Host.alive(*where).order_by(Host.id) if access.allows(pool, host)]


def hosts_of(pool: StoragePool) -> list[Host]:
    """Return the hosts that are up and have the pool attached, those that take Instances first."""
    attached = PoolHost.select(PoolHost.host_id).where(PoolHost.pool == pool.id)
    found = list(Host.alive(Host.status == "Up", Host.id.in_(attached)).order_by(Host.id))
    return sorted(found, key=lambda host: host.resource_state != "Enabled")


def host_for(pool: StoragePool, preferred: Host | None = None) -> Host:
    """Return a host that can work on the pool: `preferred` where it has the pool.

    :raises ResourceUnavailable: no host that is up has it.
    """
    found = hosts_of(pool)
    if not found:
        raise ResourceUnavailable(f"Unable to use storage pool {pool.uuid}: no host that is up has it")
    return next((host for host in found if preferred is not None and host.id == preferred.id), found[0])


def usable(zone: Zone | int, cluster: Cluster | int | None = None) -> list[StoragePool]:
    """Return the pools of a zone that take new volumes; with `cluster`, those that its hosts can reach."""
    zone_id = zone if isinstance(zone, int) else zone.id
    where = [StoragePool.zone == zone_id, StoragePool.state == "Up"]
    if cluster is not None:
        cluster_id = cluster if isinstance(cluster, int) else cluster.id
        where.append(StoragePool.cluster.is_null() | (StoragePool.cluster == cluster_id))
    return list(StoragePool.alive(*where).order_by(StoragePool.id))


def attach(context: Context, pool: StoragePool, host: Host) -> dict[str, Any]:
    """Make the pool usable on a host and take its figures over. Outside transactions.

    :returns: the host's `PoolReport`.
    """
    report = agent.call(context, host, "pool.attach", {"pool": spec(pool)})

    def note() -> None:
        PoolHost.insert(pool=pool.id, host_id=host.id).on_conflict_ignore().execute()
        take_figures(pool, report)

    transact(note)
    return report


def detach(context: Context, pool: StoragePool, host: Host) -> None:
    """Take the pool away from a host.

    :raises HostRefused: an Instance there has a disk on it.
    """
    agent.call(context, host, "pool.detach", {"pool": pool.uuid})
    transact(lambda: PoolHost.delete().where(PoolHost.pool == pool.id, PoolHost.host_id == host.id).execute())


def take_figures(pool: StoragePool, report: dict[str, Any]) -> None:
    """Write what a host reports of a pool. Within a transaction."""
    pool.capacity_bytes, pool.used_bytes = report["capacity_bytes"], report["used_bytes"]
    pool.used_iops = report.get("used_iops") or 0
    (StoragePool.update(capacity_bytes=pool.capacity_bytes, used_bytes=pool.used_bytes, used_iops=pool.used_iops)
     .where(StoragePool.id == pool.id).execute())
    capacity.register_pool(pool)


def attach_all(context: Context, pool: StoragePool) -> int:
    """Attach a pool to every host of its scope that is up; one host's failure does not keep the others.

    :returns: how many have it.
    :raises ResourceUnavailable: there is no host, or none could attach it.
    """
    hosts = in_scope(pool)
    if not hosts:
        raise ResourceUnavailable(f"No host is up to associate the storage pool {pool.name} with")
    failures: list[ApiError] = []
    for host in hosts:
        try:
            attach(context, pool, host)
        except ApiError as error:
            failures.append(error)
    if len(failures) == len(hosts):
        raise failures[0]
    return len(hosts) - len(failures)


def connect_host(context: Context, host: Host, description: dict[str, Any] | None = None) -> None:
    """Attach everything that a host may use, when it was added, came back or was allowed more. Outside transactions.

    :param description: its `HostDescription`; its local disks become pools where the zone allows local storage.
    """
    if description is not None and Zone.get_by_id(host.zone_id).local_storage:
        for local in description.get("local_pools") or []:
            _local_pool(context, host, local)
    pools = StoragePool.alive(StoragePool.zone == host.zone_id, StoragePool.state.in_(USABLE)).order_by(StoragePool.id)
    for pool in list(pools):
        if any(candidate.id == host.id for candidate in in_scope(pool)):
            try:
                attach(context, pool, host)
            except ApiError as error:
                log.warning("host %s: storage pool %s cannot be attached: %s", host.name, pool.name, error.text)


def disconnect_host(host: Host) -> None:
    """Forget what was attached to a host that is removed; its local pools go with it. Within a transaction."""
    PoolHost.delete().where(PoolHost.host_id == host.id).execute()
    for pool in list(StoragePool.alive(StoragePool.host_id == host.id, StoragePool.scope == "HOST")):
        forget(pool)


def forget(pool: StoragePool) -> None:
    """Mark a pool removed, with what hangs on it. Within a transaction."""
    from cloudapi.models.base import now

    PoolHost.delete().where(PoolHost.pool == pool.id).execute()
    detail.remove(pool)
    capacity.remove_pool(pool)
    StoragePool.update(removed=now(), state="Removed").where(StoragePool.id == pool.id).execute()


def _local_pool(context: Context, host: Host, local: dict[str, Any]) -> None:
    """Make the pool of a host's own disk, once."""
    if StoragePool.alive(StoragePool.host_id == host.id, StoragePool.path == local["path"]).exists():
        return
    pool = transact(lambda: StoragePool.create(
        name=f"{host.name} Local Storage", zone=host.zone_id, pod=host.pod_id, cluster=host.cluster_id, host_id=host.id,
        scope="HOST", pool_type="Filesystem", url=f"file://{local['path']}", host_address=host.private_ip,
        path=local["path"], hypervisor_type=host.hypervisor_type, capacity_bytes=local["capacity_bytes"]))
    transact(lambda: detail.put(pool, {"capacityBytes": local["capacity_bytes"]}, display=False))


def refresh(context: Context, pool: StoragePool) -> None:
    """Take the pool's figures over from a host that has it."""
    (report,) = agent.call(context, host_for(pool), "pool.statistics", {"pools": [pool.uuid]})["pools"]
    transact(lambda: take_figures(pool, report))


def refresh_all(context: Context) -> None:
    """Take the figures of all pools over, one question per host. By the clock."""
    asked: dict[int, list[StoragePool]] = {}
    for pool in list(StoragePool.alive(StoragePool.state.in_(USABLE)).order_by(StoragePool.id)):
        found = hosts_of(pool)
        if found:
            asked.setdefault(found[0].id, []).append(pool)
    for host_id, mine in asked.items():
        host = Host.get_by_id(host_id)
        try:
            reports = agent.call(context, host, "pool.statistics", {"pools": [pool.uuid for pool in mine]})["pools"]
        except ApiError as error:
            log.warning("host %s has no figures of its pools: %s", host.name, error.text)
            continue
        for pool, report in zip(mine, reports, strict=True):
            transact(partial(take_figures, pool, report))
