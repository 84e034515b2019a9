"""A pool's maintenance: machines with disks on it are stopped, hosts give it up; and back again."""

from __future__ import annotations

import logging
from dataclasses import replace

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, ResourceUnavailable
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import PoolStop, StoragePool, Volume
from cloudapi.services.host import agent
from cloudapi.services.storage import pool as pools
from cloudapi.states.base import transition

log = logging.getLogger(__name__)

ACTIVE = ("Starting", "Running", "Stopping", "Migrating")


def _again(pool: StoragePool) -> StoragePool:
    return StoragePool.get_by_id(pool.id)


def machines_on(pool: StoragePool) -> list[Machine]:
    """Return the machines that run with a disk on the pool, Instances before the system's."""
    with_disk = Volume.select(Volume.vm_id).where(Volume.pool == pool.id, Volume.removed.is_null(),
                                                  Volume.state != "Destroy")
    found = list(Machine.alive(Machine.state.in_(ACTIVE), Machine.id.in_(with_disk)).order_by(Machine.id))
    return sorted(found, key=lambda machine: machine.kind != "User")


def enable(context: Context, pool: StoragePool) -> StoragePool:
    """Put a pool in maintenance: stop what runs on it and take it from the hosts; a job's work.

    Routers and system VMs start again where another pool takes them. Where something cannot be stopped the pool is
    left in ErrorInMaintenance, from which both ways are open.

    :raises InvalidParameter: its state does not allow it.
    """
    _check(pool, "Up", "ErrorInMaintenance", "PrepareForMaintenance", "Maintenance")
    context.steps.run("begin", lambda: _begin(pool), undo=lambda _: _failed(pool))
    # What was stopped stays noted even where this fails, and starts again when the maintenance is cancelled.
    for machine_id in context.steps.run("note machines", lambda: _note(pool)):
        _stop(context, pool, Machine.get_by_id(machine_id))
    for host in pools.hosts_of(pool):
        pools.detach(context, pool, host)
    context.steps.run("end", lambda: transition(_again(pool), "OperationSucceeded"))
    context.steps.settle()
    return _again(pool)


def _check(pool: StoragePool, *states: str) -> None:
    if pool.state not in states:
        raise InvalidParameter(f"Primary storage {pool.uuid} is not ready for migration, as the status is:{pool.state}")


def _begin(pool: StoragePool) -> None:
    fresh = _again(pool)
    _check(fresh, "Up", "ErrorInMaintenance")
    transition(fresh, "MaintenanceRequested")


def _failed(pool: StoragePool) -> None:
    fresh = _again(pool)
    if fresh.state in ("PrepareForMaintenance", "CancelMaintenance"):
        transition(fresh, "OperationFailed")


def _note(pool: StoragePool) -> list[int]:
    found = machines_on(pool)
    for machine in found:
        PoolStop.insert(pool=pool.id, machine_id=machine.id).on_conflict_ignore().execute()
    return [machine.id for machine in found]


def _stop(context: Context, pool: StoragePool, machine: Machine) -> None:
    """Stop a machine; a router or system VM gets another root disk elsewhere and starts again."""
    from cloudapi.services.virtual_machine import life

    if machine.state in ACTIVE:
        with context.steps.part(f"stop {machine.uuid}") as part:
            life.stop(replace(context, steps=part), machine)
    elsewhere = any(other.id != pool.id for other in pools.usable(pool.zone_id))
    if machine.kind != "User" and elsewhere and Zone.get_by_id(machine.zone_id).allocation_state == "Enabled":
        for volume in list(Volume.alive(Volume.vm_id == machine.id, Volume.pool == pool.id)):
            if volume.recreatable:
                _give_up(context, pool, volume)
        _restart(context, machine)


def _give_up(context: Context, pool: StoragePool, volume: Volume) -> None:
    """Delete a disk that holds nothing of its own, so that it is made anew on another pool."""
    host = pools.host_for(pool)
    with context.steps.part(f"give up {volume.uuid}") as part:
        part.remote("delete", lambda request_id: agent.call(
            context, host, "volume.delete", {"pool": pool.uuid, "volume": volume.uuid}, request_id=request_id))
        part.run("forget", lambda: _unmade(volume.id))


def _unmade(volume_id: int) -> None:
    from cloudapi.services.volume import disk

    disk.unfinish(volume_id)
    disk.let_go(volume_id)


def _restart(context: Context, machine: Machine) -> None:
    """Start a machine again; where that fails it stays stopped, and who needs it starts it later."""
    from cloudapi.services.virtual_machine import life

    try:
        with context.steps.part(f"start {machine.uuid}") as part:
            life.start(replace(context, steps=part), Machine.get_by_id(machine.id))
    except ApiError as error:
        log.warning("machine %s stays stopped: %s", machine.instance_name, error.text)


def cancel(context: Context, pool: StoragePool) -> StoragePool:
    """End a pool's maintenance: hosts attach it, and what was stopped for it starts again; a job's work.

    :raises ResourceUnavailable: it is not in maintenance.
    """
    if pool.state in ("Up", "PrepareForMaintenance", "Disabled", "Initialized"):
        raise ResourceUnavailable(f"Primary storage {pool.uuid} is not ready to complete migration, as the status is:"
                                  f"{pool.state}")
    context.steps.run("begin", lambda: _begin_cancel(pool), undo=lambda _: _failed(pool))
    if pools.in_scope(pool):
        pools.attach_all(context, _again(pool))
    context.steps.run("end", lambda: transition(_again(pool), "OperationSucceeded"))
    context.steps.settle()
    for machine_id in context.steps.run("read machines", lambda: [
            row.machine_id for row in PoolStop.select().where(PoolStop.pool == pool.id).order_by(PoolStop.id)]):
        machine = Machine.get_or_none(Machine.id == machine_id, Machine.removed.is_null())
        if machine is not None and machine.state == "Stopped":
            _restart(context, machine)
    context.steps.run("forget machines", lambda: PoolStop.delete().where(PoolStop.pool == pool.id).execute())
    return _again(pool)


def _begin_cancel(pool: StoragePool) -> None:
    transition(_again(pool), "CancelRequested")
