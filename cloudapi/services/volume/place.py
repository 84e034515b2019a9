"""Where a volume lies or can lie: its pool, the hosts that reach it, the capacity that it takes."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, ResourceUnavailable
from cloudapi.models.infrastructure import Host
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import StoragePool, Template, TemplatePool, Volume
from cloudapi.placement import pool as pools
from cloudapi.placement.demand import VolumeDemand
from cloudapi.placement.refusal import Refusals
from cloudapi.placement.tag import split
from cloudapi.services.capacity import capacity


def hosts_of(context: Context, pool: StoragePool) -> list[Host]:
    """Return the hosts that are up and reach the pool, oldest first.

    Clusters with the setting `cluster.storage.operations.exclude` are left out for zone-wide pools.
    """
    where = [Host.kind == "Routing", Host.status == "Up", Host.zone == pool.zone_id]
    if pool.scope == "HOST":
        where.append(Host.id == pool.host_id)
    elif pool.scope == "CLUSTER":
        where.append(Host.cluster == pool.cluster_id)
    elif pool.hypervisor_type not in (None, "Any"):
        where.append(Host.hypervisor_type == pool.hypervisor_type)
    found = list(Host.alive(*where).order_by(Host.id))
    if pool.scope == "ZONE":
        excluded = {cluster for cluster in {host.cluster_id for host in found} if cluster is not None
                    and context.settings.get("cluster.storage.operations.exclude", cluster=cluster)}
        found = [host for host in found if host.cluster_id not in excluded]
    return found


def host_of(context: Context, pool: StoragePool) -> Host:
    """Return a host through which work on the pool can be done; one that takes Instances where there is one.

    :raises ResourceUnavailable: none is up.
    """
    found = hosts_of(context, pool)
    if not found:
        raise ResourceUnavailable(f"Unable to reach storage pool {pool.uuid}: no host that has it is up")
    return min(found, key=lambda host: (host.resource_state != "Enabled", host.id))


def reaches(host: Host, pool: StoragePool) -> bool:
    """Whether the host has the pool, by the pool's scope."""
    if host.zone_id != pool.zone_id:
        return False
    if pool.scope == "HOST":
        return bool(pool.host_id == host.id)
    if pool.scope == "CLUSTER":
        return bool(pool.cluster_id == host.cluster_id)
    return pool.hypervisor_type in (None, "Any", host.hypervisor_type)


def demand(volume: Volume) -> VolumeDemand:
    """Return what the volume needs of a pool; with its template's size where no pool of the zone has that yet."""
    offering = DiskOffering.get_by_id(volume.disk_offering_id)
    size = volume.size
    if volume.template_id is not None and volume.pool_id is None and volume.snapshot_id is None:
        copied = (TemplatePool.select().join(StoragePool, on=(TemplatePool.pool == StoragePool.id))
                  .where(TemplatePool.template == volume.template_id, TemplatePool.state == "Ready",
                         StoragePool.zone == volume.zone_id).exists())
        size += 0 if copied else Template.get_by_id(volume.template_id).size or 0
    return VolumeDemand(volume.id, volume.name, size, tuple(split(offering.tags)), bool(offering.use_local_storage),
                        volume.pool_id, bool(offering.encrypt))


def candidates(context: Context, volume: Volume, *, host: Host | None = None, hypervisor: str | None = None,
               refusals: Refusals | None = None) -> list[StoragePool]:
    """Return the pools on which the volume can be made, best first: those that the host has, or all of the zone."""
    needed = demand(volume)
    if host is not None:
        found = pools.suitable_pools(context, needed, zone_id=volume.zone_id, host_id=host.id,
                                     cluster_id=host.cluster_id, hypervisor=host.hypervisor_type,
                                     account_id=volume.account_id, refusals=refusals)
    else:
        found = []
        for pool in pools.pools_of_zone(volume.zone_id):
            if hypervisor and pool.hypervisor not in (None, "Any", hypervisor):
                continue
            reason = pools.refusal(context.settings, pool, needed)
            if reason is None:
                found.append(pool)
            elif refusals is not None:
                refusals.add(pool.name, f"{volume.name}: {reason}")
        found = pools.ordered(context.settings, found, volume.account_id)
    records = {record.id: record for record in StoragePool.select().where(StoragePool.id.in_([p.id for p in found]))}
    return [records[pool.id] for pool in found]


def take(context: Context, volume: Volume, *, host: Host | None = None, pool: StoragePool | None = None,
         hypervisor: str | None = None) -> StoragePool:
    """Choose a pool for the volume and take its size of the capacity. Within a transaction.

    :param host: the pool must be one of this host's.
    :param pool: the one that was chosen already.
    :raises InsufficientCapacity: no pool suits, with the reason of each.
    """
    refusals = Refusals()
    tried: Sequence[StoragePool] = [pool] if pool is not None else candidates(
        context, volume, host=host, hypervisor=hypervisor, refusals=refusals)
    for found in tried:
        if capacity.take_pool(found, volume.size):
            return found
        refusals.add(found.name, f"{volume.size} bytes for volume {volume.name} are more than it has left")
    raise InsufficientCapacity(f"Unable to find a storage pool for volume {volume.uuid}", refusals=refusals.listed())
