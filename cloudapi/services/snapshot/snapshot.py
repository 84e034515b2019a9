"""Snapshots of volumes: taken on the pool, backed up to secondary storage, reverted to, deleted."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import (
    ApiError,
    InternalError,
    InvalidParameter,
    PermissionDenied,
    ResourceUnavailable,
    UnsupportedAction,
)
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import ImageStore, Snapshot, SnapshotPolicy, StoragePool, Volume
from cloudapi.services.account import cleanup, limit
from cloudapi.services.host import agent
from cloudapi.services.storage import store as stores
from cloudapi.services.tag import tag
from cloudapi.services.volume import place
from cloudapi.states.base import transition

log = logging.getLogger(__name__)

MANUAL = "MANUAL"
UNFINISHED = ("Allocated", "Creating", "CreatedOnPrimary", "BackingUp", "Copying")


def allocate(context: Context, volume: Volume, *, name: str | None, policy: SnapshotPolicy | None = None,
             location: str | None = None, quiesce: bool = False, async_backup: bool = False, zones: Sequence[Zone] = (),
             pools: Sequence[StoragePool] = (), replicate: bool = False, account: str | None = None,
             domain: Domain | None = None) -> Snapshot:
    """Check what is asked for, write the snapshot in state Allocated and count it. Within a transaction.

    :param policy: the policy that takes it.
    :param replicate: the storage itself shall copy it to other pools.
    :param account: the owner, where the caller names it; a snapshot belongs to the owner of its volume.
    :raises InvalidParameter: the volume is not ready, or its storage cannot do what is asked for.
    """
    zone = Zone.get_by_id(volume.zone_id)
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.name}")
    if volume.state != "Ready":
        raise InvalidParameter(f"Volume: {volume.uuid} is not in Ready state but {volume.state}. Cannot take snapshot.")
    machine = Machine.get_or_none(Machine.id == volume.vm_id)
    if machine is not None and machine.kind != "User":
        raise InvalidParameter(f"Volume: {volume.uuid} is for System VM , Creating snapshot against System VM volumes "
                               "is not supported")
    pool = StoragePool.get_by_id(volume.pool_id)
    if location is not None and not pool.managed:
        raise InvalidParameter(f"VolumeId: {volume.uuid} LocationType is supported only for managed storage")
    if quiesce and str((pool.capabilities or {}).get("VOLUME_SNAPSHOT_QUIESCEVM")).lower() != "true":
        raise UnsupportedAction(f"quiescevm: storage pool {pool.uuid} cannot quiesce the Instance for a snapshot")
    if pools or replicate or any(other.id != zone.id for other in zones):
        raise UnsupportedAction("zoneids, storageids, usestoragereplication: snapshots stay in the zone and on the "
                                "pool of their volume")
    if machine is not None and machine.state == "Running" and machine.hypervisor_type == "KVM" \
            and not context.settings.get("kvm.snapshot.enabled"):
        raise InvalidParameter("Snapshots of volumes of running Instances are not enabled on KVM: kvm.snapshot.enabled")
    secondary = bool(context.settings.get("snapshot.backup.to.secondary")) and zone.kind != "Edge"
    owner = Account.get_by_id(volume.account_id)
    if (account is not None and account != owner.account_name) or (domain is not None and domain.id != owner.domain_id):
        raise InvalidParameter(f"account, domainid: volume {volume.uuid} belongs to another account")
    limit.take_all(context, owner, {"snapshot": 1, _counted_as(secondary): volume.size})
    return Snapshot.create(
        account_id=owner.id, domain_id=owner.domain_id, name=name or _name(machine, volume), volume=volume.id,
        zone=zone.id, disk_offering_id=volume.disk_offering_id, size=volume.size,
        kind=MANUAL if policy is None else policy.interval_type, policy_id=None if policy is None else policy.id,
        location="SECONDARY" if secondary else "PRIMARY", hypervisor_type=volume.hypervisor_type,
        min_iops=volume.min_iops, max_iops=volume.max_iops, counted_bytes=volume.size, on_secondary=secondary,
        async_backup=async_backup and secondary)


def _counted_as(secondary: bool) -> str:
    return "secondary_storage" if secondary else "primary_storage"


def _name(machine: Machine | None, volume: Volume) -> str:
    moment = datetime.datetime.fromtimestamp(now() / 1000, datetime.UTC)
    return f"{machine.name if machine else 'detached'}_{volume.name}_{moment:%Y%m%d%H%M%S}"[:255]


def take(context: Context, snapshot: Snapshot) -> Snapshot:
    """Take an allocated snapshot and, unless that is to be done later, back it up. In steps.

    Where it fails the snapshot stays in state Error, counting nothing, until it is deleted.
    """
    steps, volume = context.steps, Volume.get_by_id(snapshot.volume_id)
    pool = StoragePool.get_by_id(volume.pool_id)
    where = {"pool": pool.uuid, "volume": volume.uuid, "snapshot": snapshot.uuid}
    steps.run("begin", lambda: _begin(snapshot.id), undo=lambda _: _failed(snapshot.id))
    host = _host(context, volume, pool)

    def clear() -> None:
        agent.call(context, host, "volume.delete_snapshot", where)

    report = steps.remote("take", lambda request_id: agent.call(
        context, host, "volume.create_snapshot", where, request_id=request_id),
        undo=lambda _: clear(), undo_attempt=clear)
    steps.run("taken", lambda: _taken(context, snapshot.id, pool.id, report["path"], report["size_bytes"],
                                      report["physical_bytes"]))
    if snapshot.on_secondary and not snapshot.async_backup:
        back_up(context, Snapshot.get_by_id(snapshot.id))
    return Snapshot.get_by_id(snapshot.id)


def _host(context: Context, volume: Volume, pool: StoragePool) -> Host:
    machine = Machine.get_or_none(Machine.id == volume.vm_id, Machine.state == "Running")
    return place.host_of(context, pool, None if machine is None else Host.get_by_id(machine.host_id))


def _begin(snapshot_id: int) -> None:
    snapshot = Snapshot.get_by_id(snapshot_id)
    transition(Volume.get_by_id(snapshot.volume_id), "SnapshotRequested")
    transition(snapshot, "CreateRequested")


def _failed(snapshot_id: int) -> None:
    """Undo `_begin`: the volume is as it was, the snapshot an error that counts nothing."""
    snapshot = Snapshot.get_by_id(snapshot_id)
    volume = Volume.get_by_id(snapshot.volume_id)
    if volume.state == "Snapshotting":
        transition(volume, "OperationFailed")
    if snapshot.state in ("Creating", "CreatedOnPrimary", "BackingUp"):
        Snapshot.update(state="Error", pool_id=None, primary_path=None).where(Snapshot.id == snapshot_id).execute()
        uncount(snapshot)


def _taken(context: Context, snapshot_id: int, pool_id: int, path: str, size: int, physical: int) -> None:
    snapshot = Snapshot.get_by_id(snapshot_id)
    transition(Volume.get_by_id(snapshot.volume_id), "OperationSucceeded")
    event = "OperationSucceeded" if snapshot.on_secondary else "OperationNotPerformed"
    transition(snapshot, event, pool_id=pool_id, primary_path=path, size=size, physical_size=physical)
    if not snapshot.on_secondary:
        _recount(context, snapshot, physical)


def _not_backed_up(snapshot_id: int) -> None:
    """The backup failed: the snapshot is on its pool as before, and can be backed up again."""
    Snapshot.update(state="CreatedOnPrimary").where(
        Snapshot.id == snapshot_id, Snapshot.state == "BackingUp").execute()


def _move_count(context: Context, snapshot: Snapshot) -> None:
    """Count a snapshot to secondary instead of primary storage."""
    owner = Account.get_by_id(snapshot.account_id)
    limit.give_back(owner, "primary_storage", snapshot.counted_bytes)
    limit.take(context, owner, "secondary_storage", snapshot.counted_bytes)
    snapshot.on_secondary = True
    Snapshot.update(on_secondary=True, location="SECONDARY").where(Snapshot.id == snapshot.id).execute()


def _recount(context: Context, snapshot: Snapshot, physical: int) -> None:
    """Count what the snapshot takes up, instead of the size that it might have had."""
    owner, kind = Account.get_by_id(snapshot.account_id), _counted_as(snapshot.on_secondary)
    if physical < snapshot.counted_bytes:
        limit.give_back(owner, kind, snapshot.counted_bytes - physical)
    else:
        limit.take(context, owner, kind, physical - snapshot.counted_bytes)
    Snapshot.update(counted_bytes=physical).where(Snapshot.id == snapshot.id).execute()


def back_up(context: Context, snapshot: Snapshot) -> None:
    """Copy a snapshot from its pool to secondary storage. In steps.

    :raises ResourceUnavailable: the zone has no secondary storage that takes it.
    """
    volume, pool = Volume.get_by_id(snapshot.volume_id), StoragePool.get_by_id(snapshot.pool_id)
    writable = stores.writable(context, snapshot.zone_id, snapshot.physical_size)
    chosen = context.steps.run("choose store", lambda: writable[0].id if writable else None)
    if chosen is None:
        raise ResourceUnavailable(f"Snapshot {snapshot.uuid} is not backed up: no secondary storage has room for it")
    store = ImageStore.get_by_id(chosen)
    path = f"snapshots/{snapshot.account_id}/{volume.id}/{snapshot.uuid}"
    context.steps.run("begin backup", lambda: transition(Snapshot.get_by_id(snapshot.id), "BackupToSecondary"),
                      undo=lambda _: _not_backed_up(snapshot.id))
    image = context.steps.remote("back up", lambda request_id: agent.call(
        context, _host(context, volume, pool), "volume.copy_to_secondary",
        {"pool": pool.uuid, "volume": volume.uuid, "snapshot": snapshot.uuid, "store": stores.reference(store),
         "path": path, "format": volume.format or "QCOW2"}, request_id=request_id,
        timeout=float(context.settings.get("backup.snapshot.wait"))),
        undo=lambda _: stores.call(context, store, "secondary.delete", {"path": path}))

    def done() -> None:
        fresh = Snapshot.get_by_id(snapshot.id)
        if not fresh.on_secondary:
            _move_count(context, fresh)
        transition(fresh, "OperationSucceeded", image_store_id=store.id, secondary_path=image["path"],
                   physical_size=image["physical_bytes"], async_backup=False)
        _recount(context, fresh, image["physical_bytes"])

    context.steps.run("backed up", done)


def archive(context: Context, snapshot: Snapshot) -> Snapshot:
    """Back up a snapshot that lies on its pool only. In steps.

    :raises InternalError: it lies on secondary storage already.
    :raises InvalidParameter: it lies nowhere, or is not finished.
    """
    # A repeated job passes by the check, which it has recorded, and finds what it did.
    context.steps.run("check", lambda: _check_archivable(snapshot))
    if snapshot.image_store_id is not None:
        return snapshot
    if snapshot.pool_id is None or snapshot.state not in ("CreatedOnPrimary", "BackingUp", "BackedUp"):
        raise InvalidParameter(f"Snapshot {snapshot.uuid} is in state {snapshot.state} and cannot be archived")
    back_up(context, snapshot)
    return Snapshot.get_by_id(snapshot.id)


def _check_archivable(snapshot: Snapshot) -> None:
    if snapshot.image_store_id is not None:
        raise InternalError(f"Can only archive snapshots present on primary storage. Cannot find snapshot "
                            f"{snapshot.uuid} on primary storage")


def back_up_later(context: Context) -> None:
    """Begin jobs that back up what was taken with `asyncbackup`."""
    waiting = Snapshot.alive(Snapshot.async_backup == True, Snapshot.state == "CreatedOnPrimary")  # noqa: E712
    for snapshot in list(waiting):
        try:
            context.installation.run_command("archiveSnapshot", id=snapshot.uuid)
        except ApiError as error:
            log.warning("snapshot %s is not backed up yet: %s", snapshot.uuid, error.text)
        else:
            transact(lambda found=snapshot: Snapshot.update(async_backup=False)  # type: ignore[misc]
                     .where(Snapshot.id == found.id).execute())


def uncount(snapshot: Snapshot) -> None:
    """Count a snapshot no longer. Within a transaction."""
    owner = Account.get_by_id(snapshot.account_id)
    limit.give_back(owner, "snapshot", 1)
    limit.give_back(owner, _counted_as(snapshot.on_secondary), snapshot.counted_bytes)


def forget(snapshot: Snapshot) -> None:
    """Mark a snapshot as removed and count it no longer; what it was is gone already. Within a transaction."""
    if not Snapshot.update(state="Destroyed", removed=now()).where(
            Snapshot.id == snapshot.id, Snapshot.removed.is_null()).execute():
        return
    tag.remove_all("Snapshot", snapshot.id)
    if snapshot.state != "Error":
        uncount(snapshot)


def delete(context: Context, snapshot: Snapshot) -> None:
    """Delete a snapshot from wherever it lies. In steps.

    :raises InvalidParameter: it is not finished yet.
    """
    if snapshot.removed is not None:
        return
    if snapshot.state in UNFINISHED:
        raise InvalidParameter(f"Can't delete snapshot {snapshot.uuid} due to it is in {snapshot.state} state")
    steps = context.steps
    with steps.part(f"delete snapshot {snapshot.uuid}") as part:
        part.run("begin", lambda: _destroying(snapshot.id), undo=lambda _: _kept(snapshot.id))
        if snapshot.image_store_id is not None:
            store = ImageStore.get_by_id(snapshot.image_store_id)
            part.remote("delete from store", lambda request_id: stores.call(
                context, store, "secondary.delete", {"path": snapshot.secondary_path}, request_id=request_id))
        volume = Volume.get_by_id(snapshot.volume_id)
        if snapshot.pool_id is not None and volume.removed is None:
            pool = StoragePool.get_by_id(snapshot.pool_id)
            part.remote("delete from pool", lambda request_id: agent.call(
                context, _host(context, volume, pool), "volume.delete_snapshot",
                {"pool": pool.uuid, "volume": volume.uuid, "snapshot": snapshot.uuid}, request_id=request_id))
        part.run("end", lambda: forget(Snapshot.get_by_id(snapshot.id)))


def _destroying(snapshot_id: int) -> None:
    snapshot = Snapshot.get_by_id(snapshot_id)
    if snapshot.state != "Error":
        transition(snapshot, "DestroyRequested")


def _kept(snapshot_id: int) -> None:
    snapshot = Snapshot.get_by_id(snapshot_id)
    if snapshot.state == "Destroying":
        transition(snapshot, "OperationFailed")


@cleanup.register(20, "snapshots")
def remove_of_account(context: Context, account: Account) -> None:
    """Delete all snapshots of an account that is deleted."""
    for snapshot in list(Snapshot.alive(Snapshot.account_id == account.id)):
        delete(context, snapshot)
