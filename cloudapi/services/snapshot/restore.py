"""What snapshots are for: new volumes made from them, and volumes put back."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter, ResourceUnavailable
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import ImageStore, Snapshot, StoragePool, Volume
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.storage import store as stores
from cloudapi.services.volume import disk, place
from cloudapi.states.base import transition


def make_volume(context: Context, volume: Volume, machine: Machine | None, pool: StoragePool | None) -> None:
    """Make an allocated volume from its snapshot, on a pool that the machine's host has. In steps.

    :param pool: the pool to use; None chooses one.
    """
    from cloudapi.services.volume import attach

    snapshot = Snapshot.get_by_id(volume.snapshot_id)
    near = attach.host_for(context, machine) if machine is not None else _source_host(context, snapshot)
    chosen = context.steps.run("reserve", lambda: disk.reserve(
        context, Volume.get_by_id(volume.id), host=near, pool=pool, hypervisor=snapshot.hypervisor_type),
        undo=lambda _: disk.let_go(volume.id))
    target = StoragePool.get_by_id(chosen)
    host = place.host_of(context, target, near)
    verb, arguments = _how(snapshot, Volume.get_by_id(volume.id), target)

    def clear() -> None:
        disk.unmake(context, volume, target)

    report = context.steps.remote(
        "make from snapshot", lambda request_id: disk.made(
            context, host, verb, arguments, request_id,
            float(context.settings.get("create.volume.from.snapshot.wait"))),
        undo=lambda _: clear(), undo_attempt=clear)
    context.steps.run("finish", lambda: disk.finish(context, volume.id, report),
                      undo=lambda _: disk.unfinish(volume.id))


def _source_host(context: Context, snapshot: Snapshot) -> Host | None:
    """Return the host that must work where the snapshot lies on a pool only; None where any will do."""
    if snapshot.image_store_id is not None or snapshot.pool_id is None:
        return None
    return place.host_of(context, StoragePool.get_by_id(snapshot.pool_id))


def _how(snapshot: Snapshot, volume: Volume, target: StoragePool) -> tuple[str, dict[str, Any]]:
    """Return the verb that makes the volume, with its arguments."""
    new = disk.spec_of_new(volume, target)
    if snapshot.image_store_id is not None:
        store = ImageStore.get_by_id(snapshot.image_store_id)
        return "volume.copy_from_secondary", {"store": stores.reference(store), "path": snapshot.secondary_path,
                                              "volume": new}
    if snapshot.pool_id is None:
        raise ResourceUnavailable(f"Snapshot {snapshot.uuid} lies nowhere any more")
    source = StoragePool.get_by_id(snapshot.pool_id)
    return "volume.create", {"volume": new, "source": {"kind": "snapshot", "id": snapshot.uuid, "pool": source.uuid}}


def revert(context: Context, snapshot: Snapshot) -> Snapshot:
    """Put a volume back to its snapshot; its Instance must be stopped. In steps.

    :raises InvalidParameter: the volume is in use or gone.
    """
    volume = Volume.get_by_id(snapshot.volume_id)
    pool_id = context.steps.run("begin", lambda: _begin(snapshot), undo=lambda _: _failed(volume.id))
    pool = StoragePool.get_by_id(pool_id)
    host = place.host_of(context, pool)
    if snapshot.pool_id == pool.id:
        report = context.steps.remote("revert", lambda request_id: agent.call(
            context, host, "volume.revert_snapshot",
            {"pool": pool.uuid, "volume": volume.uuid, "snapshot": snapshot.uuid}, request_id=request_id))
    else:
        report = _from_store(context, snapshot, volume, pool, host)
    context.steps.run("end", lambda: _end(context, volume.id, report["size_bytes"],
                                          replaced=snapshot.pool_id != pool.id))
    return Snapshot.get_by_id(snapshot.id)


def _begin(snapshot: Snapshot) -> int:
    volume = Volume.get_by_id(snapshot.volume_id)
    if snapshot.state != "BackedUp":
        raise InvalidParameter(f"Snapshot {snapshot.uuid} is in state {snapshot.state}: it cannot be reverted to yet")
    if volume.removed is not None or volume.state != "Ready":
        raise InvalidParameter("The volume is not in Ready state.")
    machine = Machine.get_or_none(Machine.id == volume.vm_id)
    if machine is not None and machine.state not in ("Stopped", "Shutdown"):
        raise InvalidParameter("The Instance the specified disk is attached to is not in the shutdown state.")
    others = Snapshot.alive(Snapshot.volume == volume.id, Snapshot.image_store_id.is_null())
    if snapshot.pool_id != volume.pool_id and others.exists():
        raise InvalidParameter("The volume has snapshots on its pool only, which would be lost: delete them first")
    transition(volume, "RevertSnapshotRequested")
    return int(volume.pool_id)


def _failed(volume_id: int) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state == "RevertSnapshotting":
        transition(volume, "OperationFailed")


def _from_store(context: Context, snapshot: Snapshot, volume: Volume, pool: StoragePool, host: Host) -> dict[str, Any]:
    """Put the volume back from secondary storage: fetched beside it first, so that it is not lost where that fails."""
    store = ImageStore.get_by_id(snapshot.image_store_id)
    beside = f"{volume.uuid}.{snapshot.id}"
    timeout = float(context.settings.get("create.volume.from.snapshot.wait"))
    new = {**disk.spec_of_new(volume, pool), "id": beside, "size_bytes": snapshot.size}

    def clear() -> None:
        agent.call(context, host, "volume.delete", {"pool": pool.uuid, "volume": beside})

    context.steps.remote("fetch", lambda request_id: disk.made(
        context, host, "volume.copy_from_secondary",
        {"store": stores.reference(store), "path": snapshot.secondary_path, "volume": new}, request_id, timeout),
        undo=lambda _: clear(), undo_attempt=clear)
    context.steps.settle()  # from here on there is only forward: the job is repeated, not undone
    context.steps.remote("clear", lambda request_id: agent.call(
        context, host, "volume.delete", {"pool": pool.uuid, "volume": volume.uuid}, request_id=request_id))
    report = context.steps.remote("put back", lambda request_id: agent.call(
        context, host, "volume.copy", {"pool": pool.uuid, "volume": beside, "target_pool": pool.uuid,
                                       "target": volume.uuid}, request_id=request_id, timeout=timeout))
    context.steps.remote("clear fetched", lambda request_id: agent.call(
        context, host, "volume.delete", {"pool": pool.uuid, "volume": beside}, request_id=request_id))
    return report


def _end(context: Context, volume_id: int, size: int, *, replaced: bool) -> None:
    """:param replaced: the volume was made anew on its pool, so that the snapshots there are gone."""
    volume = Volume.get_by_id(volume_id)
    if replaced:
        Snapshot.update(pool_id=None, primary_path=None).where(Snapshot.volume == volume_id).execute()
    more = size - volume.size
    if more > 0:
        disk.count(context, volume, size=more)
        if not capacity.take_pool(volume.pool, more):
            raise InsufficientCapacity(f"The pool of volume {volume.uuid} has no room for the size of the snapshot")
    elif more < 0:
        disk.uncount(context, volume, size=-more)
        capacity.give_back_pool(volume.pool, -more)
    transition(volume, "OperationSucceeded", size=size)
