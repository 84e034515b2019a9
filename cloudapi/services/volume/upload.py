"""Volumes that come from outside: downloaded to secondary storage, then brought to a pool when they are attached."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, ResourceLimitExceeded, ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import ImageStore, StoragePool, Volume, VolumeStore
from cloudapi.services.account import limit
from cloudapi.services.capacity import capacity
from cloudapi.services.offering.scope import check_usable
from cloudapi.services.storage import store as stores
from cloudapi.services.template.registration import check_url
from cloudapi.services.volume import disk, offering, place, removal, size
from cloudapi.states.base import transition

log = logging.getLogger(__name__)

FORMATS = ("QCOW2", "RAW", "VHD", "OVA", "VMDK")
DEFAULT_OFFERING = "Cloud.Com-Custom"


def check(context: Context, owner: Account, zone: Zone, image_format: str, chosen: DiskOffering | None,
          url: str | None = None) -> DiskOffering:
    """Check what is uploaded and return the disk offering that it gets.

    :raises InvalidParameter: no host of the zone reads the format, the offering fixes the size, the URL is of no use.
    """
    offering.check_zone(context, zone)
    if image_format not in FORMATS:
        raise InvalidParameter(f"Image format: {image_format} is incorrect. Supported formats are {', '.join(FORMATS)}")
    hosts = Host.alive(Host.zone == zone.id, Host.kind == "Routing", Host.status == "Up")
    if not any(image_format in (host.capabilities or {}).get("image_formats", ()) for host in hosts):
        raise InvalidParameter(f"No hypervisor of zone {zone.uuid} supports volumes of format {image_format}")
    if url is not None:
        check_url(context, url, image_format, [zone], resolved="volume.url.check")
    if chosen is None:
        chosen = _default_offering(owner, zone)
    elif chosen.compute_only or chosen.state != "Active":
        raise InvalidParameter("Please specify a valid disk offering: diskofferingid")
    if not chosen.is_custom:
        raise InvalidParameter("Please specify a custom sized disk offering: diskofferingid")
    check_usable(owner, chosen, zone)
    return chosen


def _default_offering(owner: Account, zone: Zone) -> DiskOffering:
    custom = DiskOffering.alive(DiskOffering.is_custom == True, DiskOffering.compute_only == False,  # noqa: E712
                                DiskOffering.state == "Active", DiskOffering.encrypt == False)  # noqa: E712
    for found in sorted(custom, key=lambda item: (item.unique_name != DEFAULT_OFFERING, item.id)):
        try:
            check_usable(owner, found, zone)
        except ApiError:
            continue
        return found
    raise ResourceUnavailable(f"Unable to find custom disk offering in zone: {zone.uuid} for volume upload")


def store_for(context: Context, zone: Zone, uuid: str | None) -> ImageStore:
    """Return the image store that an upload goes to.

    :param uuid: the one that the caller named.
    """
    if uuid is not None:
        found = ImageStore.alive(ImageStore.uuid == uuid, ImageStore.role == "Image").first()
        if found is None or (found.zone_id is not None and found.zone_id != zone.id):
            raise InvalidParameter(f"imagestoreuuid {uuid}: there is no such image store in zone {zone.uuid}")
        return found
    writable = stores.writable(context, zone)
    if not writable:
        raise ResourceUnavailable(f"Zone {zone.uuid} has no secondary storage that takes the upload")
    return writable[0]


def allot(context: Context, owner: Account, zone: Zone, name: str, image_format: str, chosen: DiskOffering,
          store: ImageStore, *, state: str, url: str | None = None, checksum: str | None = None) -> Volume:
    """Write a volume that is to come, and its place on a store. Within a transaction."""
    volume = disk.allocate(context, owner, zone=zone, kind=disk.DATADISK, name=name, offering=chosen, size=0)
    Volume.update(state=state, format=image_format).where(Volume.id == volume.id).execute()
    VolumeStore.create(volume=volume.id, image_store=store.id, state="Creating", url=url, checksum=checksum,
                       install_path=f"volumes/{owner.id}/{volume.id}/{volume.uuid}.{image_format.lower()}",
                       request_id=volume.uuid, created=now())
    return Volume.get_by_id(volume.id)


def from_url(context: Context, owner: Account, zone: Zone, name: str, image_format: str, url: str,
             chosen: DiskOffering | None, store_uuid: str | None, checksum: str | None) -> Volume:
    """Begin to download a volume to secondary storage. In steps; how far it is, is followed by the clock."""

    def write() -> int:
        custom = check(context, owner, zone, image_format, chosen, url)
        store = store_for(context, zone, store_uuid)
        return int(allot(context, owner, zone, name, image_format, custom, store, state="UploadOp", url=url,
                         checksum=checksum).id)

    volume_id = context.steps.run("allot", write, undo=lambda made: forget(context, made))
    copy = VolumeStore.get(VolumeStore.volume == volume_id)
    report = context.steps.remote("begin download", lambda request_id: _download(context, copy, request_id))
    note(context, copy, report)
    return Volume.get_by_id(volume_id)


def forget(context: Context, volume_id: int) -> None:
    """Undo `allot`: the volume is gone, with its place on the store. Within a transaction."""
    for copy in VolumeStore.select().where(VolumeStore.volume == volume_id):
        removal.forget_copy(copy)
    removal.destroy(context, Volume.get_by_id(volume_id))
    removal.expunged(context, volume_id)


def _download(context: Context, copy: VolumeStore, request_id: str | None = None) -> dict[str, Any]:
    store, volume = ImageStore.get_by_id(copy.image_store_id), Volume.get_by_id(copy.volume_id)
    return stores.call(context, store, "secondary.download", {"download": {
        "id": copy.request_id, "url": copy.url, "path": copy.install_path, "format": volume.format, "kind": "VOLUME",
        "checksum": copy.checksum,
        "maximum_bytes": int(context.settings.get("storage.max.volume.upload.size")) * size.GIB,
        "follow_redirects": bool(context.settings.get("store.download.follow.redirects"))}}, request_id=request_id)


def note(context: Context, copy: VolumeStore, report: dict[str, Any]) -> None:
    """Take over how far a transfer is. Outside transactions."""
    state = report["state"]
    if state == "DOWNLOADED":
        try:
            transact(lambda: arrived(context, copy, report))
        except ResourceLimitExceeded as error:
            reason = error.text
            stores.call(context, ImageStore.get_by_id(copy.image_store_id), "secondary.delete",
                        {"path": copy.install_path})
            transact(lambda: failed(copy, reason))
    elif state == "DOWNLOAD_ERROR":
        transact(lambda: failed(copy, report.get("error") or "the download failed"))
    elif state in ("ABANDONED", "NOT_DOWNLOADED"):
        _download(context, copy)
    else:
        transact(lambda: VolumeStore.update(download_state=state, download_percent=int(report["percent"])).where(
            VolumeStore.id == copy.id, VolumeStore.state == "Creating").execute())


def arrived(context: Context, copy: VolumeStore, report: dict[str, Any]) -> None:
    """The volume is on its store: count it and let it be attached. Within a transaction.

    :raises ResourceLimitExceeded: the owner has no room for it on secondary storage.
    """
    volume, fresh = Volume.get_by_id(copy.volume_id), VolumeStore.get_by_id(copy.id)
    if fresh.state != "Creating":
        return
    physical = int(report["physical_bytes"])
    limit.take(context, Account.get_by_id(volume.account_id), "secondary_storage", physical)
    transition(fresh, "OperationSucceeded", download_state="DOWNLOADED", download_percent=100, error_text=None,
               install_path=report["path"], size=report["size_bytes"], physical_size=physical, counted_bytes=physical)
    transition(volume, "OperationSucceeded", size=report["size_bytes"])


def failed(copy: VolumeStore, reason: str) -> None:
    """The volume did not come; it stays in the list, with the reason, until it is deleted. Within a transaction."""
    VolumeStore.update(state="Failed", download_state="DOWNLOAD_ERROR", error_text=reason[:512]).where(
        VolumeStore.id == copy.id, VolumeStore.state == "Creating").execute()


def follow(context: Context) -> None:
    """Look how far downloads of volumes are."""
    under_way = (VolumeStore.select().join(Volume, on=(VolumeStore.volume == Volume.id))
                 .where(VolumeStore.state == "Creating", Volume.state == "UploadOp", Volume.removed.is_null()))
    for copy in list(under_way):
        try:
            note(context, copy, stores.call(context, ImageStore.get_by_id(copy.image_store_id), "secondary.status",
                                            {"transfer": copy.request_id}))
        except ApiError as error:
            log.warning("upload of volume %d is not followed now: %s", copy.volume_id, error.text)


def reserve(context: Context, volume: Volume, host: Host | None, machine: Machine) -> int:
    """Choose the pool of an uploaded volume and begin to bring it there. Within a transaction. Returns its id."""
    pool = place.take(context, volume, host=host, hypervisor=machine.hypervisor_type)
    limit.take(context, disk.owner_of(volume), "primary_storage", volume.size, tags=disk.tags_of(context, volume))
    transition(volume, "CopyRequested", pool=pool.id, pod_id=pool.pod_id, hypervisor_type=machine.hypervisor_type)
    return int(pool.id)


def let_go(context: Context, volume_id: int) -> None:
    """Undo `reserve`."""
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Copying":
        capacity.give_back_pool(volume.pool, volume.size, volume.min_iops or 0)
        limit.give_back(disk.owner_of(volume), "primary_storage", volume.size, tags=disk.tags_of(context, volume))
        transition(volume, "OperationFailed", pool=None, pod_id=None)


def fetch(context: Context, volume: Volume, pool: StoragePool, host: Host) -> None:
    """Bring a reserved volume from its store to its pool; the copy on the store is deleted then. In steps."""
    copy = VolumeStore.get(VolumeStore.volume == volume.id, VolumeStore.state == "Ready")
    store = ImageStore.get_by_id(copy.image_store_id)
    arguments = {"store": stores.reference(store), "path": copy.install_path,
                 "volume": disk.spec_of_new(volume, pool)}

    def clear() -> None:
        disk.unmake(context, volume, pool)

    report = context.steps.remote(
        f"fetch volume {volume.uuid}", lambda request_id: disk.made(
            context, host, "volume.copy_from_secondary", arguments, request_id,
            float(context.settings.get("copy.volume.wait"))),
        undo=lambda _: clear(), undo_attempt=clear)
    context.steps.run(f"fetched volume {volume.uuid}", lambda: disk.finish(context, volume.id, report))
    # The pool has it now: what fails later leaves it there, as its copy on the store goes.
    context.steps.settle()
    context.steps.remote(f"clear upload {volume.uuid}", lambda request_id: removal.delete_copy(context, copy))
