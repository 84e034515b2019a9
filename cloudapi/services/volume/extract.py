"""Volumes to take away: copied to secondary storage, with a link that ends by itself."""

from __future__ import annotations

import logging

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, PermissionDenied, ResourceUnavailable, UnsupportedAction
from cloudapi.models.base import new_uuid, now
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import ImageStore, StoragePool, Template, Volume, VolumeStore
from cloudapi.services.host import agent
from cloudapi.services.storage import link as links
from cloudapi.services.storage import store as stores
from cloudapi.services.volume import disk, place, removal

log = logging.getLogger(__name__)

DOWNLOAD, UPLOAD = "HTTP_DOWNLOAD", "FTP_UPLOAD"
MODES = (DOWNLOAD, UPLOAD)


def check(context: Context, volume: Volume, zone: Zone, mode: str) -> None:
    """Refuse to hand out what is in use, protected or not there.

    :raises PermissionDenied: in use, or the template of a root disk is not to be extracted.
    """
    if mode != DOWNLOAD:
        raise UnsupportedAction(f"mode {mode}: volumes are handed out for download only, {DOWNLOAD}")
    if context.settings.get("disable.extraction") and not context.caller.is_root_admin:
        raise PermissionDenied("Extraction has been disabled by admin")
    if volume.zone_id != zone.id:
        raise InvalidParameter(f"zoneid: volume {volume.uuid} is not in zone {zone.uuid}")
    if volume.pool_id is None:
        raise InvalidParameter("The volume doesn't belong to a storage pool so can't extract it")
    machine = Machine.get_or_none(Machine.id == volume.vm_id)
    if machine is not None and machine.state != "Stopped":
        raise PermissionDenied("Invalid state of the volume with specified ID. It should be either detached or the VM "
                               "should be in stopped state.")
    if volume.state != "Ready":
        raise InvalidParameter("Volume to be extracted has been removed or not in right state!")
    if volume.encrypt_format is not None:
        raise InvalidParameter("Extraction of encrypted volumes is unsupported")
    template = Template.get_or_none(Template.id == volume.template_id)
    if volume.kind == disk.ROOT and template is not None and not context.caller.is_root_admin \
            and (not template.extractable or template.template_type == "SYSTEM"):
        raise PermissionDenied("The volume with specified volumeId is not allowed to be extracted")


def extract(context: Context, volume: Volume, zone: Zone, mode: str) -> str:
    """Copy a volume to secondary storage and return the link to it. In steps."""
    steps = context.steps
    chosen = steps.run("choose", lambda: _choose(context, volume, zone, mode))
    store, pool = ImageStore.get_by_id(chosen["store"]), StoragePool.get_by_id(volume.pool_id)
    name, path = str(chosen["link"]), f"volumes/{volume.account_id}/{volume.id}/{chosen['link']}"

    def clear() -> None:
        stores.call(context, store, "secondary.delete", {"path": path})

    image = steps.remote("copy", lambda request_id: agent.call(
        context, place.host_of(context, pool), "volume.copy_to_secondary",
        {"pool": pool.uuid, "volume": volume.uuid, "store": stores.reference(store), "path": path,
         "format": volume.format or "QCOW2"}, request_id=request_id,
        timeout=float(context.settings.get("copy.volume.wait"))),
        undo=lambda _: clear(), undo_attempt=clear)
    made = steps.remote("link", lambda request_id: stores.call(
        context, store, "secondary.create_link", {"path": image["path"], "link": name}, request_id=request_id),
        undo=lambda _: stores.call(context, store, "secondary.delete_link", {"link": name}))
    url = links.url(context, store, made["path"])
    steps.run("keep", lambda: _keep(volume, store, image, name, url))
    return url


def _choose(context: Context, volume: Volume, zone: Zone, mode: str) -> dict[str, int | str]:
    check(context, volume, zone, mode)
    writable = stores.writable(context, zone, volume.size)
    if not writable:
        raise ResourceUnavailable(f"Secondary storage to satisfy storage needs cannot be found for zone: {zone.uuid}")
    return {"store": writable[0].id, "link": new_uuid()}


def _keep(volume: Volume, store: ImageStore, image: dict[str, int | str], name: str, url: str) -> None:
    VolumeStore.create(volume=volume.id, image_store=store.id, state="Ready", download_state="DOWNLOADED",
                       download_percent=100, install_path=image["path"], size=image["size_bytes"],
                       physical_size=image["physical_bytes"], download_url=url, download_url_created=now(), link=name,
                       created=now())


def end_links(context: Context) -> None:
    """Remove the links, and the copies behind them, that are older than `extract.url.expiration.interval`."""
    before = now() - int(context.settings.get("extract.url.expiration.interval")) * 1000
    ended = VolumeStore.select().where(VolumeStore.link.is_null(False), VolumeStore.download_url_created <= before)
    for copy in list(ended):
        try:
            removal.delete_copy(context, copy)
        except ApiError as error:
            log.warning("link %s is not removed yet: %s", copy.link, error.text)
