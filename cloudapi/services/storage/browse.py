"""What lies on stores and pools, as files and folders, with the resources they belong to."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import new_uuid, now
from cloudapi.models.database import transact
from cloudapi.models.storage import (
    ImageStore,
    Snapshot,
    StoragePool,
    StoredLink,
    Template,
    TemplateStore,
    Volume,
    VolumeStore,
)
from cloudapi.services.host import agent
from cloudapi.services.storage import link as links
from cloudapi.services.storage import pool as pools
from cloudapi.services.storage import store as stores

Page = tuple[list[dict[str, Any]], int]


def of_store(context: Context, store: ImageStore, path: str | None, keyword: str | None, offset: int,
             limit: int | None) -> Page:
    """Return a page of what lies under a path of a store, and how much there is.

    :raises InvalidParameter: there is no such path.
    """
    found = stores.call(context, store, "secondary.list_objects", {
        "path": path or "", "keyword": keyword, "offset": offset, "limit": limit})
    objects = _existing(found, path)
    paths = [entry["path"] for entry in objects]
    owners: dict[str, dict[str, Any]] = {}
    for copy in TemplateStore.select(TemplateStore, Template).join(Template, on=(
            TemplateStore.template == Template.id)).where(TemplateStore.image_store == store.id,
                                                          TemplateStore.install_path.in_(paths)):
        owners[copy.install_path] = _template(copy.template)
    for copy in VolumeStore.select(VolumeStore, Volume).join(Volume, on=(VolumeStore.volume == Volume.id)).where(
            VolumeStore.image_store == store.id, VolumeStore.install_path.in_(paths)):
        owners[copy.install_path] = {"volumeid": copy.volume.uuid, "volumename": copy.volume.name}
    for snapshot in Snapshot.alive(Snapshot.image_store_id == store.id, Snapshot.secondary_path.in_(paths)):
        owners[snapshot.secondary_path] = {"snapshotid": snapshot.uuid, "snapshotname": snapshot.name}
    return [{**_shown(entry), **owners.get(entry["path"], {})} for entry in objects], found["count"]


def of_pool(context: Context, pool: StoragePool, path: str | None, keyword: str | None, offset: int,
            limit: int | None) -> Page:
    """Return a page of what lies under a path of a pool, and how much there is."""
    found = agent.call(context, pools.host_for(pool), "pool.list_objects", {
        "pool": pool.uuid, "path": path or "", "keyword": keyword, "offset": offset, "limit": limit})
    objects = _existing(found, path)
    ids = [entry["id"] for entry in objects if entry.get("id")]
    owners: dict[str, dict[str, Any]] = {
        volume.uuid: {"volumeid": volume.uuid, "volumename": volume.name}
        for volume in Volume.select().where(Volume.uuid.in_(ids))}
    owners.update({template.uuid: _template(template) for template in Template.select().where(Template.uuid.in_(ids))})
    owners.update({snapshot.uuid: {"snapshotid": snapshot.uuid, "snapshotname": snapshot.name}
                   for snapshot in Snapshot.select().where(Snapshot.uuid.in_(ids))})
    return [{**_shown(entry), **owners.get(entry.get("id") or "", {})} for entry in objects], found["count"]


def _existing(found: dict[str, Any], path: str | None) -> list[dict[str, Any]]:
    if not found["path_exists"]:
        raise InvalidParameter(f"Invalid value for parameter path: there is nothing at {(path or '')[:120]!r}")
    return found["objects"]


def _template(template: Template) -> dict[str, Any]:
    return {"templateid": template.uuid, "templatename": template.name, "format": template.format}


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {"name": entry["name"], "isdirectory": entry["directory"], "size": entry["size_bytes"],
            "lastupdated": int(entry["modified_at"] * 1000)}


def link_to(context: Context, store: ImageStore, path: str | None) -> dict[str, Any]:
    """Make a link by which a file of a store can be fetched, until `extract.url.expiration.interval` is over.

    :raises InvalidParameter: there is no image at the path.
    """
    if not path or not path.strip("/"):
        raise InvalidParameter("Invalid value for parameter path: name a file of the store")
    name = context.steps.run("name link", new_uuid)
    made = context.steps.remote("make link", lambda request_id: stores.call(
        context, store, "secondary.create_link", {"path": path, "link": name}, request_id=request_id))
    url = links.url(context, store, made["path"])
    context.steps.run("note link", lambda: StoredLink.create(
        image_store=store.id, link=name, url=url, created=now()).id)
    return {"id": store.uuid, "name": path.rsplit("/", 1)[-1], "extractId": name, "extractMode": "HTTP_DOWNLOAD",
            "state": "DOWNLOAD_URL_CREATED", "storagetype": "secondary", "url": url,
            **({"zoneid": store.zone.uuid, "zonename": store.zone.name} if store.zone_id else {})}


def end_links(context: Context, before: int) -> None:
    """Delete links to files that are older than a moment."""
    for row in list(StoredLink.select().where(StoredLink.created < before)):
        store = ImageStore.get_or_none(ImageStore.id == row.image_store_id, ImageStore.removed.is_null())
        if store is not None:
            stores.call(context, store, "secondary.delete_link", {"link": row.link})
        transact(StoredLink.delete().where(StoredLink.id == row.id).execute)
