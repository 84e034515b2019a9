"""Service offerings."""

from __future__ import annotations

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import ADMINS, DOMAIN_ADMINS, EVERYONE, Command
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Long, Map, NewName, Text
from cloudapi.api.query import Query
from cloudapi.commands.offering import candidate
from cloudapi.commands.offering.common import STATES, Asked, RateParameters, _OfferingList, in_zone, one_of
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Template
from cloudapi.placement.tag import split
from cloudapi.services.offering import compute
from cloudapi.services.offering import service_offering as offerings
from cloudapi.views.offering.service_offering import ServiceOfferingView


class ServiceOfferingParameters(RateParameters):
    """What is said of a service offering when it is made."""

    name = Text(required=True, help="its name")
    displaytext = Text(help="what it is; its name by default")
    cpunumber = Integer(help="CPUs of an Instance; the deployer chooses without it")
    cpuspeed = Integer(help="clock of each CPU in MHz")
    memory = Integer(help="memory of an Instance in MiB; the deployer chooses without it")
    customized = Flag(since="4.13", help="the deployer chooses CPUs and memory")
    mincpunumber = Integer(since="4.13", help="least CPUs that the deployer may choose")
    maxcpunumber = Integer(since="4.13", help="most CPUs that the deployer may choose")
    minmemory = Integer(since="4.13", help="least memory in MiB that the deployer may choose")
    maxmemory = Integer(since="4.13", help="most memory in MiB that the deployer may choose")
    provisioningtype = Text(help="thin (by default), sparse or fat root disks")
    offerha = Flag(help="Instances are restarted elsewhere when their host fails")
    limitcpuuse = Flag(help="Instances never get more CPU than the offering says")
    isvolatile = Flag(help="a reboot gives a fresh root disk")
    storagetype = Text(help="shared (by default) or local")
    tags = Text(help="tags of the storage of root disks, as a,b")
    domainid = EntityList(Domain, access=OPERATE, help="the domains that alone may use it")
    zoneid = EntityList(Zone, access=ANY, since="4.13", help="the zones that alone have it")
    hosttags = Text(help="tags of the hosts, as a,b")
    issystem = Flag(help="it is for system VMs")
    systemvmtype = Text(help="domainrouter (by default), consoleproxy, secondarystoragevm or internalloadbalancervm")
    networkrate = Integer(help="data rate of its NICs in Mbit/s")
    deploymentplanner = Text(help="the planner that places Instances")
    serviceofferingdetails = Map(help="further details")
    rootdisksize = Long(since="4.15", help="size of root disks in GiB; the template's without it")
    customizediops = Flag(since="4.4", help="the deployer chooses the root disk's IOPS")
    miniops = Long(since="4.4", help="least IOPS of the root disk")
    maxiops = Long(since="4.4", help="most IOPS of the root disk")
    hypervisorsnapshotreserve = Integer(since="4.4", help="space for the hypervisor's snapshots in percent of the "
                                                          "volume")
    cachemode = Text(since="4.14", help="none (by default), writeback, writethrough or hypervisor_default")
    storagepolicy = Entity(access=ANY, since="4.15", help="the vSphere storage policy of root disks")
    dynamicscalingenabled = Flag(since="4.16", help="running Instances can be scaled; true by default")
    diskofferingid = Entity(DiskOffering, access=USE, since="4.17", help="the disk offering of root disks")
    diskofferingstrictness = Flag(since="4.17", help="the disk offering is bound to this offering")
    encryptroot = Flag(since="4.18", help="root disks are encrypted")
    purgeresources = Flag(since="4.20", help="expunged Instances leave the database")
    leaseduration = Integer(since="4.21.0", help="lease of Instances in days")
    leaseexpiryaction = Text(since="4.21.0", help="STOP or DESTROY at the end of the lease")
    vgpuprofileid = Entity(access=ANY, since="4.21", help="the vGPU profile of Instances")
    gpucount = Integer(since="4.21", help="how many GPUs an Instance has")
    gpudisplay = Flag(since="4.21", help="the GPU serves the display")
    externaldetails = Map(since="4.21.0", help="details for hypervisors of an extension")


class CreateServiceOffering(ServiceOfferingParameters, Asked, Command):
    """Makes a service offering."""

    roles, event, response = ADMINS, "SERVICE.OFFERING.CREATE", ServiceOfferingView

    def run(self, context: Context) -> ServiceOffering:
        return offerings.create(context, self.asked())


class CloneServiceOffering(ServiceOfferingParameters, Asked, Command):
    """Makes a service offering like another one, but for what is given."""

    roles, event, response, since = DOMAIN_ADMINS, "SERVICE.OFFERING.CLONE", ServiceOfferingView, "4.23.0"

    sourceofferingid = Entity(ServiceOffering, access=ANY, required=True, help="the offering to copy")

    def run(self, context: Context) -> ServiceOffering:
        return offerings.clone(context, self.sourceofferingid, self.asked("sourceofferingid"))


