"""Moving a running machine to a host together with the disks that the host does not reach, or that are to move."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import PoolHost, StoragePool, Volume
from cloudapi.placement import deployment
from cloudapi.placement import pool as pools
from cloudapi.placement.demand import Plan, VolumeDemand
from cloudapi.services.host import agent
from cloudapi.services.virtual_machine import demand, migration
from cloudapi.services.volume import disk, place
from cloudapi.services.volume import migrate as volume_migration


class Mapper:
    """Finds the pools for a machine's disks on hosts; reads what it needs once.

    :param named: the pools that the caller chose, by volume id.
    """

    def __init__(self, context: Context, machine: Machine, named: Mapping[int, int] | None = None) -> None:
        self.context, self.machine, self.named = context, machine, dict(named or {})
        self.volumes = [volume for volume in disk.of_machine(machine) if volume.pool_id is not None]
        self.known = pools.pools_of_zone(machine.zone_id)
        self.attached = {(row.pool_id, row.host_id) for row in PoolHost.select().where(
            PoolHost.pool.in_([pool.id for pool in self.known] or [0]))}

    def demands(self, host_id: int | None) -> tuple[VolumeDemand, ...]:
        """Return what the disks need: a pool where they do not stay on theirs and none was named.

        :param host_id: the host; None for one that is not chosen yet, to which all move that have no named pool.
        """
        local = {pool.id for pool in self.known if pool.scope == "HOST"}
        found = []
        for volume in self.volumes:
            needed = place.demand(volume)
            target = self.named.get(volume.id)
            if target is None and host_id is not None and (volume.pool_id, host_id) in self.attached:
                target = volume.pool_id
            found.append(dataclasses.replace(needed, pool_id=target, local=needed.local or volume.pool_id in local))
        return tuple(found)

    def targets(self, host_id: int, cluster_id: int, hypervisor: str | None) -> tuple[dict[int, int], str | None]:
        """Return the pool of each disk that moves with the machine, and why it cannot be done (None where it can)."""
        usable = [pool for pool in self.known if (pool.id, host_id) in self.attached]
        chosen, reason = pools.assign(self.context, self.demands(host_id), usable, host_id=host_id,
                                      cluster_id=cluster_id, hypervisor=hypervisor, account_id=self.machine.account_id)
        moves = {**{volume: pool for volume, pool in self.named.items() if pool != self._present(volume)}, **chosen}
        return moves, reason

    def _present(self, volume_id: int) -> int | None:
        return next((volume.pool_id for volume in self.volumes if volume.id == volume_id), None)

    def refusal(self, host_id: int, cluster_id: int, hypervisor: str | None) -> str | None:
        """Return why the machine cannot move to the host with the disks that it does not reach, or None."""
        moves, reason = self.targets(host_id, cluster_id, hypervisor)
        if reason is not None:
            return reason
        stuck = (volume_migration.immovable(self.context, volume) for volume in self.volumes if volume.id in moves)
        return next((why for why in stuck if why is not None), None)


def plan(context: Context, machine: Machine, host: Host | None, named: Mapping[int, int]) -> dict[str, Any]:
    """Return where a running machine goes, and its disks: `host` and `moves` of `[volume, pool, new pool]`. Reads only.

    :param host: the host; None has one chosen that reaches the named pools.
    :param named: the pools that the caller chose, by volume id.
    :raises InvalidParameter: a disk cannot move, or nothing has to.
    :raises InsufficientCapacity: no host or no pool does.
    """
    mapper = Mapper(context, machine, named)
    target = host or Host.get_by_id(_choose(context, machine, mapper))
    for volume in mapper.volumes:
        pool = StoragePool.get_by_id(named[volume.id]) if volume.id in named else None
        if pool is not None and not place.reaches(target, pool):
            raise InvalidParameter(f"Cannot migrate the volume [{volume.uuid}] to the storage pool [{pool.uuid}] while "
                                   f"migrating VM [{machine.uuid}] to target host [{target.uuid}]. The host does not "
                                   "have access to the storage pool entered.")
    moves, reason = mapper.targets(target.id, target.cluster_id, target.hypervisor_type)
    if reason is not None:
        raise InsufficientCapacity(f"There are no storage pools available at the target host [{target.uuid}] to "
                                   f"migrate the volumes of VM [{machine.uuid}]", refusals=((target.name, reason),))
    if not moves and not named and host is not None:
        source = Host.get_by_id(machine.host_id)
        raise InvalidParameter(f"Migration of the VM {machine.uuid} from host {source.uuid} to destination host "
                               f"{target.uuid} doesn't involve migrating the volumes")
    moving = [volume for volume in mapper.volumes if volume.id in moves]
    for volume in moving:
        volume_migration.check(context, volume, StoragePool.get_by_id(moves[volume.id]), True, None, host=target)
    return {"host": target.id, "moves": [[volume.id, volume.pool_id, moves[volume.id]] for volume in moving]}


def _choose(context: Context, machine: Machine, mapper: Mapper) -> int:
    """Return a host for the machine: one where the disks that were not named stay where they are, else any."""
    source = Host.get_by_id(machine.host_id)
    across = mapper.named or context.settings.get("migrate.vm.across.clusters", zone=machine.zone_id)
    wanted = Plan(cluster_id=None if across else source.cluster_id,
                  avoid_hosts={source.id: "the machine runs there already"})
    needed = demand.of(context, machine)
    staying = tuple(dataclasses.replace(each, pool_id=mapper.named.get(each.volume_id, each.pool_id))
                    for each in needed.volumes)
    try:
        return deployment.find(context, dataclasses.replace(needed, volumes=staying), wanted).host_id
    except InsufficientCapacity:
        pass  # disks on local storage stay nowhere, and a named pool may be out of the others' reach
    return deployment.find(context, dataclasses.replace(needed, volumes=mapper.demands(None)), wanted).host_id


def migrate(context: Context, machine: Machine, planned: Mapping[str, Any]) -> Machine:
    """Move a running machine and its disks as planned. In steps; where it fails, everything stays where it was.

    The disks are made on their new pools by the machine's new host and filled while the machine moves. In the
    transaction in which the machine has moved, so have they.
    """
    host = Host.get_by_id(planned["host"])
    moves = [(Volume.get_by_id(volume), StoragePool.get_by_id(old), StoragePool.get_by_id(new))
             for volume, old, new in planned["moves"]]
    reports = {volume.id: _make(context, volume, pool, host) for volume, _, pool in moves}
    described = disk.specs(context, machine)
    uuids = {volume.uuid: pool.uuid for volume, _, pool in moves}

    def arrived() -> None:
        for volume, old, new in moves:
            volume_migration.switch(context, volume.id, old, new, reports[volume.id], None)

    moved = migration.migrate(
        context, machine, host, arrived=arrived,
        disks=[{**each, "pool": uuids.get(each["volume"], each["pool"])} for each in described])
    _clear(context, moves)
    return moved


def _make(context: Context, volume: Volume, pool: StoragePool, host: Host) -> dict[str, Any]:
    """Begin to move a disk: its place is taken, and an empty disk is there."""
    name = f"{volume.uuid} to {pool.uuid}"

    def clear() -> None:
        disk.unmake(context, volume, pool)

    context.steps.run(f"begin to move {name}", lambda: volume_migration.begin(volume.id, pool),
                      undo=lambda _: volume_migration.stay(volume.id, pool))
    return context.steps.remote(f"make {name}", lambda request_id: disk.made(
        context, host, "volume.create", {"volume": disk.spec_of_new(volume, pool), "source": None}, request_id),
        undo=lambda _: clear(), undo_attempt=clear)


def _clear(context: Context, moves: Sequence[tuple[Volume, StoragePool, StoragePool]]) -> None:
    """Delete what is left of the disks on their old pools."""
    for volume, old, _ in moves:
        arguments = {"pool": old.uuid, "volume": volume.uuid}
        context.steps.remote(
            f"clear {volume.uuid} from {old.uuid}",
            lambda request_id, old=old, arguments=arguments: agent.call(  # type: ignore[misc]
                context, place.host_of(context, old), "volume.delete", arguments, request_id=request_id))
