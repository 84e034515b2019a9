"""Primary storage."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, Command
from cloudapi.api.listing import ListCommand, Listing
from cloudapi.api.parameters import MOST_BYTES, Entity, Flag, Long, Map, NewName, Text, TextList, split
from cloudapi.api.query import Query
from cloudapi.context import ADMIN, RESOURCE_ADMIN, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.services.storage import maintenance, primary, scope, suitable
from cloudapi.services.storage import pool as pools
from cloudapi.states.storage_pool import STORAGE_POOL
from cloudapi.views.storage.pool import StoragePoolView

SCOPES = ("ZONE", "CLUSTER", "HOST", "REGION")
STATES = (*sorted(STORAGE_POOL.states), "Initial", "Attaching")


class ListStoragePools(ListCommand):
    """Lists primary storage pools."""

    lasting = True
    roles, response = (ADMIN, RESOURCE_ADMIN), StoragePoolView
    keywords = ("name", "pool_type")

    id = Entity(StoragePool, column="id", minus_one=True, removed=True, help="the pool with this ID")
    name = Text(column="name", help="the pool of this name")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="pools of this zone")
    podid = Entity(Pod, minus_one=True, help="pools that hosts of this pod can have")
    clusterid = Entity(Cluster, minus_one=True, help="pools that hosts of this cluster can have")
    hostid = Entity(Host, minus_one=True, help="pools that this host has")
    ipaddress = Text(column="host_address", help="pools served by this address")
    path = Text(column="path", help="pools at this path")
    scope = Text(column="scope", choices=SCOPES, help="pools of this scope: ZONE, CLUSTER or HOST")
    status = Text(column="state", choices=STATES, help="pools in this state")
    storageaccessgroup = Text(since="4.21.0", help="pools with this storage access group")
    storagecustomstats = Flag(since="4.18.1", help="add what managed storage counts beside")

    def filter(self, context: Context, query: Query) -> None:
        for column, place in (("pod_id", self.podid), ("cluster_id", self.clusterid)):
            if place == -1:
                query.nothing()
            elif place is not None:
                query.where(f"(t.{column} = ? OR (t.{column} IS NULL AND t.zone_id = ?))", place.id, place.zone_id)
        if self.hostid == -1:
            query.nothing()
        elif self.hostid is not None:
            query.where("t.id IN (SELECT h.pool_id FROM pool_host h WHERE h.host_id = ?)", self.hostid.id)
        if self.storageaccessgroup is not None:
            query.where("t.storage_access_groups LIKE ?", f'%"{self.storageaccessgroup}"%')


class CreateStoragePool(Command):
    """Creates a primary storage pool and attaches it to the hosts of its scope."""

    roles, response, atomic = ROOT, StoragePoolView, False

    name = Text(required=True, help="its name")
    url = Text(required=True, help="where it is, such as nfs://host/path")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    podid = Entity(Pod, access=ANY, help="the pod of the cluster")
    clusterid = Entity(Cluster, access=ANY, help="the cluster whose hosts have it, unless its scope is ZONE")
    scope = Text(help="ZONE, CLUSTER or HOST")
    hypervisor = Text(help="the hypervisor of its hosts, where its scope is ZONE")
    provider = Text(help="the storage provider")
    tags = Text(help="its storage tags, separated by commas")
    istagarule = Flag(default=False, help="whether the tag is a rule that is evaluated")
    storageaccessgroups = Text(since="4.21.0", help="its storage access groups, separated by commas")
    details = Map(help="details, such as nfsmountopts")
    managed = Flag(default=False, help="whether the storage manages its volumes one by one")
    capacitybytes = Long(minimum=1, maximum=MOST_BYTES, help="bytes that may be used of it")
    capacityiops = Long(minimum=0, help="operations a second that it can do")

    def run(self, context: Context) -> Any:
        if self.provider is not None and self.provider.lower() != primary.PROVIDER.lower():
            raise InvalidParameter(f"can't find storage provider: {self.provider}")
        return primary.create(context, primary.Wanted(
            name=self.name, url=self.url, zone=self.zoneid, pod=self.podid, cluster=self.clusterid, scope=self.scope,
            hypervisor=self.hypervisor, tags=split(self.tags or ""), tag_is_rule=self.istagarule,
            access_groups=split(self.storageaccessgroups or ""), details=self.details, managed=self.managed,
            capacity_bytes=self.capacitybytes, capacity_iops=self.capacityiops))


class UpdateStoragePool(Command):
    """Changes a primary storage pool."""

    roles, response, since, atomic = ROOT, StoragePoolView, "3.0.0", False

    id = Entity(StoragePool, access=ANY, required=True, help="the pool")
    name = NewName(since="4.15", help="a new name")
    tags = TextList(clears=True, help="its storage tags; empty for none")
    istagarule = Flag(help="whether the tag is a rule that is evaluated")
    capacitybytes = Long(minimum=1, maximum=MOST_BYTES, help="bytes that may be used of it")
    capacityiops = Long(minimum=0, help="operations a second that it can do")
    enabled = Flag(help="whether it takes new volumes")
    details = Map(since="4.19.0", help="details to set")
    url = Text(since="4.19.0", help="another address of the same storage, while it is in maintenance")

    def run(self, context: Context) -> Any:
        return primary.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteStoragePool(Command):
    """Deletes a primary storage pool that is in maintenance."""

    roles, atomic = ROOT, False

    id = Entity(StoragePool, access=ANY, required=True, help="the pool")
    forced = Flag(default=False, help="expunge the destroyed volumes that are left on it")

    def run(self, context: Context) -> None:
        primary.delete(context, self.id, self.forced)


class EnableStorageMaintenance(AsyncCommand):
    """Puts a primary storage pool in maintenance: what runs on it is stopped."""

    roles, event, response = ROOT, "MAINT.PREPARE.PS", StoragePoolView

    id = Entity(StoragePool, access=ANY, required=True, lock=True, help="the pool")

    def run(self, context: Context) -> Any:
        return maintenance.enable(context, self.id)


class CancelStorageMaintenance(AsyncCommand):
    """Ends the maintenance of a primary storage pool."""

    roles, event, response = ROOT, "MAINT.CANCEL.PS", StoragePoolView

    id = Entity(StoragePool, access=ANY, required=True, lock=True, help="the pool")

    def run(self, context: Context) -> Any:
        return maintenance.cancel(context, self.id)


class ChangeStoragePoolScope(AsyncCommand):
    """Changes the scope of a disabled primary storage pool."""

    roles, event, since = ROOT, "CHANGE.STORAGE.POOL.SCOPE", "4.19.1"

    id = Entity(StoragePool, access=ANY, required=True, lock=True, help="the pool")
    scope = Text(required=True, help="ZONE or CLUSTER")
    clusterid = Entity(Cluster, access=ANY, help="the cluster, where the new scope is CLUSTER")

    def run(self, context: Context) -> None:
        scope.change(context, self.id, self.scope, self.clusterid)


class SyncStoragePool(AsyncCommand):
    """Takes the figures and attachments of a pool over from its hosts anew."""

    roles, event, response, since = ROOT, "SYNC.STORAGE.POOL", StoragePoolView, "4.15.1"

    id = Entity(StoragePool, access=ANY, required=True, lock=True, help="the pool")

    def run(self, context: Context) -> Any:
        if self.id.state != "Up":
            raise InvalidParameter(f"Primary storage {self.id.uuid} is not ready for syncing, as the status is "
                                   f"{self.id.state}")
        pools.attach_all(context, self.id)
        return self.id


class UpdateStorageCapabilities(Command):
    """Asks a host anew what a pool can do."""

    roles, response, since, atomic = ROOT, StoragePoolView, "4.16.0", False

    id = Entity(StoragePool, access=ANY, required=True, help="the pool")

    def run(self, context: Context) -> Any:
        return primary.refresh_capabilities(context, self.id)


class FindStoragePoolsForMigration(ListCommand):
    """Lists the pools that a volume could be migrated to, and says which suit it."""

    roles, response = ROOT, StoragePoolView

    id = Entity(Volume, access=ANY, required=True, help="the volume")

    def run(self, context: Context) -> Listing:
        ids, self.suitable = suitable.for_migration(context, self.id)
        query = Query(StoragePool)
        query.among("id", ids)
        if self.keyword:
            query.search(self.keywords, self.keyword)
        offset, limit = self.limits(context)
        page, count = query.page(offset, limit)
        return Listing(self.response.render(context, page, None, self), count)
