"""Disk offerings."""

from __future__ import annotations

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import ADMINS, DOMAIN_ADMINS, EVERYONE, Command
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Long, Map, NewName, Text
from cloudapi.api.query import Query
from cloudapi.commands.offering.common import STATES, Asked, RateParameters, _OfferingList, in_zone, one_of
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement.tag import split
from cloudapi.services.offering import disk_offering as offerings
from cloudapi.views.offering.disk_offering import DiskOfferingView


class DiskOfferingParameters(RateParameters):
    """What is said of a disk offering when it is made."""

    name = Text(required=True, help="its name")
    displaytext = Text(length=4096, help="what it is; its name by default")
    disksize = Long(help="size of a disk in GiB")
    customized = Flag(help="the maker of a disk chooses its size")
    tags = Text(length=4096, help="tags of the storage of its disks, as a,b")
    domainid = EntityList(Domain, access=OPERATE, help="the domains that alone may use it")
    zoneid = EntityList(Zone, access=ANY, since="4.13", help="the zones that alone have it")
    storagetype = Text(help="shared (by default) or local")
    provisioningtype = Text(help="thin (by default), sparse or fat")
    displayoffering = Flag(help="whether users see it")
    customizediops = Flag(help="the maker of a disk chooses its IOPS")
    miniops = Long(help="least IOPS of a disk")
    maxiops = Long(help="most IOPS of a disk")
    hypervisorsnapshotreserve = Integer(help="space for the hypervisor's snapshots in percent of the volume")
    cachemode = Text(since="4.14", help="none (by default), writeback, writethrough or hypervisor_default")
    storagepolicy = Entity(access=ANY, since="4.15", help="the vSphere storage policy of its disks")
    disksizestrictness = Flag(since="4.17", help="disks keep the size that they were made with")
    encrypt = Flag(since="4.18", help="its disks are encrypted")
    details = Map(since="4.16", help="further details")


class CreateDiskOffering(DiskOfferingParameters, Asked, Command):
    """Makes a disk offering."""

    roles, event, response = ADMINS, "DISK.OFFERING.CREATE", DiskOfferingView

    def run(self, context: Context) -> DiskOffering:
        return offerings.create(context, self.asked())


class CloneDiskOffering(DiskOfferingParameters, Asked, Command):
    """Makes a disk offering like another one, but for what is given."""

    roles, event, response, since = DOMAIN_ADMINS, "DISK.OFFERING.CLONE", DiskOfferingView, "4.23.0"

    sourceofferingid = Entity(DiskOffering, access=ANY, required=True, help="the offering to copy")

    def run(self, context: Context) -> DiskOffering:
        return offerings.clone(context, self.sourceofferingid, self.asked("sourceofferingid"))


class UpdateDiskOffering(Asked, Command):
    """Changes a disk offering."""

    roles, event, response = ADMINS, "DISK.OFFERING.EDIT", DiskOfferingView

    id = Entity(DiskOffering, access=ANY, required=True, help="the disk offering")
    name = NewName(help="a new name")
    displaytext = Text(length=4096, help="a new text")
    sortkey = Integer(help="its place in lists")
    displayoffering = Flag(help="whether users see it")
    domainid = Text(since="4.13", length=4096, help="the domains that alone may use it, or public")
    zoneid = Text(since="4.13", length=4096, help="the zones that alone have it, or all")
    tags = Text(since="4.15", help="tags of the storage of its disks; empty for none")
    bytesreadrate = Long(since="4.15", help="bytes read a second")
    bytesreadratemax = Long(since="4.15", help="bytes read a second in a burst")
    bytesreadratemaxlength = Long(since="4.15", help="length of such a burst in seconds")
    byteswriterate = Long(since="4.15", help="bytes written a second")
    byteswriteratemax = Long(since="4.15", help="bytes written a second in a burst")
    byteswriteratemaxlength = Long(since="4.15", help="length of such a burst in seconds")
    iopsreadrate = Long(since="4.15", help="reads a second")
    iopsreadratemax = Long(since="4.15", help="reads a second in a burst")
    iopsreadratemaxlength = Long(since="4.15", help="length of such a burst in seconds")
    iopswriterate = Long(since="4.15", help="writes a second")
    iopswriteratemax = Long(since="4.15", help="writes a second in a burst")
    iopswriteratemaxlength = Long(since="4.15", help="length of such a burst in seconds")
    cachemode = Text(since="4.15", help="none, writeback, writethrough or hypervisor_default")
    state = Text(help="Active or Inactive")

    def run(self, context: Context) -> DiskOffering:
        return offerings.update(context, self.id, {**self.asked("id"), "state": one_of(self.state, STATES, "state")})


