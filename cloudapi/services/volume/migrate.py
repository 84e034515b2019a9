"""Moving volumes to other pools: copied while nobody uses them, or by the host of the running Instance."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter, UnsupportedAction
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import PoolHost, Snapshot, StoragePool, Volume
from cloudapi.placement import pool as pools
from cloudapi.placement.demand import VolumeDemand
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.offering.scope import check_usable
from cloudapi.services.storage import store as stores
from cloudapi.services.volume import disk, hypervisor, place
from cloudapi.states.base import transition

MIGRATABLE = ("Stopped", "Running", "Shutdown")


def immovable(context: Context, volume: Volume) -> str | None:
    """Return why the volume goes to no other pool now, or None. Pure reading."""
    if volume.state != "Ready":
        return "Volume must be in ready state"
    if Snapshot.alive(Snapshot.volume == volume.id, Snapshot.image_store_id.is_null()).exists():
        return f"Unable to migrate volume {volume.uuid}: it has snapshots that lie on its pool only"
    if volume.encrypt_format is not None:
        return "Migration of encrypted volumes is unsupported"
    return None


def check(context: Context, volume: Volume, pool: StoragePool, live: bool, new: DiskOffering | None, *,
          host: Host | None = None) -> None:
    """Refuse a migration that cannot be done. Pure reading.

    :param live: the caller agrees to a move while the Instance runs.
    :param new: the disk offering that the volume gets on the new pool.
    :param host: where the running Instance goes, where it moves as well.
    """
    if not context.settings.get("enable.storage.migration"):
        raise UnsupportedAction("Volumes are not migrated here: setting enable.storage.migration")
    reason = immovable(context, volume)
    if reason is not None:
        raise InvalidParameter(reason)
    if volume.pool_id == pool.id:
        raise InvalidParameter(f"Volume {volume.uuid} is already on the destination storage pool: storageid")
    if pool.zone_id != volume.zone_id:
        raise InvalidParameter(f"Storage pool {pool.uuid} is in another zone than the volume: storageid")
    if pool.state != "Up":
        raise InvalidParameter(f"Cannot migrate volume {volume.uuid} to the destination storage pool {pool.name} as "
                               f"the storage pool is in state {pool.state}")
    machine = Machine.get_or_none(Machine.id == volume.vm_id)
    if machine is not None:
        _check_machine(machine, volume, pool, live, host)
    _check_offering(context, volume, pool, new, machine)
    reason = room(context, volume, pool, volume.size, volume.min_iops or 0)
    if reason is not None:
        raise InsufficientCapacity(f"Storage pool {pool.name} does not have enough space or IOPS to migrate volume "
                                   f"{volume.name}", refusals=((pool.name, reason),))


def _check_machine(machine: Machine, volume: Volume, pool: StoragePool, live: bool, destination: Host | None) -> None:
    if machine.state not in MIGRATABLE:
        raise InvalidParameter(f"Volume migration is not allowed when the VM is in the {machine.state} state. "
                               f"Supported states are: {', '.join(MIGRATABLE)}.")
    if machine.state != "Running":
        return
    host = Host.get_by_id(machine.host_id)
    if not hypervisor.moves_disks(host):
        raise InvalidParameter("Volume needs to be detached from VM: its hypervisor moves none of a running Instance")
    if not live:
        raise InvalidParameter(f"The volume {volume.uuid} is attached to a vm and for migrating it the parameter "
                               "livemigrate should be specified")
    if not place.reaches(destination or host, pool):
        raise InvalidParameter("Cannot migrate a volume of a virtual machine to a storage pool in a different cluster: "
                               "storageid")


def _check_offering(context: Context, volume: Volume, pool: StoragePool, new: DiskOffering | None,
                    machine: Machine | None) -> None:
    chosen = new
    if new is not None:
        check_usable(disk.owner_of(volume), new, Zone.get_by_id(volume.zone_id))
        if volume.kind == disk.ROOT and machine is not None \
                and ServiceOffering.get_by_id(machine.service_offering_id).disk_offering_strictness:
            raise InvalidParameter(f"Disk offering cannot be changed to the volume {volume.uuid} since existing disk "
                                   "offering is strictly associated with the volume: newdiskofferingid")
    elif context.settings.get("match.storage.pool.tags.with.disk.offering", zone=volume.zone_id):
        chosen = DiskOffering.get_by_id(volume.disk_offering_id)
    if chosen is not None:
        reason = place.offering_refusal(pool, chosen)
        if reason is not None:
            raise InvalidParameter(f"Migration failed: target pool [{pool.name}, tags:{pool.tags}] does not suit "
                                   f"volume [{volume.name}, tags:{chosen.tags}]: {reason}")


def room(context: Context, volume: Volume, pool: StoragePool, size: int, iops: int = 0) -> str | None:
    """Return why the pool has no room for `size` bytes and `iops` more, or None; tags do not matter here."""
    seen = next((found for found in pools.pools_of_zone(volume.zone_id) if found.id == pool.id), None)
    if seen is None:
        return "the pool is gone"
    return pools.refusal(context.settings, seen, VolumeDemand(
        volume.id, volume.name, size, tuple(seen.tags) if not seen.tag_is_rule else (), seen.scope == "HOST",
        iops=iops))


def migrate(context: Context, volume: Volume, pool: StoragePool, new: DiskOffering | None = None) -> Volume:
    """Move a volume to a pool. In steps; where it fails, the volume stays where it was.

    :param new: the disk offering that it gets there.
    """
    source = StoragePool.get_by_id(volume.last_pool_id if volume.pool_id == pool.id else volume.pool_id)
    machine = Machine.get_or_none(Machine.id == volume.vm_id, Machine.state == "Running")
    name = f"{volume.uuid} to {pool.uuid}"
    steps = context.steps
    steps.run(f"begin to move {name}", lambda: begin(volume.id, pool), undo=lambda _: stay(volume.id, pool))
    if machine is not None:
        report = steps.remote(f"move {name}", lambda request_id: _moved(context, volume, pool, machine, request_id))
    else:
        report = _copy(context, volume, source, pool, name)
    # From here on the new place holds: nothing that fails later takes the volume back.
    steps.run(f"switch {name}", lambda: switch(context, volume.id, source, pool, report, new))
    steps.settle()
    if machine is None:
        steps.remote(f"clear {name}", lambda request_id: agent.call(
            context, place.host_of(context, source), "volume.delete", {"pool": source.uuid, "volume": volume.uuid},
            request_id=request_id))
    return Volume.get_by_id(volume.id)


def begin(volume_id: int, pool: StoragePool) -> None:
    """Take the place of a volume on another pool. Within a transaction."""
    volume = Volume.get_by_id(volume_id)
    transition(volume, "MigrationRequested")
    if not capacity.take_pool(pool, volume.size, volume.min_iops or 0):
        raise InsufficientCapacity(f"Storage pool {pool.name} does not have enough space or IOPS for volume "
                                   f"{volume.name}")


def stay(volume_id: int, pool: StoragePool) -> None:
    """Undo `begin`. Within a transaction."""
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Migrating":
        transition(volume, "OperationFailed")
        capacity.give_back_pool(pool, volume.size, volume.min_iops or 0)


def _moved(context: Context, volume: Volume, pool: StoragePool, machine: Machine, request_id: str) -> dict[str, Any]:
    return agent.call(context, Host.get_by_id(machine.host_id), "instance.migrate_disk",
                      {"instance": machine.uuid, "volume": volume.uuid, "pool": pool.uuid}, request_id=request_id,
                      timeout=float(context.settings.get("copy.volume.wait")))


def _copy(context: Context, volume: Volume, source: StoragePool, pool: StoragePool, name: str) -> dict[str, Any]:
    """Copy the volume; where no host has both pools, by way of secondary storage. Returns the new `VolumeReport`."""
    timeout = float(context.settings.get("copy.volume.wait"))
    both = Host.alive(Host.status == "Up", Host.id.in_(_hosts(source)), Host.id.in_(_hosts(pool))).first()
    new = {**disk.spec_of_new(volume, pool)}

    def clear() -> None:
        disk.unmake(context, volume, pool)

    if both is not None:
        return context.steps.remote(f"copy {name}", lambda request_id: disk.made(
            context, both, "volume.copy", {"pool": source.uuid, "volume": volume.uuid, "target_pool": pool.uuid,
                                           "target": volume.uuid}, request_id, timeout),
            undo=lambda _: clear(), undo_attempt=clear)
    store = stores.image_store(volume.zone_id)
    if store is None:
        raise InvalidParameter(f"No host has both storage pools, and zone {Zone.get_by_id(volume.zone_id).uuid} has no "
                               "secondary storage to copy by")
    path = f"volumes/{volume.account_id}/{volume.id}/{pool.uuid}"
    context.steps.remote(f"send {name}", lambda request_id: agent.call(
        context, place.host_of(context, source), "volume.copy_to_secondary",
        {"pool": source.uuid, "volume": volume.uuid, "store": stores.reference(store), "path": path,
         "format": volume.format or "QCOW2"}, request_id=request_id, timeout=timeout),
        undo=lambda _: stores.call(context, store, "secondary.delete", {"path": path}))
    report = context.steps.remote(f"fetch {name}", lambda request_id: disk.made(
        context, place.host_of(context, pool), "volume.copy_from_secondary",
        {"store": stores.reference(store), "path": path, "volume": new}, request_id, timeout),
        undo=lambda _: clear(), undo_attempt=clear)
    context.steps.remote(f"discard {name}", lambda request_id: stores.call(
        context, store, "secondary.delete", {"path": path}, request_id=request_id))
    return report


def _hosts(pool: StoragePool) -> Any:
    return PoolHost.select(PoolHost.host_id).where(PoolHost.pool == pool.id)


def switch(context: Context, volume_id: int, source: StoragePool, pool: StoragePool, report: dict[str, Any],
           new: DiskOffering | None) -> None:
    """The volume is on its new pool. Within a transaction; safe to repeat."""
    volume = Volume.get_by_id(volume_id)
    if volume.state != "Migrating":
        return
    capacity.give_back_pool(source, volume.size, volume.min_iops or 0)
    if new is not None and new.id != volume.disk_offering_id:
        disk.change_offering(context, volume, new)
    transition(volume, "OperationSucceeded", pool=pool.id, last_pool_id=source.id, pod_id=pool.pod_id,
               path=report["path"])
    # Snapshots on the old pool go with the old copy; those that were backed up stay.
    Snapshot.update(pool_id=None, primary_path=None).where(Snapshot.volume == volume_id).execute()