class UpdateServiceOffering(Asked, Command):
    """Changes a service offering."""

    roles, event, response = ADMINS, "SERVICE.OFFERING.EDIT", ServiceOfferingView

    id = Entity(ServiceOffering, access=ANY, required=True, help="the service offering")
    name = NewName(help="a new name")
    displaytext = Text(help="a new text")
    sortkey = Integer(help="its place in lists")
    domainid = Text(length=4096, help="the domains that alone may use it, or public")
    zoneid = Text(since="4.13", length=4096, help="the zones that alone have it, or all")
    storagetags = Text(since="4.16", help="tags of the storage of root disks; empty for none")
    hosttags = Text(since="4.16", help="tags of the hosts; empty for none")
    state = Text(help="Active or Inactive")
    purgeresources = Flag(since="4.20", help="expunged Instances leave the database")
    externaldetails = Map(since="4.21.0", help="details for hypervisors of an extension, in place of all there are")
    cleanupexternaldetails = Flag(since="4.22.0", help="remove all such details")

    def run(self, context: Context) -> ServiceOffering:
        return offerings.update(context, self.id, {**self.asked("id"), "state": one_of(self.state, STATES, "state")})


class DeleteServiceOffering(Command):
    """Takes a service offering from sale."""

    action = "deleting a service offering"
    roles, event = ADMINS, "SERVICE.OFFERING.DELETE"

    id = Entity(ServiceOffering, access=ANY, required=True, help="the service offering")

    def run(self, context: Context) -> None:
        offerings.delete(context, self.id)


class ListServiceOfferings(_OfferingList):
    """Lists service offerings."""

    lasting = True
    roles, response = EVERYONE, ServiceOfferingView
    keywords = ("name", "display_text")

    id = Entity(ServiceOffering, column="id", removed=True, minus_one=True, help="the service offering with this ID")
    name = Text(column="name", help="the service offerings of this name")
    virtualmachineid = Entity(Machine, access=OPERATE, help="those to which this Instance could change")
    issystem = Flag(default=False, help="those for system VMs; root admins only")
    systemvmtype = Text(help="those for this kind of system VM")
    domainid = Entity(Domain, minus_one=True, help="the service offerings of this domain alone")
    zoneid = Entity(Zone, since="4.13", help="the service offerings in this zone")
    cpunumber = Integer(since="4.15", help="those with as many CPUs, or more")
    memory = Integer(since="4.15", help="those with as much memory in MiB, or more")
    cpuspeed = Integer(since="4.15", help="those with such a clock in MHz, or a higher one")
    encryptroot = Flag(since="4.18", help="those whose root disks are encrypted, or are not")
    templateid = Entity(Template, access=USE, since="4.20.0", help="those without host tags, and those with the tag "
                                                                   "of this template")
    vgpuprofileid = Entity(access=ANY, since="4.21.0", help="those with this vGPU profile")
    gpuenabled = Flag(since="4.21.0", help="those with a GPU, or without")

    def restrict(self, context: Context, query: Query) -> None:
        if self.domainid == -1:
            query.nothing()
            return
        super().restrict(context, query)

    def filter(self, context: Context, query: Query) -> None:
        super().filter(context, query)
        if self.issystem and not context.caller.is_root_admin:
            raise InvalidParameter("Only ROOT admins can access system offerings (issystem)")
        query.equals("system_use", bool(self.issystem))
        if self.systemvmtype:
            query.equals("vm_type", compute.SYSTEM_TYPES.get(self.systemvmtype.lower(), self.systemvmtype))
        local = self.local_storage()
        if self.zoneid is not None:
            in_zone(query, "ServiceOffering", self.zoneid.id)
            local = True if self.zoneid.kind == "Edge" else local
        if local is not None:
            candidate.with_disk(query, "use_local_storage", local)
        if self.encryptroot is not None:
            candidate.with_disk(query, "encrypt", self.encryptroot)
        for column, wanted in (("cpu", self.cpunumber), ("memory", self.memory)):
            if wanted is not None:
                candidate.reaching(query, column, wanted)
        if self.cpuspeed is not None:
            query.where("(t.speed IS NULL OR t.speed >= ?)", self.cpuspeed)
        if self.gpuenabled:
            query.nothing()  # an offering has a GPU by a vGPU profile, of which there is none
        if self.virtualmachineid is not None:
            candidate.for_machine(context, query, self.virtualmachineid)
        if self.templateid is not None:
            candidate.with_tags(query, set(split(self.templateid.template_tag)))
