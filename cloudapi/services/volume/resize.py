"""Other sizes, speeds and disk offerings for volumes that are there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter, ResourceUnavailable, UnsupportedAction
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Snapshot, StoragePool, Volume
from cloudapi.placement import pool as pools
from cloudapi.placement.tag import split
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.offering.scope import check_usable
from cloudapi.services.volume import disk, hypervisor, migrate, place, size
from cloudapi.services.volume.volume import UNFINISHED_SNAPSHOTS
from cloudapi.states.base import transition

RESIZABLE = ("KVM", "XenServer", "VMware", "Simulator", "Any", None)


@dataclass(frozen=True, slots=True)
class Change:
    """What a volume shall be: `size` in bytes, operations a second, and the disk offering where it changes."""

    size: int
    min_iops: int | None
    max_iops: int | None
    offering: DiskOffering | None = None


def plan(context: Context, volume: Volume, new: DiskOffering | None, gib: int | None, min_iops: int | None,
         max_iops: int | None, shrink: bool) -> Change:
    """Check what is asked for and return what the volume shall be. Pure reading.

    :param new: the disk offering that it shall have; None keeps its own.
    :param gib: the size asked for; only where the offering leaves it open.
    :param shrink: the caller accepts the loss of what lies beyond the new size.
    :raises InvalidParameter: what does not go, with the reason.
    """
    if Snapshot.alive(Snapshot.volume == volume.id, Snapshot.state.in_(UNFINISHED_SNAPSHOTS)).exists():
        raise ResourceUnavailable("There is/are unbacked up snapshot(s) on this volume, resize volume is not "
                                  "permitted, please try again later.")
    if volume.hypervisor_type not in RESIZABLE:
        raise InvalidParameter(f"Hypervisor {volume.hypervisor_type} does not support volume resize")
    if volume.state not in ("Ready", "Allocated"):
        raise InvalidParameter("Volume should be in ready or allocated state before attempting a resize. Volume "
                               f"{volume.uuid} is in state {volume.state}.")
    old = DiskOffering.get_by_id(volume.disk_offering_id)
    change = _same_offering(context, volume, old, gib, min_iops, max_iops) if new is None else \
        _other_offering(context, volume, old, new, gib, min_iops, max_iops)
    if change.size != volume.size:
        _check_size(context, volume, change.size, shrink)
    return change


def _same_offering(context: Context, volume: Volume, old: DiskOffering, gib: int | None, min_iops: int | None,
                   max_iops: int | None) -> Change:
    wanted = volume.size
    if gib is not None:
        if old.disk_size_strictness:
            raise InvalidParameter(f"Resize of volume {volume.uuid} is not allowed, since disk size is strictly fixed "
                                   "as per the disk offering")
        if old.is_custom:
            size.check_custom(context, gib)
        if volume.kind == disk.ROOT and old.compute_only and old.disk_size > 0 and volume.template_id is not None:
            raise InvalidParameter("Failed to resize Root volume. The service offering of this Volume has been "
                                   "configured with a root disk size; it changes with the service offering only.")
        wanted = gib * size.GIB
    for name, value in (("Min", min_iops), ("Max", max_iops)):
        if value is not None and volume.kind != disk.ROOT and not old.is_custom_iops:
            raise InvalidParameter(f"The current disk offering does not support customization of the '{name} IOPS' "
                                   "parameter.")
    return Change(wanted, *_iops(volume, min_iops, max_iops))


def _iops(volume: Volume, min_iops: int | None, max_iops: int | None) -> tuple[int | None, int | None]:
    """Return the speeds asked for, where they are not asked for those of now."""
    least = volume.min_iops if min_iops is None else min_iops
    most = volume.max_iops if max_iops is None else max_iops
    if least or most:
        size.check_iops(least, most)
    return least, most


def _other_offering(context: Context, volume: Volume, old: DiskOffering, new: DiskOffering, gib: int | None,
                    min_iops: int | None, max_iops: int | None) -> Change:
    zone = Zone.get_by_id(volume.zone_id)
    check_usable(disk.owner_of(volume), new, zone)
    if bool(old.encrypt) != bool(new.encrypt):
        raise InvalidParameter(f"Current disk offering's encryption({old.encrypt}) does not match target disk "
                               f"offering's encryption({new.encrypt})")
    if new.disk_size > 0 and not new.compute_only:
        wanted = int(new.disk_size)
    elif new.is_custom and not new.compute_only:
        if gib is None:
            raise InvalidParameter("The new disk offering requires that a size be specified: size")
        size.check_custom(context, gib)
        wanted = gib * size.GIB
    else:
        if gib is not None:
            raise InvalidParameter("You cannot pass in a custom disk size to a non-custom disk offering: size")
        wanted = int(new.disk_size) or volume.size
    least, most = _iops(volume, min_iops, max_iops) if new.is_custom_iops else (new.min_iops, new.max_iops)
    if old.id == new.id and wanted == volume.size:
        raise InvalidParameter(f"Volume {volume.uuid} is already having disk offering {new.uuid}")
    if bool(old.disk_size_strictness) != bool(new.disk_size_strictness):
        raise InvalidParameter("Disk offering size strictness does not match with new disk offering.")
    if old.disk_size_strictness and wanted != volume.size:
        raise InvalidParameter(f"Resize volume for {volume.name} is not allowed since disk offering's size is fixed")
    if context.settings.get("match.storage.pool.tags.with.disk.offering", zone=zone.id) \
            and not set(split(old.tags)) <= set(split(new.tags)):
        raise InvalidParameter(f"Selected disk offering {new.uuid} does not have tags as in existing disk offering of "
                               f"volume {volume.uuid}")
    if volume.kind == disk.ROOT and volume.vm_id is not None:
        _check_root(volume, wanted)
    return Change(wanted, least, most, new)


def _check_root(volume: Volume, wanted: int) -> None:
    machine = Machine.get_by_id(volume.vm_id)
    if ServiceOffering.get_by_id(machine.service_offering_id).disk_offering_strictness:
        raise InvalidParameter(f"Cannot resize ROOT volume [{volume.name}] with new disk offering since existing disk "
                               "offering is strictly assigned to the ROOT volume.")
    if wanted != volume.size and machine.state != "Stopped":
        raise InvalidParameter(f"Cannot resize ROOT volume [{volume.name}] when VM is not on Stopped State. VM "
                               f"{machine.instance_name} is in state {machine.state}")


def _check_size(context: Context, volume: Volume, wanted: int, shrink: bool) -> None:
    size.check_maximum(context, wanted)
    if wanted > volume.size:
        return
    if volume.format == "QCOW2" and volume.state != "Allocated" and volume.hypervisor_type == "KVM":
        raise InvalidParameter("Unable to shrink volumes of type QCOW2")
    if not shrink:
        raise InvalidParameter(f"Going from existing size of {volume.size} to size of {wanted} would shrink the "
                               "volume. Need to sign off by supplying the shrinkok parameter with value of true.")
    if volume.hypervisor_type in ("XenServer", "VMware"):
        raise InvalidParameter(f"Shrink volume is not supported for the {volume.hypervisor_type} hypervisor.")


def change(context: Context, volume: Volume, new: DiskOffering | None, gib: int | None, min_iops: int | None,
           max_iops: int | None, *, shrink: bool, migrate_allowed: bool) -> Volume:
    """Give the volume what is asked for (see `plan`). In steps.

    :param migrate_allowed: move it first where its storage pool does not suit any more.
    """
    planned = context.steps.run("plan", lambda: _plan(context, volume, new, gib, min_iops, max_iops, shrink))
    wanted = Change(planned["size"], planned["min_iops"], planned["max_iops"], new)
    if planned["allocated"]:
        return Volume.get_by_id(volume.id)
    return _run(context, volume, wanted, migrate_allowed=migrate_allowed, shrink=shrink)


def _plan(context: Context, volume: Volume, new: DiskOffering | None, gib: int | None, min_iops: int | None,
          max_iops: int | None, shrink: bool) -> dict[str, Any]:
    """Plan the change; one of a volume that lies nowhere yet is done with that."""
    wanted = plan(context, volume, new, gib, min_iops, max_iops, shrink)
    allocated = volume.state == "Allocated"
    if allocated:
        _change(context, volume.id, wanted)
    return {"size": wanted.size, "min_iops": wanted.min_iops, "max_iops": wanted.max_iops, "allocated": allocated}


def _run(context: Context, volume: Volume, change: Change, *, migrate_allowed: bool, shrink: bool) -> Volume:
    target = context.steps.run("choose pool", lambda: _target(context, volume, change, migrate_allowed))
    if target is not None:
        migrate.migrate(context, volume, StoragePool.get_by_id(target))
    old = context.steps.run("begin", lambda: _begin(context, volume.id, change),
                            undo=lambda before: _undo(context, volume.id, before, change))
    if change.size != old["size"]:
        _on_host(context, volume, change.size, shrink)
    context.steps.run("end", lambda: _end(context, volume.id, change))
    return Volume.get_by_id(volume.id)


def _change(context: Context, volume_id: int, change: Change) -> None:
    """Change what the server knows of a volume: counts, size, speeds, offering."""
    volume = Volume.get_by_id(volume_id)
    _count(context, volume, change.size - volume.size)
    Volume.update(size=change.size).where(Volume.id == volume_id).execute()
    _rest(context, volume_id, change)


def _count(context: Context, volume: Volume, more: int) -> None:
    if more > 0:
        disk.count(context, volume, size=more)
    elif more < 0:
        disk.uncount(context, volume, size=-more)


def _rest(context: Context, volume_id: int, change: Change) -> None:
    Volume.update(min_iops=change.min_iops, max_iops=change.max_iops).where(Volume.id == volume_id).execute()
    if change.offering is not None:
        disk.change_offering(context, Volume.get_by_id(volume_id), change.offering)


def _target(context: Context, volume: Volume, change: Change, allowed: bool) -> int | None:
    """Return the pool that the volume must be moved to first; None where it can stay.

    :raises ResourceUnavailable: it cannot stay, and may not or cannot be moved.
    """
    pool = StoragePool.get_by_id(volume.pool_id)
    reason = None if change.offering is None or change.offering.compute_only else \
        place.offering_refusal(pool, change.offering)
    if reason is None and change.size > volume.size:
        reason = _growth_refusal(context, pool, volume, change.size - volume.size)
    if reason is None and _more_iops(volume, change) > 0:
        reason = migrate.room(context, volume, pool, 0, _more_iops(volume, change))
    if reason is None:
        return None
    if not allowed:
        raise ResourceUnavailable(f"Volume {volume.uuid} cannot stay on its storage pool ({reason}); with "
                                  "automigrate=true it would be moved to one that suits")
    machine = Machine.get_or_none(Machine.id == volume.vm_id)
    host = Host.get_by_id(machine.host_id) if machine is not None and machine.host_id is not None else None
    wanted = Volume.get_by_id(volume.id)
    wanted.size, wanted.pool_id = max(change.size, volume.size), None
    wanted.min_iops = max(change.min_iops or 0, volume.min_iops or 0)
    wanted.disk_offering_id = change.offering.id if change.offering is not None else volume.disk_offering_id
    for found in place.candidates(context, wanted, host=host, hypervisor=volume.hypervisor_type):
        if found.id != pool.id:
            migrate.check(context, volume, found, True, change.offering)
            return int(found.id)
    raise ResourceUnavailable(f"No storage pool suits volume {volume.uuid} with its new disk offering, size or IOPS")


def _more_iops(volume: Volume, change: Change) -> int:
    return (change.min_iops or 0) - (volume.min_iops or 0)


def _growth_refusal(context: Context, pool: StoragePool, volume: Volume, more: int) -> str | None:
    """Return why the volume cannot grow on its pool, or None."""
    settings = context.settings
    if not settings.get("volume.resize.allowed.beyond.allocation", pool=pool.id):
        return migrate.room(context, volume, pool, more)
    seen = next(found for found in pools.pools_of_zone(volume.zone_id) if found.id == pool.id)
    most = settings.get("pool.storage.allocated.resize.capacity.disablethreshold", pool=pool.id)
    total = int(seen.capacity * capacity.pool_factor(pool))
    if seen.allocated + more > total * most:
        return f"{more} bytes more would pass {most:.0%} of the {total} bytes that it may promise"
    return None


def _begin(context: Context, volume_id: int, change: Change) -> dict[str, Any]:
    volume = Volume.get_by_id(volume_id)
    more, iops = change.size - volume.size, max(0, _more_iops(volume, change))
    transition(volume, "ResizeRequested")
    _count(context, volume, more)
    if (more > 0 or iops) and not capacity.take_pool(volume.pool, max(0, more), iops):
        wanted = f"{max(0, more)} bytes" + (f" and {iops} IOPS" if iops else "")
        raise InsufficientCapacity(f"The storage pool of volume {volume.uuid} has no room for {wanted} more",
                                   refusals=((volume.pool.name, f"no room for {wanted}"),))
    return {"size": volume.size}


def _undo(context: Context, volume_id: int, before: dict[str, Any], change: Change) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state != "Resizing":
        return
    more = change.size - before["size"]
    transition(volume, "OperationFailed")
    _count(context, volume, -more)
    capacity.give_back_pool(volume.pool, max(0, more), max(0, _more_iops(volume, change)))


def _on_host(context: Context, volume: Volume, wanted: int, shrink: bool) -> None:
    pool = StoragePool.get_by_id(Volume.get_by_id(volume.id).pool_id)
    machine = Machine.get_or_none(Machine.id == volume.vm_id, Machine.state == "Running")
    host = place.host_of(context, pool, None if machine is None else Host.get_by_id(machine.host_id))
    if machine is not None and not hypervisor.can(host, "live_resize"):
        raise UnsupportedAction(f"The hypervisor resizes no volumes of running Instances: stop {machine.uuid} first")
    context.steps.remote("resize on host", lambda request_id: agent.call(
        context, host, "volume.resize",
        {"pool": pool.uuid, "volume": volume.uuid, "size_bytes": wanted, "shrink": shrink}, request_id=request_id))


def _end(context: Context, volume_id: int, change: Change) -> None:
    volume = Volume.get_by_id(volume_id)
    capacity.give_back_pool(volume.pool, max(0, volume.size - change.size), max(0, -_more_iops(volume, change)))
    transition(volume, "OperationSucceeded", size=change.size)
    _rest(context, volume_id, change)
