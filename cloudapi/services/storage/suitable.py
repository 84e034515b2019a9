"""Where a volume may migrate to."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement import pool as placement
from cloudapi.services.storage import access
from cloudapi.services.storage import pool as pools
from cloudapi.services.volume import place


def for_migration(context: Context, volume: Volume) -> tuple[list[int], set[int]]:
    """Return the pools that a volume could be moved to, and which of them suit it.

    Those that do not suit (by tags, room, state) are returned as well, so that an admin sees them.

    :raises InvalidParameter: the volume is on no pool.
    :raises InternalError: it is not Ready.
    """
    if volume.pool_id is None:
        raise InvalidParameter(f"Invalid value for parameter id: volume {volume.uuid} is on no storage pool yet")
    if volume.state != "Ready":
        raise InternalError(f"Volume {volume.uuid} is in state {volume.state}: it can be migrated when Ready")
    source = StoragePool.get_by_id(volume.pool_id)
    reached = _reached(volume, source)
    needed = place.demand(volume)
    known = {pool.id: pool for pool in placement.pools_of_zone(volume.zone_id)}
    listed: list[int] = []
    suitable: set[int] = set()
    for pool in pools.usable(volume.zone_id):
        if pool.id == source.id or pool.id not in reached:
            continue
        listed.append(pool.id)
        if placement.refusal(context.settings, known[pool.id], needed) is None:
            suitable.add(pool.id)
    return listed, suitable


def _reached(volume: Volume, source: StoragePool) -> set[int]:
    """Return the pools that whoever moves the volume reaches: the machine's host, else any of the same hypervisor."""
    machine = Machine.get_or_none(Machine.id == volume.vm_id) if volume.vm_id else None
    if machine is not None and machine.host_id is not None:
        host = Host.get_by_id(machine.host_id)
        return {pool.id for pool in pools.usable(volume.zone_id, host.cluster_id)
                if (pool.scope != "HOST" or pool.host_id == host.id) and access.allows(pool, host)}
    kind = volume.hypervisor_type or source.hypervisor_type
    return {pool.id for pool in pools.usable(volume.zone_id) if pool.hypervisor_type in (None, "Any", kind)}
