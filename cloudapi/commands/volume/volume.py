"""Volumes: made, listed, changed, destroyed."""

from __future__ import annotations

from typing import Any

from cloudapi import events
from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand, Command, OwnerParameters
from cloudapi.api.listing import Listing, OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Long, NewName, Text, Uuid
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Project
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Snapshot, StoragePool, Volume
from cloudapi.services.volume import volume as volumes
from cloudapi.views.volume.volume import VolumeView


class CreateVolume(OwnerParameters, AsyncCreateCommand):
    """Makes a data volume, from a disk offering or a snapshot."""

    roles, event, response = EVERYONE, "VOLUME.CREATE", VolumeView
    creates = Volume

    name = Text(help="its name")
    diskofferingid = Entity(DiskOffering, access=USE, help="its disk offering")
    size = Long(help="its size in GiB, where the disk offering leaves it open")
    miniops = Long(help="least operations a second, where the disk offering leaves them open")
    maxiops = Long(help="most operations a second, where the disk offering leaves them open")
    snapshotid = Entity(Snapshot, access=OPERATE, help="the snapshot that it is made from")
    zoneid = Entity(Zone, access=ANY, help="its zone")
    virtualmachineid = Entity(Machine, access=OPERATE, lock=True,
                              help="the Instance that it is attached to; goes with snapshotid")
    storageid = Entity(StoragePool, access=ANY, since="4.22.1", roles=ROOT,
                       help="the storage pool on which it is made at once")
    displayvolume = Flag(default=True, roles=ROOT, help="whether users see it")
    customid = Uuid(help="its UUID, chosen by the caller", roles=ROOT)
    kmskeyid = Entity(access=USE, since="4.23.0", help="the key that encrypts it")

    def create(self, context: Context) -> Volume:
        return volumes.create(
            context, self.owner(context), zone=self.zoneid, name=self.name, disk_offering=self.diskofferingid,
            gib=self.size, min_iops=self.miniops, max_iops=self.maxiops, snapshot=self.snapshotid,
            machine=self.virtualmachineid, display=self.displayvolume, pool=self.storageid, uuid=self.customid)

    def run(self, context: Context) -> Any:
        return volumes.make(context, self.created, self.storageid, self.virtualmachineid)


class ListVolumes(TagParameters, OwnedListCommand):
    """Lists volumes."""

    lasting = True
    roles, response = EVERYONE, VolumeView
    order, tag_type, keywords = "t.id DESC", "Volume", ("name", "kind", "state")

    id = Entity(Volume, column="id", minus_one=True, removed=True, help="the volume with this ID")
    ids = EntityList(Volume, column="id", since="4.9", removed=True, help="the volumes with these IDs")
    name = Text(column="name", help="volumes of this name")
    type = Text(help="ROOT or DATADISK")
    state = Text(column="state", help="volumes in this state")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="volumes in this zone")
    podid = Entity(Pod, minus_one=True, help="volumes on storage pools of this pod")
    clusterid = Entity(Cluster, minus_one=True, roles=ROOT, help="volumes on storage pools of this cluster")
    hostid = Entity(Host, minus_one=True, help="volumes of Instances on this host")
    storageid = Text(since="4.3", roles=ROOT, help="volumes on the storage pool with this ID")
    virtualmachineid = Entity(Machine, access=OPERATE, column="vm_id", minus_one=True, removed=True,
                              help="volumes of this Instance")
    diskofferingid = Entity(DiskOffering, column="disk_offering_id", since="4.4", removed=True,
                            help="volumes of this disk offering")
    serviceofferingid = Entity(ServiceOffering, since="4.19.1", removed=True,
                               help="root disks of this service offering")
    displayvolume = Flag(column="display", since="4.4", roles=ROOT, help="volumes that users see, or do not")
    listsystemvms = Flag(default=False, since="4.18", roles=ROOT,
                         help="volumes of system VMs and virtual routers as well")
    isencrypted = Flag(since="4.19.1", roles=ROOT, help="volumes that are encrypted, or are not")
    kmskeyid = Entity(access=USE, since="4.23", help="volumes that this key encrypts")
    retrieveonlyresourcecount = Flag(default=False, help="only how many there are")

    def filter(self, context: Context, query: Query) -> None:
        if not context.caller.is_root_admin:
            query.where("t.display = ?", True)
        if self.type is not None:
            query.search(("kind",), self.type)
        if self.isencrypted is not None:
            query.where(f"t.encrypt_format IS {'NOT ' if self.isencrypted else ''}NULL")
        if self.serviceofferingid is not None and self.diskofferingid is None:
            query.equals("disk_offering_id", self.serviceofferingid.disk_offering_id)
        if not self.listsystemvms:
            query.where("t.recreatable = ?", False)
        self._places(query)
        self.filter_tags(query)

    def _places(self, query: Query) -> None:
        if self.storageid is not None:
            pool = StoragePool.alive(StoragePool.uuid == self.storageid).first()
            if pool is None:
                raise InvalidParameter(f"Unable to find storage pool by uuid {self.storageid}: storageid")
            query.equals("pool_id", pool.id)
        for place, column in ((self.podid, "pod_id"), (self.clusterid, "cluster_id")):
            if place == -1:
                query.nothing()
            elif place is not None:
                query.where(f"t.pool_id IN (SELECT p.id FROM storage_pool p WHERE p.{column} = ?)", place.id)
        if self.hostid == -1:
            query.nothing()
        elif self.hostid is not None:
            query.where("t.vm_id IN (SELECT m.id FROM machine m WHERE m.host_id = ?)", self.hostid.id)

    def run(self, context: Context) -> Listing:
        if self.retrieveonlyresourcecount:
            return Listing([], self.query(context).count())
        return super().run(context)


