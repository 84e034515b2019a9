"""Data of secondary storage migrated: all of a store, some of it to even usage out, or what is named."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.storage import ImageStore, Snapshot, Template, TemplateStore, VolumeStore
from cloudapi.services.storage import store as stores
from cloudapi.services.storage import transfer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """An image to be migrated. `moved(store id)` writes that it is on another store, within a transaction."""

    name: str
    path: str
    size: int
    moved: Callable[[int], Any]


def _template_item(copy: TemplateStore) -> Item:
    def moved(store_id: int) -> None:
        TemplateStore.delete().where(TemplateStore.template == copy.template_id,
                                     TemplateStore.image_store == store_id).execute()
        TemplateStore.update(image_store=store_id, updated=now()).where(TemplateStore.id == copy.id).execute()

    return Item(f"template {copy.template_id}", copy.install_path, copy.physical_size, moved)


def _snapshot_item(snapshot: Snapshot) -> Item:
    def moved(store_id: int) -> None:
        Snapshot.update(image_store_id=store_id).where(Snapshot.id == snapshot.id).execute()

    return Item(f"snapshot {snapshot.uuid}", snapshot.secondary_path, snapshot.physical_size, moved)


def _volume_item(copy: VolumeStore) -> Item:
    def moved(store_id: int) -> None:
        VolumeStore.update(image_store=store_id).where(VolumeStore.id == copy.id).execute()

    return Item(f"volume {copy.volume_id}", copy.install_path, copy.physical_size, moved)


def _items(store: ImageStore) -> Iterator[Item]:
    """Return what lies on a store, largest first."""
    found = [_template_item(copy) for copy in TemplateStore.select().where(
        TemplateStore.image_store == store.id, TemplateStore.state == "Ready")]
    found += [_snapshot_item(snapshot) for snapshot in Snapshot.alive(
        Snapshot.image_store_id == store.id, Snapshot.state == "BackedUp", Snapshot.secondary_path.is_null(False))]
    found += [_volume_item(copy) for copy in VolumeStore.select().where(
        VolumeStore.image_store == store.id, VolumeStore.state == "Ready")]
    return iter(sorted(found, key=lambda item: item.size, reverse=True))


def _destinations(source: ImageStore, asked: Sequence[ImageStore]) -> list[ImageStore]:
    """Return those of the stores that can take data of the source.

    :raises InternalError: none can.
    """
    if source.role != "Image":
        raise InternalError(f"Secondary storage {source.uuid} is not of Image Role")
    if source.provider != "NFS":
        raise InvalidParameter("Migration of datastore objects is supported only for NFS based image stores")
    found = [store for store in asked if store.id != source.id and not store.readonly and store.provider == "NFS"
             and store.role == "Image" and store.zone_id == source.zone_id]
    if not found:
        raise InternalError("No destination valid store(s) available to migrate. Could be due to invalid store ID(s) "
                            "or store(s) are read-only. Terminating Migration of data")
    return found


def migrate(context: Context, source: ImageStore, asked: Sequence[ImageStore], policy: str) -> dict[str, Any]:
    """Migrate data of a store. A job's work.

    Complete makes the source read-only and empties it; Balance moves until usage is spread evenly enough
    (`image.store.imbalance.threshold`), never to a fuller store.

    :returns: `message`, `migrationtype`, `success`.
    :raises InternalError: no destination can take data.
    """
    targets = _destinations(source, asked)
    kind = policy.upper()
    items = list(_items(source))
    if not items:
        return _answer(f"No files in Image store: {source.uuid} to migrate", kind, True)
    tolerated = float(context.settings.get("image.store.imbalance.threshold"))
    if kind == "BALANCE" and _spread([source, *targets]) < tolerated:
        return _answer("Migration not required as system seems balanced", kind, True)
    if kind == "COMPLETE":
        context.steps.run("read-only", lambda: ImageStore.update(readonly=True).where(
            ImageStore.id == source.id).execute())
    left = 0
    for item in items:
        target = _emptiest(context, source, targets, item.size, kind == "BALANCE")
        if target is None or not _move(context, item, source, target):
            left += 1
    if kind == "BALANCE":
        return _answer("Image stores have been attempted to be balanced", kind, True)
    if left:
        return _answer(f"Migration completed. {left} data objects were not migrated, some probably for lack of storage "
                       "capacity.", kind, False)
    return _answer("Migration completed", kind, True)


def migrate_some(context: Context, source: ImageStore, target: ImageStore, templates: Sequence[Template],
                 snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Migrate templates and snapshots from one store to another. A job's work.

    :raises InvalidParameter: nothing is named, it is not on the source, or the target cannot take it.
    """
    if source.id == target.id:
        raise InvalidParameter("Source and destination image stores cannot be same")
    if not templates and not snapshots:
        raise InvalidParameter("Parameters templates and snapshots are both missing: name what is to be migrated")
    if target.readonly:
        raise InvalidParameter("Destination image store is read-only. Cannot migrate resources to it")
    _destinations(source, [target])
    items = []
    for template in templates:
        copy = TemplateStore.get_or_none(TemplateStore.template == template.id, TemplateStore.image_store == source.id)
        if copy is None or copy.state != "Ready":
            raise InvalidParameter(f"Template {template.uuid} is not ready on image store {source.uuid}")
        items.append(_template_item(copy))
    for snapshot in snapshots:
        if snapshot.image_store_id != source.id or snapshot.state != "BackedUp":
            raise InvalidParameter(f"Snapshot {snapshot.uuid} is not ready on image store {source.uuid}")
        items.append(_snapshot_item(snapshot))
    for item in items:
        if _emptiest(context, source, [target], item.size, False) is None:
            return _answer("Migration failed. Destination store doesn't have enough capacity", None, False)
        if not _move(context, item, source, target):
            return _answer(f"Migration failed at {item.name}", None, False)
    return _answer("Migration completed", None, True)


