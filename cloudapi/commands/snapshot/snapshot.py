"""Snapshots of volumes."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Map, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.storage import ImageStore, Snapshot, SnapshotPolicy, StoragePool, Volume
from cloudapi.services.snapshot import policy as policies
from cloudapi.services.snapshot import restore
from cloudapi.services.snapshot import snapshot as snapshots
from cloudapi.services.tag import tag as tags_
from cloudapi.views.snapshot.snapshot import SnapshotView

INTERVALS = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY")
KINDS = ("MANUAL", "RECURRING", *INTERVALS)
LOCATIONS = ("PRIMARY", "SECONDARY")


class CreateSnapshot(AsyncCreateCommand):
    """Takes a snapshot of a volume."""

    roles, event, response = EVERYONE, "SNAPSHOT.CREATE", SnapshotView
    creates = Snapshot

    account = Text(help="the account of the snapshot, which is that of the volume; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="the domain of that account")
    volumeid = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    policyid = Entity(SnapshotPolicy, access=OPERATE, help="the policy that takes it")
    quiescevm = Flag(default=False, help="let the Instance's file systems come to rest first")
    locationtype = Text(choices=LOCATIONS, help="where managed storage keeps it")
    name = Text(help="its name")
    asyncbackup = Flag(default=False, help="end the job once it is taken; it is backed up later")
    tags = Map(help="tags of the snapshot")
    zoneids = EntityList(Zone, access=ANY, since="4.19.0", help="zones to which it is copied as well")
    storageids = EntityList(StoragePool, access=ANY, since="4.21.0", roles=ROOT,
                            help="pools to which it is copied as well")
    usestoragereplication = Flag(default=False, help="let the storage itself copy it to other pools")

    def create(self, context: Context) -> Snapshot:
        made = snapshots.allocate(
            context, self.volumeid, name=self.name, policy=self.policyid, location=self.locationtype,
            quiesce=self.quiescevm, async_backup=self.asyncbackup, zones=self.zoneids or (),
            pools=self.storageids or (),
            replicate=self.usestoragereplication, account=self.account, domain=self.domainid)
        if self.tags:
            tags_.create(context, "Snapshot", [made], self.tags, None)
        return made

    def run(self, context: Context) -> Any:
        taken = snapshots.take(context, self.created)
        if self.policyid is not None:
            policies.prune(context, self.policyid)
        return taken


class ListSnapshots(TagParameters, OwnedListCommand):
    """Lists snapshots."""

    roles, response = EVERYONE, SnapshotView
    order, tag_type = "t.id DESC", "Snapshot"

    id = Entity(Snapshot, column="id", minus_one=True, help="the snapshot with this ID")
    ids = EntityList(Snapshot, column="id", since="4.9", help="the snapshots with these IDs")
    name = Text(column="name", help="snapshots of this name")
    intervaltype = Text(choices=KINDS, help="snapshots that a policy of this interval took; goes with volumeid")
    snapshottype = Text(choices=KINDS, help="MANUAL or RECURRING")
    volumeid = Entity(Volume, access=OPERATE, removed=True, minus_one=True, column="volume_id",
                      help="snapshots of this volume")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="snapshots in this zone")
    showunique = Flag(default=False, since="4.19.0", help="each once, wherever it lies")
    locationtype = Text(choices=LOCATIONS, since="4.19.0", help="where they lie")
    imagestoreid = Entity(ImageStore, column="image_store_id", since="4.19", roles=ROOT,
                          help="snapshots on this image store")
    storageid = Entity(StoragePool, column="pool_id", since="4.19", roles=ROOT, help="snapshots on this storage pool")

    def filter(self, context: Context, query: Query) -> None:
        query.where("t.state <> ?", "Destroyed")
        wanted = self.snapshottype or (self.intervaltype if self.volumeid is not None else None)
        if wanted == "RECURRING":
            query.among("kind", INTERVALS)
        elif wanted is not None:
            query.equals("kind", wanted)
        if self.locationtype == "SECONDARY":
            query.where("t.image_store_id IS NOT NULL")
        elif self.locationtype == "PRIMARY":
            query.where("t.image_store_id IS NULL")
        self.filter_tags(query)


class DeleteSnapshot(AsyncCommand):
    """Deletes a snapshot."""

    roles, event = EVERYONE, "SNAPSHOT.DELETE"

    id = Entity(Snapshot, access=OPERATE, required=True, lock=True, help="the snapshot")
    zoneid = Entity(Zone, access=ANY, since="4.19.0", help="its zone, from which it is deleted")

    def run(self, context: Context) -> None:
        if self.zoneid is not None and self.zoneid.id != self.id.zone_id:
            raise InvalidParameter(f"zoneid: snapshot {self.id.uuid} is not in zone {self.zoneid.uuid}")
        snapshots.delete(context, self.id)


class RevertSnapshot(AsyncCommand):
    """Puts a volume back to what it was when a snapshot of it was taken."""

    action = "reverting a volume to a snapshot"
    roles, event, response = EVERYONE, "SNAPSHOT.REVERT", SnapshotView

    id = Entity(Snapshot, access=OPERATE, required=True, lock=True, help="the snapshot")

    def run(self, context: Context) -> Any:
        return restore.revert(context, self.id)


class ArchiveSnapshot(AsyncCommand):
    """Copies a snapshot that lies on primary storage only to secondary storage."""

    action = "copying a snapshot to secondary storage"
    roles, event, response = ROOT, "SNAPSHOT.CREATE", SnapshotView

    id = Entity(Snapshot, access=OPERATE, required=True, lock=True, help="the snapshot")

    def run(self, context: Context) -> Any:
        return snapshots.archive(context, self.id)
