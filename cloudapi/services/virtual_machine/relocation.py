"""Where a machine may move: the checks before a migration, and the moves of its volumes that go with it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Cluster, Host, HostTag
from cloudapi.models.machine import Machine
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement import deployment
from cloudapi.placement.demand import Plan
from cloudapi.placement.tag import split
from cloudapi.services.virtual_machine import demand, life, migration, motion
from cloudapi.services.volume import disk, hypervisor, place
from cloudapi.services.volume import migrate as volume_migration


def live(context: Context, machine: Machine, host: Host | None, auto_select: bool) -> Machine:
    """Move a running machine to a host, or (`auto_select`) to the one that placement chooses. In steps.

    :raises InvalidParameter: it does not run, or the host is not possible.
    :raises InsufficientCapacity: no host has room.
    """
    chosen = context.steps.run(f"destination of {machine.uuid}",
                               lambda: destination(context, life.again(machine), host, auto_select))
    return migration.migrate(context, machine, Host.get_by_id(chosen))


def destination(context: Context, machine: Machine, host: Host | None, auto_select: bool) -> int:
    """Return the id of the host to move to. Reads only."""
    if machine.state != "Running" or machine.host_id is None:
        raise InvalidParameter(f"VM is not Running, unable to migrate the vm with specified id: {machine.uuid} is in "
                               f"state {machine.state}")
    source = Host.get_by_id(machine.host_id)
    if any(StoragePool.get_by_id(volume.pool_id).scope == "HOST" for volume in disk.of_machine(machine)
           if volume.pool_id is not None):
        raise InvalidParameter("Unsupported operation, VM uses Local storage, cannot migrate")
    if host is not None:
        _check_host(context, machine, source, host)
        return int(host.id)
    if not auto_select:
        raise InvalidParameter("Please specify a host to migrate the VM to, or let one be chosen: autoselect")
    across = context.settings.get("migrate.vm.across.clusters", zone=machine.zone_id)
    plan = Plan(pod_id=source.pod_id if machine.kind != "User" else None,
                cluster_id=None if across else source.cluster_id,
                avoid_hosts={source.id: "the machine runs there already"})
    return deployment.find(context, demand.of(context, machine), plan).host_id


def _check_host(context: Context, machine: Machine, source: Host, host: Host) -> None:
    _check_destination(context, machine, source, host)
    across = context.settings.get("migrate.vm.across.clusters", zone=machine.zone_id)
    for volume in disk.of_machine(machine):
        if volume.pool_id is not None and not place.reaches(host, StoragePool.get_by_id(volume.pool_id)):
            raise InvalidParameter(f"Cannot migrate VM: destination host {host.uuid} does not reach the storage pool "
                                   f"of volume {volume.uuid}; migrate it with its volumes")
    if host.cluster_id != source.cluster_id and not across:
        raise InvalidParameter(f"Cannot migrate VM to cluster {Cluster.get_by_id(host.cluster_id).uuid}: migrations "
                               "across clusters are off (migrate.vm.across.clusters)")


def _check_destination(context: Context, machine: Machine, source: Host, host: Host) -> None:
    """Refuse a host to which the machine cannot move, wherever its disks lie."""
    if host.id == source.id:
        raise InvalidParameter("Cannot migrate VM, VM is already present on this host, please specify valid "
                               "destination host to migrate the VM")
    if host.status != "Up" or host.resource_state != "Enabled":
        raise InvalidParameter("Cannot migrate VM, destination host is not in correct state, has status: "
                               f"{host.status}, state: {host.resource_state}")
    if host.zone_id != machine.zone_id or host.hypervisor_type != machine.hypervisor_type:
        raise InvalidParameter(f"Cannot migrate VM: host {host.uuid} is in another zone or of another hypervisor")
    if machine.kind != "User" and host.pod_id != source.pod_id:
        raise InvalidParameter("Cannot migrate the VM, destination host is not in the same pod as current host of the "
                               "VM")
    check_tags(context, machine, host)


def check_tags(context: Context, machine: Machine, host: Host) -> None:
    """Refuse a named host that has not the strict tags of the machine.

    :raises InvalidParameter: so.
    """
    present = {tag for row in HostTag.select().where(HostTag.host == host.id) for tag in split(row.tag)}
    template = machine.template if machine.template_id is not None else None
    missing = [tag for tag in demand.tags_of(context, machine.service_offering, template)[1] if tag not in present]
    if missing:
        raise InvalidParameter(f"Cannot deploy VM, destination host: {host.name} is not compatible for the VM: it has "
                               f"not the tags {', '.join(missing)}")


def with_volumes(context: Context, machine: Machine, host: Host | None, targets: Mapping[str, str],
                 auto_select: bool) -> Machine:
    """Move a machine together with volumes. In steps.

    With a host, given or (`auto_select`) chosen, a running machine moves there with the volumes that are named and
    those that the host does not reach, all in one. Without, the volumes move alone.

    :param targets: the pool's UUID by the volume's.
    :raises InvalidParameter: the machine's state, the host, a volume or a pool does not do, or no volume has to move.
    :raises InsufficientCapacity: no host, or no pool that the host reaches, has room.
    """
    moves = _moves(context, machine, targets)
    if host is not None or auto_select:
        planned = context.steps.run(f"plan the motion of {machine.uuid}", lambda: _plan(
            context, life.again(machine), host, {volume.id: pool.id for volume, pool in moves}))
        return motion.migrate(context, machine, planned)
    away: list[int] = context.steps.run(f"volumes of {machine.uuid} to move", lambda: [
        volume.id for volume, pool in moves if volume.pool_id != pool.id])
    for volume, pool in moves:
        context.steps.run(f"check volume {volume.uuid}", functools.partial(_check_move, context, volume, pool))
    for volume, pool in moves:
        if volume.id in away:
            volume_migration.migrate(context, Volume.get_by_id(volume.id), pool)
    return life.again(machine)


def _plan(context: Context, machine: Machine, host: Host | None, named: Mapping[int, int]) -> dict[str, Any]:
    if machine.state != "Running" or machine.host_id is None:
        raise InvalidParameter(f"VM {machine.uuid} is not in the Running state to migrate it to the new host")
    source = Host.get_by_id(machine.host_id)
    if not hypervisor.moves_disks(source):
        raise InvalidParameter(f"Migration with storage isn't supported for source host {source.uuid} on hypervisor "
                               f"{source.hypervisor_type} with version {source.hypervisor_version}")
    if host is not None:
        _check_destination(context, machine, source, host)
    return motion.plan(context, machine, host, named)


def _moves(context: Context, machine: Machine, targets: Mapping[str, str]) -> list[tuple[Volume, StoragePool]]:
    found = []
    for volume_uuid, pool_uuid in targets.items():
        volume = Volume.alive(Volume.uuid == volume_uuid).first()
        if volume is None:
            raise InvalidParameter(f"There is no volume present with the given id {volume_uuid[:64]}: migrateto")
        pool = StoragePool.alive(StoragePool.uuid == pool_uuid).first()
        if pool is None:
            raise InvalidParameter(f"There is no storage pool present with the given id {pool_uuid[:64]}: migrateto")
        if volume.vm_id != machine.id:
            raise InvalidParameter(f"Volume {volume.uuid} doesn't belong to the VM {machine.uuid} that has to be "
                                   "migrated")
        found.append((volume, pool))
    return found


def _check_move(context: Context, volume: Volume, pool: StoragePool) -> None:
    """A volume that is there already was moved by an earlier run of the same job."""
    current = Volume.get_by_id(volume.id)
    if current.pool_id != pool.id:
        volume_migration.check(context, current, pool, True, None)


def offline(context: Context, machine: Machine, pool: StoragePool | None, auto_select: bool) -> Machine:
    """Move the volumes of a stopped machine to a pool. In steps.

    :raises InvalidParameter: it is not stopped, or the pool is not possible.
    """
    if machine.state != "Stopped":
        raise InvalidParameter(f"VM is not Stopped, unable to migrate the vm having the specified id: {machine.uuid}")
    moving = [volume for volume in disk.of_machine(machine) if volume.state in ("Ready", "Migrating")]
    if machine.kind == "User" and any(volume.kind != disk.ROOT for volume in moving):
        raise InvalidParameter("Data disks attached to the vm, can not migrate. Need to detach data disks first")
    for volume in moving:
        target = pool or _choose(context, volume, auto_select)
        context.steps.run(f"check volume {volume.uuid}",
                          functools.partial(volume_migration.check, context, volume, target, True, None))
        volume_migration.migrate(context, volume, target)
    return life.again(machine)


def _choose(context: Context, volume: Volume, auto_select: bool) -> StoragePool:
    if not auto_select:
        raise InvalidParameter("Please specify a storage pool to migrate the VM to, or let one be chosen: autoselect")
    number = context.steps.run(f"pool for {volume.uuid}", lambda: next(
        (found.id for found in place.candidates(context, volume) if found.id != volume.pool_id), None))
    if number is None:
        raise InvalidParameter(f"No other storage pool suits volume {volume.uuid}")
    return StoragePool.get_by_id(number)
