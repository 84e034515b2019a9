"""Where a volume lies or can lie: its pool, the hosts that reach it, the capacity that it takes."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, ResourceUnavailable
from cloudapi.models.infrastructure import Host
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import PoolHost, StoragePool, Template, TemplatePool, Volume
from cloudapi.placement import pool as pools
from cloudapi.placement.demand import VolumeDemand
from cloudapi.placement.refusal import Refusals
from cloudapi.placement.tag import split, tag_refusal
from cloudapi.services.capacity import capacity
from cloudapi.services.storage import pool as storage_pools


def host_of(context: Context, pool: StoragePool, preferred: Host | None = None) -> Host:
    """Return a host through which work on the pool can be done: `preferred` where it has the pool.

    Clusters with the setting `cluster.storage.operations.exclude` are left out for zone-wide pools.

    :raises ResourceUnavailable: none is up.
    """
    found = storage_pools.hosts_of(pool)
    if pool.scope == "ZONE":
        found = [host for host in found
                 if not context.settings.get("cluster.storage.operations.exclude", cluster=host.cluster_id)]
    if not found:
        raise ResourceUnavailable(f"Unable to reach storage pool {pool.uuid}: no host that has it is up")
    return next((host for host in found if preferred is not None and host.id == preferred.id), found[0])


def reaches(host: Host, pool: StoragePool) -> bool:
    """Whether the host has the pool attached."""
    return bool(PoolHost.select().where(PoolHost.pool == pool.id, PoolHost.host_id == host.id).exists())


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
                        volume.pool_id, bool(offering.encrypt), volume.min_iops or 0)


def offering_refusal(pool: StoragePool, offering: DiskOffering) -> str | None:
    """Return why volumes of the offering do not go to the pool, or None: local or shared, and the storage tags."""
    if bool(offering.use_local_storage) != (pool.scope == "HOST"):
        return f"the offering asks for {'local' if offering.use_local_storage else 'shared'} storage"
    return tag_refusal(split(offering.tags), split(pool.tags), bool(pool.is_tag_a_rule), "storage")


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
    """Choose a pool for the volume and take its size and IOPS of the capacity. Within a transaction.

    :param host: the pool must be one of this host's.
    :param pool: the one that was chosen already.
    :raises InsufficientCapacity: no pool suits, with the reason of each.
    """
    refusals = Refusals()
    tried: Sequence[StoragePool] = [pool] if pool is not None else candidates(
        context, volume, host=host, hypervisor=hypervisor, refusals=refusals)
    for found in tried:
        if capacity.take_pool(found, volume.size, volume.min_iops or 0):
            return found
        iops = f" and {volume.min_iops} IOPS" if volume.min_iops else ""
        refusals.add(found.name, f"{volume.size} bytes{iops} for volume {volume.name} are more than it has left")
    raise InsufficientCapacity(f"Unable to find a storage pool for volume {volume.uuid}", refusals=refusals.listed())