def _answer(message: str, kind: str | None, success: bool) -> dict[str, Any]:
    return {"message": message, **({"migrationtype": kind} if kind else {}), "success": success}


def _spread(asked: Sequence[ImageStore]) -> float:
    """Return the standard deviation of the used shares."""
    return statistics.pstdev(stores.share_used(ImageStore.get_by_id(store.id)) for store in asked)


def _emptiest(context: Context, source: ImageStore, targets: Sequence[ImageStore], size: int,
              balance: bool) -> ImageStore | None:
    """Return the target with the most room, where it has enough; to balance, one that is emptier than the source."""
    threshold = float(context.settings.get("secondary.storage.capacity.threshold"))
    fresh = sorted((ImageStore.get_by_id(store.id) for store in targets), key=stores.share_used)
    for store in fresh:
        if balance and stores.share_used(store) >= stores.share_used(ImageStore.get_by_id(source.id)):
            continue
        if stores.has_room(store, size, threshold):
            return store
    return None


def _move(context: Context, item: Item, source: ImageStore, target: ImageStore) -> bool:
    """Copy an image, write where it is now, delete it where it was. Returns whether it was migrated."""
    wait = float(context.settings.get("agent.max.data.migration.wait.time"))
    try:
        with context.steps.part(f"migrate {item.name}") as part:
            part.remote("copy", lambda request_id: transfer.copy(
                context, source, item.path, target, item.path, f"{request_id}.{target.id}", request_id, wait))
            part.run("note", lambda: _moved(item, source, target))
            part.remote("delete", lambda request_id: stores.call(
                context, source, "secondary.delete", {"path": item.path}, request_id=request_id))
    except ApiError as error:
        log.warning("%s is not migrated: %s", item.name, error.text)
        return False
    return True


def _moved(item: Item, source: ImageStore, target: ImageStore) -> None:
    item.moved(target.id)
    ImageStore.update(used_bytes=ImageStore.used_bytes + item.size).where(ImageStore.id == target.id).execute()
    ImageStore.update(used_bytes=ImageStore.used_bytes - item.size).where(
        ImageStore.id == source.id, ImageStore.used_bytes >= item.size).execute()