class UpdateVolume(AsyncCommand):
    """Changes a volume."""

    roles, event, response = ROOT, "VOLUME.UPDATE", VolumeView

    id = Entity(Volume, access=OPERATE, lock=True, help="the volume")
    name = NewName(since="4.16", help="a new name")
    deleteprotection = Flag(since="4.20.0", help="whether it is protected from deletion")
    displayvolume = Flag(roles=ROOT, help="whether users see it")
    path = Text(roles=ROOT, help="its path on the storage pool")
    chaininfo = Text(length=65535, since="4.4", roles=ROOT, help="the chain of its files")
    storageid = Entity(StoragePool, access=ANY, since="4.3", roles=ROOT, help="the storage pool that it lies on")
    state = Text(since="4.3", roles=ROOT, help="its state")
    customid = Uuid(since="4.4", roles=ROOT, help="another UUID")

    def run(self, context: Context) -> Any:
        if self.id is None:
            raise InvalidParameter("Unable to execute API command updatevolume due to missing parameter id")
        given = {name: getattr(self, name) for name in self.given - {"id"}}
        return context.steps.run("update", lambda: volumes.update(context, self.id, given).id)


class DeleteVolume(Command):
    """Deletes a volume that is attached to nothing, off its storage at once."""

    roles, atomic = EVERYONE, False

    id = Entity(Volume, access=OPERATE, required=True, help="the volume")

    def run(self, context: Context) -> None:
        volumes.destroy(context, self.id, expunge=True)
        transact(lambda: events.completed(context, "VOLUME.DELETE",
                                          f"deleting volume {self.id.name} ({self.id.uuid})", self.id))


class DestroyVolume(AsyncCommand):
    """Destroys a volume; until it is expunged it can be recovered."""

    roles, event, response = EVERYONE, "VOLUME.DESTROY", VolumeView
    since = "4.14.0"

    id = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    expunge = Flag(default=False, since="4.6.0", help="take it off its storage at once")

    def run(self, context: Context) -> Any:
        return volumes.destroy(context, self.id, expunge=self.expunge)


class RecoverVolume(Command):
    """Brings back a destroyed volume."""

    roles, response = EVERYONE, VolumeView
    since = "4.14.0"

    id = Entity(Volume, access=OPERATE, required=True, help="the volume")

    def run(self, context: Context) -> Any:
        events.completed(context, "VOLUME.RECOVER", f"recovering volume {self.id.name} ({self.id.uuid})", self.id)
        return volumes.recover(context, self.id)


class AssignVolume(Command):
    """Hands a volume over to another account or a project."""

    # The event type is CloudStack's, odd as it is.
    roles, event, response = ROOT, "VOLUME.CREATE", VolumeView
    subject, since = "volumeid", "4.18.0.0"

    volumeid = Entity(Volume, access=OPERATE, required=True, help="the volume")
    accountid = Entity(Account, access=OPERATE, help="the account that shall own it")
    projectid = Entity(Project, access=OPERATE, help="the project that shall own it")

    def run(self, context: Context) -> Any:
        if (self.accountid is None) == (self.projectid is None):
            raise InvalidParameter("accountid, projectid: name one of them as the new owner")
        owner = self.accountid if self.projectid is None else Account.get_by_id(self.projectid.project_account_id)
        context.event_text = (f"assigning volume {self.volumeid.name} ({self.volumeid.uuid}) to account "
                              f"{owner.account_name}")
        return volumes.assign(context, self.volumeid, owner)
