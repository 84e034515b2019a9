"""Volumes that their owners send themselves: permitted, received, put in their place or given up."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import ImageStore, Volume, VolumeStore
from cloudapi.services.storage import link as links
from cloudapi.services.storage import store as stores
from cloudapi.services.volume import size, upload
from cloudapi.states.base import may, transition

log = logging.getLogger(__name__)

WAITING = ("NotUploaded", "UploadInProgress")


def permit(context: Context, owner: Account, zone: Zone, name: str, image_format: str, chosen: DiskOffering | None,
           store_uuid: str | None, checksum: str | None) -> links.UploadPermit:
    """Write the volume that is to come, open a place for it and return what its sender needs. In steps."""

    def write() -> int:
        custom = upload.check(context, owner, zone, image_format, chosen)
        store = upload.store_for(context, zone, store_uuid)
        return int(upload.allot(context, owner, zone, name, image_format, custom, store, state="NotUploaded",
                                checksum=checksum).id)

    volume_id = context.steps.run("allot", write, undo=lambda made: upload.forget(context, made))
    volume, copy = Volume.get_by_id(volume_id), VolumeStore.get(VolumeStore.volume == volume_id)
    store = ImageStore.get_by_id(copy.image_store_id)
    most = int(context.settings.get("storage.max.volume.upload.size")) * size.GIB
    context.steps.remote("open", lambda request_id: stores.call(
        context, store, "secondary.open_upload",
        {"upload": copy.request_id, "path": copy.install_path, "format": volume.format, "maximum_bytes": most},
        request_id=request_id))
    return links.permit(context, store, volume.uuid, {"kind": "volume", "name": volume.name, "format": volume.format,
                                                      "checksum": checksum, "maximum_bytes": most})


def begin(context: Context, uuid: str) -> dict[str, Any]:
    """The sender has begun. Returns the `UploadSlot` that takes the bytes, with `maximum_bytes`.

    :raises InvalidParameter: the volume is not waited for.
    """
    volume = Volume.alive(Volume.uuid == uuid, Volume.state == "NotUploaded").first()
    if volume is None:
        raise InvalidParameter(f"volume {uuid} is not waiting for an upload")
    copy = VolumeStore.get(VolumeStore.volume == volume.id)
    most = int(context.settings.get("storage.max.volume.upload.size")) * size.GIB
    slot = stores.call(context, ImageStore.get_by_id(copy.image_store_id), "secondary.open_upload",
                       {"upload": copy.request_id, "path": copy.install_path, "format": volume.format,
                        "maximum_bytes": most})
    transact(lambda: transition(volume, "UploadRequested"))
    return {**slot, "maximum_bytes": most}


def finish(context: Context, uuid: str, physical_bytes: int) -> None:
    """All bytes are there: check them and put the volume in its place.

    :raises ApiError: it is no such image, its checksum differs, or its owner has no room; the upload has failed then.
    """
    volume = Volume.alive(Volume.uuid == uuid, Volume.state == "UploadInProgress").first()
    if volume is None:
        raise InvalidParameter(f"volume {uuid} is not waiting for an upload any more")
    copy = VolumeStore.get(VolumeStore.volume == volume.id)
    try:
        image = stores.call(context, ImageStore.get_by_id(copy.image_store_id), "secondary.finish_upload",
                            {"upload": copy.request_id, "checksum": copy.checksum, "physical_bytes": physical_bytes})
        transact(lambda: upload.arrived(context, copy, image))
    except ApiError as error:
        fail(context, uuid, error.text)
        raise


def fail(context: Context, uuid: str, reason: str) -> None:
    """The upload broke off, or is not what was announced."""
    volume = Volume.alive(Volume.uuid == uuid, Volume.state == "UploadInProgress").first()
    if volume is not None:
        give_up(context, volume, "OperationFailed", reason)


def give_up(context: Context, volume: Volume, event: str, reason: str) -> None:
    """The volume did not come (`event` OperationFailed) or its time is over (OperationTimeout).

    Nothing of it stays on the store. Outside transactions.
    """
    copies = list(VolumeStore.select().where(VolumeStore.volume == volume.id))

    def write() -> bool:
        fresh = Volume.get_by_id(volume.id)
        if not may(fresh, event):
            return False
        transition(fresh, event)
        for copy in copies:
            upload.failed(copy, reason)
        return True

    if not transact(write):
        return
    for copy in copies:
        store = ImageStore.get_by_id(copy.image_store_id)
        try:
            if store.removed is None:
                stores.call(context, store, "secondary.delete", {"path": copy.install_path})
        except ApiError as error:
            log.warning("what came of volume %s stays on image store %s: %s", volume.uuid, store.name, error.text)


def expire(context: Context) -> None:
    """Give up the uploads that have not come within `upload.operation.timeout`."""
    before = now() - int(context.settings.get("upload.operation.timeout")) * 60_000
    for volume in list(Volume.alive(Volume.state.in_(WAITING), Volume.created <= before)):
        give_up(context, volume, "OperationTimeout", "the upload has not come in time")
