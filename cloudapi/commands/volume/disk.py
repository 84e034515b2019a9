"""Volumes at work: attached, detached, resized, moved."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, AsyncCommand
from cloudapi.api.parameters import Entity, Flag, Long
from cloudapi.context import Context
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.services.volume import attach, migrate, resize
from cloudapi.views.volume.volume import VolumeView


class AttachVolume(AsyncCommand):
    """Attaches a volume to an Instance."""

    roles, event, response = EVERYONE, "VOLUME.ATTACH", VolumeView

    id = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    deviceid = Long(help="its place: 1, 2, 4 and up; 0 makes it the root disk of an Instance that has none")

    def run(self, context: Context) -> Any:
        return attach.attach(context, self.id, self.virtualmachineid, self.deviceid)


class DetachVolume(AsyncCommand):
    """Detaches a volume from its Instance."""

    roles, event, response = EVERYONE, "VOLUME.DETACH", VolumeView

    id = Entity(Volume, access=OPERATE, lock=True, help="the volume")
    deviceid = Long(help="its place on the Instance, instead of id")
    virtualmachineid = Entity(Machine, access=OPERATE, lock=True, help="the Instance; goes with deviceid")

    def run(self, context: Context) -> Any:
        volume_id = context.steps.run("find", lambda: attach.find_attached(
            self.id, self.virtualmachineid, self.deviceid).id)
        return attach.detach(context, Volume.get_by_id(volume_id))


class ResizeVolume(AsyncCommand):
    """Changes the size or speed of a volume, or its disk offering."""

    action = "resizing a volume"
    roles, event, response = EVERYONE, "VOLUME.RESIZE", VolumeView

    id = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    size = Long(minimum=1, help="the new size in GiB")
    diskofferingid = Entity(DiskOffering, access=USE, help="the new disk offering")
    miniops = Long(minimum=0, help="least operations a second")
    maxiops = Long(minimum=0, help="most operations a second")
    shrinkok = Flag(default=False, help="a smaller size may lose data")
    automigrate = Flag(default=False, since="4.20.1", help="move it where its storage pool has no room")

    def run(self, context: Context) -> Any:
        return resize.change(context, self.id, self.diskofferingid, self.size, self.miniops, self.maxiops,
                             shrink=self.shrinkok, migrate_allowed=self.automigrate)


class ChangeOfferingForVolume(AsyncCommand):
    """Gives a volume another disk offering."""

    roles, event, response = EVERYONE, "VOLUME.CHANGE.DISK.OFFERING", VolumeView
    since = "4.17"

    id = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    diskofferingid = Entity(DiskOffering, access=USE, required=True, help="the new disk offering")
    size = Long(minimum=1, help="the new size in GiB, where the disk offering leaves it open")
    miniops = Long(minimum=0, help="least operations a second, where the disk offering leaves them open")
    maxiops = Long(minimum=0, help="most operations a second, where the disk offering leaves them open")
    automigrate = Flag(default=False, help="move it where its storage pool does not suit the disk offering")
    shrinkok = Flag(default=False, help="a smaller size may lose data")

    def run(self, context: Context) -> Any:
        return resize.change(context, self.id, self.diskofferingid, self.size, self.miniops, self.maxiops,
                             shrink=self.shrinkok, migrate_allowed=self.automigrate)


class MigrateVolume(AsyncCommand):
    """Moves a volume to another storage pool."""

    action = "migrating a volume to another storage pool"
    roles, event, response = EVERYONE, "VOLUME.MIGRATE", VolumeView
    subject, since = "volumeid", "3.0.0"

    volumeid = Entity(Volume, access=OPERATE, required=True, lock=True, help="the volume")
    storageid = Entity(StoragePool, access=ANY, required=True, help="the storage pool that it moves to")
    livemigrate = Flag(default=False, help="also while its Instance runs")
    newdiskofferingid = Entity(DiskOffering, access=USE, help="the disk offering that it gets there")

    def run(self, context: Context) -> Any:
        context.steps.run("check", lambda: migrate.check(
            context, self.volumeid, self.storageid, self.livemigrate, self.newdiskofferingid))
        return migrate.migrate(context, self.volumeid, self.storageid, self.newdiskofferingid)
