"""Volumes as their owners handle them: made, named, handed over, destroyed and recovered."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.base import new_uuid
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import Snapshot, SnapshotPolicy, StoragePool, Volume, VolumeStore
from cloudapi.services.account import limit
from cloudapi.services.offering.scope import check_usable
from cloudapi.services.volume import disk, offering, place, removal, size
from cloudapi.states.base import transition
from cloudapi.states.volume import VOLUME

UNFINISHED_SNAPSHOTS = ("Creating", "CreatedOnPrimary", "BackingUp")


def create(context: Context, owner: Account, *, zone: Zone | None, name: str | None, disk_offering: DiskOffering | None,
           gib: int | None, min_iops: int | None, max_iops: int | None, snapshot: Snapshot | None,
           machine: Machine | None, display: bool, pool: StoragePool | None, uuid: str | None) -> Volume:
    """Check what is asked for and write the volume in state Allocated. Within a transaction.

    :param gib: its size, where the offering leaves it open.
    :param machine: to attach it to, where it is made from a snapshot.
    :param pool: where to make it at once; else that happens when it is attached or, from a snapshot, where it suits.
    :raises InvalidParameter: what does not go together, with the parameter's name.
    """
    parent = None if snapshot is None else Volume.get_by_id(snapshot.volume_id)
    if snapshot is not None:
        zone = zone or Zone.get_by_id(snapshot.zone_id)
        _check_snapshot(snapshot, parent, disk_offering)
    if disk_offering is None and snapshot is None:
        raise InvalidParameter("At least one of disk Offering ID or snapshot ID must be passed whilst creating volume: "
                               "diskofferingid, snapshotid")
    if zone is None:
        raise InvalidParameter("parameter zoneid is missing: the zone of the new volume")
    offering.check_zone(context, zone)
    if disk_offering is None:
        assert snapshot is not None and parent is not None
        chosen = DiskOffering.get_by_id(snapshot.disk_offering_id or parent.disk_offering_id)
        wanted, least, most = int(snapshot.size), parent.min_iops, parent.max_iops
    else:
        chosen = disk_offering
        if chosen.compute_only or chosen.state != "Active":
            raise InvalidParameter("Please specify a valid disk offering: diskofferingid")
        wanted = size.data_size(context, chosen, gib)
        least, most = size.iops(chosen, min_iops, max_iops)
        check_usable(owner, chosen, zone)
        if snapshot is not None and wanted < snapshot.size:
            raise InvalidParameter(f"Invalid size for volume creation: {wanted // size.GIB}GB, "
                                   f"snapshot size is: {snapshot.size // size.GIB}GB")
    offering.check_local(chosen, zone)
    if machine is not None:
        if snapshot is None:
            raise InvalidParameter("virtualmachineid goes with snapshotid: a new volume is attached by attachVolume")
        _check_machine(machine, zone)
    if pool is not None:
        _check_pool(context, pool, zone, chosen)
    if uuid is not None and Volume.select().where(Volume.uuid == uuid).exists():
        raise InvalidParameter(f"customid {uuid} is the ID of another volume")
    return disk.allocate(context, owner, zone=zone, kind=disk.DATADISK, name=name or new_uuid(), offering=chosen,
                         size=wanted, min_iops=least, max_iops=most, snapshot=snapshot, display=display, uuid=uuid)


def _check_snapshot(snapshot: Snapshot, parent: Any, disk_offering: DiskOffering | None) -> None:
    if snapshot.state != "BackedUp":
        raise InvalidParameter(f"Snapshot {snapshot.uuid} is not in BackedUp state yet and can't be used for volume "
                               "creation")
    if disk_offering is not None and parent.kind != disk.ROOT:
        raise InvalidParameter("Disk Offering ID cannot be passed whilst creating volume from snapshot other than "
                               "ROOT disk snapshots: diskofferingid")


def _check_machine(machine: Machine, zone: Zone) -> None:
    if machine.kind != "User":
        raise InvalidParameter("Please specify a valid User VM: virtualmachineid")
    if machine.zone_id != zone.id:
        raise InvalidParameter("The specified zone is different than zone of the VM: virtualmachineid, zoneid")
    if machine.state not in ("Running", "Stopped"):
        raise InvalidParameter("Please specify a VM that is either running or stopped: virtualmachineid")


def _check_pool(context: Context, pool: StoragePool, zone: Zone, chosen: DiskOffering) -> None:
    if pool.state != "Up":
        raise InvalidParameter(f"Cannot create a volume on storage pool {pool.name}: it is in state {pool.state}")
    if pool.zone_id != zone.id:
        raise InvalidParameter(f"storageid names a storage pool outside of zone {zone.uuid}")
    reason = place.offering_refusal(pool, chosen)
    if reason is not None:
        raise InvalidParameter(f"Disk offering {chosen.uuid} is not compatible with the storage pool: {reason}")


def make(context: Context, volume: Volume, pool: StoragePool | None, machine: Machine | None) -> Volume:
    """Make a new volume where that is due: from its snapshot, or on the pool that was named. In steps.

    Where it fails the volume is gone again.
    """
    from cloudapi.services.snapshot import restore
    from cloudapi.services.volume import attach

    context.steps.run("allocated", lambda: None, undo=lambda _: discard(context, volume.id))
    if volume.snapshot_id is not None:
        restore.make_volume(context, volume, machine, pool)
        if machine is not None:
            context.steps.settle()
            attach.attach(context, Volume.get_by_id(volume.id), machine, None)
    elif pool is not None:
        context.steps.run("reserve", lambda: disk.reserve(context, Volume.get_by_id(volume.id), pool=pool),
                          undo=lambda _: disk.let_go(volume.id))
        disk.make(context, Volume.get_by_id(volume.id), pool, place.host_of(context, pool))
    return Volume.get_by_id(volume.id)


def discard(context: Context, volume_id: int) -> None:
    """Remove a volume that lies nowhere, with its counts. Within a transaction."""
    volume = Volume.get_by_id(volume_id)
    if volume.removed is None and volume.pool_id is None:
        removal.destroy(context, volume)
        removal.expunged(context, volume_id)


def check_unattached(volume: Volume) -> None:
    """Refuse what is done to a volume that nobody uses.

    :raises InvalidParameter: attached, in the middle of a snapshot or an upload.
    """
    if volume.vm_id is not None and Machine.alive(Machine.id == volume.vm_id).exists() and volume.state != "Expunged":
        raise InvalidParameter("Please specify a volume that is not attached to any VM.")
    if Snapshot.alive(Snapshot.volume == volume.id, Snapshot.state.in_(UNFINISHED_SNAPSHOTS)).exists():
        raise InvalidParameter("There are snapshot operations in progress on the volume, unable to delete it")
    uploading = VolumeStore.select().where(VolumeStore.volume == volume.id,
                                           VolumeStore.download_state == "DOWNLOAD_IN_PROGRESS").exists()
    if volume.state == "UploadOp" and uploading:
        raise InvalidParameter("Please specify a volume that is not uploading")
    if volume.state in ("NotUploaded", "UploadInProgress"):
        raise InvalidParameter("The volume is either getting uploaded or it may be initiated shortly, please wait for "
                               "it to be completed")


def check_destroy(context: Context, volume: Volume, expunge: bool) -> None:
    """:raises InvalidParameter: protected, in use, or one that can only be expunged."""
    check_unattached(volume)
    if volume.delete_protection:
        raise InvalidParameter(f"Volume [id = {volume.uuid}, name = {volume.name}] has delete protection enabled and "
                               "cannot be deleted.")
    if expunge:
        _check_right(context, "Expunging")
    elif volume.state in ("Allocated", "Uploaded"):
        raise InvalidParameter("The volume in Allocated/Uploaded state can only be expunged not destroyed/recovered")


def _check_right(context: Context, what: str) -> None:
    caller = context.caller
    if not caller.is_admin and not context.settings.get("allow.user.expunge.recover.volume", account=caller.account_id):
        raise PermissionDenied(f"{what} a volume can only be done by an Admin. Or when the "
                               "allow.user.expunge.recover.volume key is set.")


def destroy(context: Context, volume: Volume, expunge: bool) -> Volume:
    """Destroy a volume, and with `expunge` take it off its storage at once. In steps."""
    if volume.removed is not None:
        return volume
    check_destroy(context, volume, expunge)
    if expunge:
        removal.remove(context, volume)
    else:
        context.steps.run("destroy", lambda: removal.destroy(context, Volume.get_by_id(volume.id)))
    return Volume.get_by_id(volume.id)


def recover(context: Context, volume: Volume) -> Volume:
    """Bring a destroyed volume back, attached to nothing. Within a transaction.

    :raises ResourceLimitExceeded: the owner has no room for it any more.
    """
    _check_right(context, "Recovering")
    if volume.state != "Destroy":
        raise InvalidParameter("Please specify a volume in Destroy state.")
    transition(volume, "RecoverRequested", vm_id=None, device_id=None, attached=None, destroyed=None)
    disk.count(context, volume)
    return volume


def update(context: Context, volume: Volume, given: dict[str, Any]) -> Volume:
    """Change a volume's name, protection and, for root admins, what the server knows of it. Within a transaction.

    :param given: the parameters of the call: name, deleteprotection, displayvolume, path, chaininfo, state, storageid,
        customid.
    """
    if not context.caller.is_root_admin and given.keys() - {"name", "deleteprotection"}:
        raise InvalidParameter("The domain admin and normal user are not allowed to update volume except volume name & "
                               "delete protection")
    columns = {"name": "name", "deleteprotection": "delete_protection", "path": "path", "chaininfo": "chain_info"}
    values: dict[str, Any] = {columns[name]: value for name, value in given.items() if name in columns}
    if "state" in given:
        values["state"] = next((state for state in VOLUME.states if state.lower() == given["state"].lower()), None)
        if values["state"] is None:
            raise InvalidParameter(f"Invalid volume state specified: state {given['state']}")
    if "customid" in given:
        if Volume.select().where(Volume.uuid == given["customid"], Volume.id != volume.id).exists():
            raise InvalidParameter(f"customid {given['customid']} is the ID of another volume")
        values["uuid"] = given["customid"]
    if "storageid" in given:
        pool = given["storageid"]
        if pool.zone_id != volume.zone_id:
            raise InvalidParameter("Invalid storageId specified; refers to the pool outside of the volume's zone")
        values |= {"pool": pool.id, "pod_id": pool.pod_id}
    if "displayvolume" in given and given["displayvolume"] != volume.display:
        if volume.display:
            disk.uncount(context, volume)
        values["display"] = volume.display = given["displayvolume"]
        if volume.display:
            disk.count(context, volume)
    if values:
        Volume.update(**values).where(Volume.id == volume.id).execute()
    return Volume.get_by_id(volume.id)


def assign(context: Context, volume: Volume, account: Account) -> Volume:
    """Hand a volume over to another account, with what it counts. Within a transaction."""
    if volume.vm_id is not None:
        raise PermissionDenied(f"Volume [{volume.uuid}] is attached to an Instance, so it cannot be moved to a "
                               "different account.")
    if Snapshot.alive(Snapshot.volume == volume.id, Snapshot.state.not_in(("Destroyed", "Error"))).exists():
        raise PermissionDenied(f"Volume [{volume.uuid}] has snapshots. Remove the volume's snapshots before assigning "
                               "it to another account.")
    if account.id == volume.account_id:
        raise InvalidParameter("The new account and the old account are the same: accountid")
    if account.state != "enabled":
        raise InvalidParameter(f"Unable to assign volume to destination account [{account.uuid}], as it is in "
                               f"[{account.state}] state.")
    copies = sum(copy.counted_bytes for copy in VolumeStore.select().where(VolumeStore.volume == volume.id))
    disk.uncount(context, volume)
    limit.give_back(Account.get_by_id(volume.account_id), "secondary_storage", copies)
    volume.account_id, volume.domain_id = account.id, account.domain_id
    disk.count(context, volume)
    limit.take(context, account, "secondary_storage", copies)
    Volume.update(account_id=account.id, domain_id=account.domain_id).where(Volume.id == volume.id).execute()
    SnapshotPolicy.update(account_id=account.id, domain_id=account.domain_id).where(
        SnapshotPolicy.volume == volume.id).execute()
    return volume