class DeleteDiskOffering(Command):
    """Takes a disk offering from sale."""

    action = "deleting a disk offering"
    roles, event = ADMINS, "DISK.OFFERING.DELETE"

    id = Entity(DiskOffering, access=ANY, required=True, help="the disk offering")

    def run(self, context: Context) -> None:
        offerings.delete(context, self.id)


class ListDiskOfferings(_OfferingList):
    """Lists disk offerings."""

    lasting = True
    roles, response = EVERYONE, DiskOfferingView
    keywords = ("name", "display_text")

    id = Entity(DiskOffering, column="id", removed=True, minus_one=True, help="the disk offering with this ID")
    name = Text(column="name", help="the disk offerings of this name")
    domainid = Entity(Domain, minus_one=True, help="the disk offerings of this domain alone")
    zoneid = Entity(Zone, since="4.13", help="the disk offerings in this zone")
    volumeid = Entity(Volume, access=OPERATE, since="4.17", help="those to which this volume could change")
    storageid = Entity(StoragePool, since="4.17", help="those whose tags this storage pool has")
    encrypt = Flag(column="encrypt", since="4.18", help="those whose disks are encrypted, or are not")
    virtualmachineid = Entity(Machine, access=OPERATE, since="4.20.0",
                              help="tell whether a disk for this Instance would find a place")

    def restrict(self, context: Context, query: Query) -> None:
        if self.domainid == -1:
            query.nothing()
            return
        super().restrict(context, query)

    def filter(self, context: Context, query: Query) -> None:
        super().filter(context, query)
        query.equals("compute_only", False)
        if not context.caller.is_root_admin:
            query.equals("display", True)
        local = self.local_storage()
        if self.zoneid is not None:
            in_zone(query, "DiskOffering", self.zoneid.id)
            local = True if self.zoneid.kind == "Edge" else local
        if local is not None:
            query.equals("use_local_storage", local)
        if self.volumeid is not None:
            self._changeable(query, self.volumeid)
        self._matching_tags(context, query)

    def _changeable(self, query: Query, volume: Volume) -> None:
        """Keep what the volume could change to."""
        if self.storageid is not None:
            raise InvalidParameter("Both volume ID (volumeid) and storage pool ID (storageid) are not allowed at "
                                   "the same time")
        present = DiskOffering.get_by_id(volume.disk_offering_id)
        if not present.compute_only and present.disk_size_strictness:
            query.where("(t.disk_size = ? OR t.is_custom = ?)", volume.size, True)
        query.where("t.id <> ?", present.id)
        query.equals("disk_size_strictness", bool(present.disk_size_strictness))

    def _matching_tags(self, context: Context, query: Query) -> None:
        """Keep offerings that have all tags of the volume's offering, or of the pool, where the setting asks for it."""
        zone = self.zoneid.id if self.zoneid is not None else None
        if (self.volumeid is None and self.storageid is None) or not context.settings.get(
                "match.storage.pool.tags.with.disk.offering", zone=zone):
            return
        text = DiskOffering.get_by_id(self.volumeid.disk_offering_id).tags if self.volumeid is not None \
            else self.storageid.tags
        wanted = set(split(text))
        if wanted:
            query.among("id", [row.id for row in DiskOffering.select(DiskOffering.id, DiskOffering.tags).where(
                DiskOffering.tags != "") if wanted <= set(split(row.tags))])
