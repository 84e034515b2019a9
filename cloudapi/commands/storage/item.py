"""What the storage area lists beside pools and stores: their contents, tags, access groups, providers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ADMINS, ROOT, AsyncCommand, Command, PageParameters
from cloudapi.api.listing import Listing, page_limits
from cloudapi.api.parameters import Entity, Text, TextList
from cloudapi.api.view import stamp
from cloudapi.context import ADMIN, RESOURCE_ADMIN, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.storage import ImageStore, StoragePool
from cloudapi.services.storage import access, browse, image_store, primary
from cloudapi.views.storage.item import (
    DataStoreObjectView,
    ExtractView,
    StorageAccessGroupView,
    StorageProviderView,
    StorageTagView,
)
from cloudapi.views.storage.pool import StoragePoolView

NAMES = uuid.UUID("6f2b1c52-6d6b-4a0c-9d5c-9b1d3d3f7a01")
"""The namespace of the IDs of what has no record of its own."""
PROVIDER_TYPES = ("primary", "image", "object")


class _ListWithoutRecord(PageParameters, Command):
    """A list of what is no record: `entries` gives all, the page is cut from them."""

    read_only, atomic = True, False

    def entries(self, context: Context) -> list[dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} has no entries()")

    def run(self, context: Context) -> Listing:
        found = self.entries(context)
        if self.keyword:
            found = [entry for entry in found if self.keyword.lower() in str(entry["name"]).lower()]
        offset, limit = page_limits(context, self.page, self.pagesize)
        return Listing(found[offset:] if limit is None else found[offset:offset + limit], len(found))


class _ListObjects(PageParameters, Command):
    """A list of files and folders: whoever serves the storage cuts the page."""

    read_only, atomic = True, False
    browse: Callable[..., browse.Page]

    path = Text(help="the folder; the top where it is absent")

    def run(self, context: Context) -> Listing:
        offset, limit = page_limits(context, self.page, self.pagesize)
        objects, count = self.browse(context, self.id, self.path, self.keyword, offset, limit)  # type: ignore[attr-defined]
        return Listing([{**entry, "lastupdated": stamp(entry["lastupdated"])} for entry in objects], count)


class ListImageStoreObjects(_ListObjects):
    """Lists the files and folders of secondary storage."""

    roles, response, since = ROOT, DataStoreObjectView, "4.19.0"
    browse = staticmethod(browse.of_store)

    id = Entity(ImageStore, access=ANY, required=True, help="the store")


class ListStoragePoolObjects(_ListObjects):
    """Lists the files and folders of a primary storage pool."""

    roles, response, since = ROOT, DataStoreObjectView, "4.19.0"
    browse = staticmethod(browse.of_pool)

    id = Entity(StoragePool, access=ANY, required=True, help="the pool")


class DownloadImageStoreObject(AsyncCommand):
    """Makes a link by which a file of secondary storage can be fetched."""

    roles, event, response, since = ROOT, "IMAGE.STORE.OBJECT.DOWNLOAD", ExtractView, "4.19.0"

    id = Entity(ImageStore, access=ANY, required=True, help="the store")
    path = Text(length=1024, help="the file")

    def run(self, context: Context) -> Any:
        return {**browse.link_to(context, self.id, self.path), "created": stamp(context.now())}


class ListStorageProviders(_ListWithoutRecord):
    """Lists storage providers."""

    roles, response = (ADMIN, RESOURCE_ADMIN), StorageProviderView

    type = Text(required=True, help="primary, image or object")

    def entries(self, context: Context) -> list[dict[str, Any]]:
        kind = self.type.strip().lower()
        if kind not in PROVIDER_TYPES:
            raise InvalidParameter(f"Invalid value for parameter type: {self.type[:40]}, can only be "
                                   f"{', '.join(PROVIDER_TYPES)}")
        known = {"primary": [primary.PROVIDER], "image": sorted(image_store.PROVIDERS.values()), "object": []}
        return [{"name": name, "type": kind} for name in known[kind]]


class ListStorageTags(_ListWithoutRecord):
    """Lists the tags of primary storage."""

    roles, response = ADMINS, StorageTagView

    def entries(self, context: Context) -> list[dict[str, Any]]:
        return [{"id": str(uuid.uuid5(NAMES, f"{pool.uuid}/{tag}")), "poolid": pool.id, "name": tag}
                for pool in StoragePool.alive(StoragePool.tags != "").order_by(StoragePool.id)
                for tag in pool.tags.split(",") if tag]


class ListStorageAccessGroups(_ListWithoutRecord):
    """Lists storage access groups; one that is named, with all that bear it."""

    roles, response, since = ROOT, StorageAccessGroupView, "4.21.0"

    name = Text(help="the group of this name")

    def entries(self, context: Context) -> list[dict[str, Any]]:
        known = access.names()
        if self.name is not None:
            known = [name for name in known if name == self.name]
        return [{"id": str(uuid.uuid5(NAMES, name)), "name": name,
                 **(self.bearers(context, name) if self.name is not None else {})} for name in known]

    @staticmethod
    def bearers(context: Context, name: str) -> dict[str, Any]:
        """Return what bears a group, by kind."""
        found: dict[str, Any] = {}
        for kind, word in ((Zone, "zone"), (Pod, "pod"), (Cluster, "cluster"), (Host, "host")):
            places = access.bearers(kind, name)
            found[f"{word}s"] = {"count": len(places),
                                 word: [{"id": place.uuid, "name": place.name} for place in places]}
        pools = access.bearers(StoragePool, name)
        found["storagepools"] = {"count": len(pools),
                                 "storagepool": StoragePoolView.render(context, [pool.id for pool in pools])}
        return found


class ConfigureStorageAccess(AsyncCommand):
    """Sets the storage access groups of a zone, pod, cluster, host or pool."""

    action = "setting storage access groups"
    roles, event, since, subject = ROOT, "CONFIGURE.STORAGE.ACCESS", "4.21.0", "place"

    zoneid = Entity(Zone, access=ANY, lock=True, help="the zone")
    podid = Entity(Pod, access=ANY, lock=True, help="the pod")
    clusterid = Entity(Cluster, access=ANY, lock=True, help="the cluster")
    hostid = Entity(Host, access=ANY, lock=True, help="the host")
    storageid = Entity(StoragePool, access=ANY, lock=True, help="the pool")
    storageaccessgroups = TextList(clears=True, since="4.21.0", help="the groups; empty for none")

    @property
    def place(self) -> Any:
        return next(iter(self._places()), None)

    def _places(self) -> list[Any]:
        return [place for place in (self.zoneid, self.podid, self.clusterid, self.hostid, self.storageid)
                if place is not None]

    def run(self, context: Context) -> None:
        if len(self._places()) != 1:
            raise InvalidParameter("Exactly one of zoneid, podid, clusterid, hostid or storageid is required")
        if self.storageaccessgroups is None:
            raise InvalidParameter("storageaccessgroups parameter is required")
        primary.configure_access(context, self.place, self.storageaccessgroups)
