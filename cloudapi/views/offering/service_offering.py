"""What the API shows of a service offering; its storage part is that of its disk offering."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.views.common import DetailMap, by_resource
from cloudapi.views.offering.common import rate, rate_loader, scope_loader
from cloudapi.views.zone.place import HasAnnotations

GIB = 1 << 30

load_scope = scope_loader("ServiceOffering")
load_rates = rate_loader("SELECT t.id, d.rates FROM service_offering t JOIN disk_offering d ON d.id = "
                         "t.disk_offering_id "
                         "WHERE t.id IN ({marks}) AND d.rates IS NOT NULL")


def load_lease(page: Page) -> dict[int, dict[str, Any]]:
    """Leases are shown while the setting lets Instances have them."""
    if not page.context.settings.get("instance.lease.enabled"):
        return {}
    days, actions = page.values("lease_duration"), page.values("lease_expiry_action")
    return {key: {"leaseduration": days[key], "leaseexpiryaction": actions[key]} for key in page.ids if days[key]}


def load_purge(page: Page) -> dict[int, bool]:
    return {key: value == "true"
            for key, name, value in by_resource(page, "detail", "ServiceOffering", page.ids, "name, value")
            if name == "purge.db.entities"}


class ServiceOfferingView(View):
    record, name = ServiceOffering, "serviceoffering"
    links = {"disk": ("disk_offering_id", DiskOffering)}

    id = Column("uuid", "ID of the service offering")
    name_ = Column("name", "name of the service offering")
    displaytext = Column("display_text", "what the service offering is")
    state = Column("state", "Active or Inactive")
    created = Column("created", "when it was made")
    cpunumber = Column("cpu", "CPUs of an Instance; absent where the deployer chooses")
    cpuspeed = Column("speed", "clock of each CPU in MHz; absent where the deployer chooses")
    memory = Column("memory", "memory of an Instance in MiB; absent where the deployer chooses")
    iscustomized = Computed(lambda cpu, speed, memory: not (cpu and speed and memory), "cpu", "speed", "memory",
                            help="whether the deployer chooses CPUs or memory", type="boolean", since="4.3.0")
    storagetype = Column("disk.use_local_storage", "shared or "
                                                   "local", convert=lambda local: "local" if local else "shared",
                         type="string")
    provisioningtype = Column("disk.provisioning_type", "how root disks are provisioned", since="4.4.0")
    offerha = Column("offer_ha", "whether Instances are restarted elsewhere when their host fails")
    limitcpuuse = Column("limit_cpu_use", "whether Instances never get more CPU than the offering says")
    isvolatile = Column("is_volatile", "whether a reboot gives a fresh root disk")
    storagetags = Computed(lambda tags: tags or None, "disk.tags", help="tags of the storage of root disks",
                           type="string")
    hosttags = Column("host_tag", "tags of the hosts")
    domainid = Batch(load_scope, "domains that it is for; absent for all", key="domainid", type="string")
    domain = Batch(load_scope, "names of the domains that it is for", key="domain", type="string")
    zoneid = Batch(load_scope, "zones that it is in; absent for all", key="zoneid", type="string", since="4.13.0")
    zone = Batch(load_scope, "names of the zones that it is in", key="zone", type="string", since="4.13.0")
    issystem = Column("system_use", "whether it is for system VMs")
    defaultuse = Column("default_use", "whether it is the default of its kind of system VM")
    systemvmtype = Column("vm_type", "kind of system VM that it is for", convert=str.lower)
    networkrate = Column("network_rate", "data rate of its NICs in Mbit/s")
    iscustomizediops = Column("disk.is_custom_iops", "whether the deployer chooses the root disk's IOPS", since="4.4")
    miniops = Column("disk.min_iops", "least IOPS of the root disk", since="4.4")
    maxiops = Column("disk.max_iops", "most IOPS of the root disk", since="4.4")
    hypervisorsnapshotreserve = Column("disk.hypervisor_snapshot_reserve",
                                       "space for the hypervisor's snapshots in percent of the volume", since="4.4")
    diskBytesReadRate = rate(load_rates, "diskBytesReadRate", "bytes read a second")
    diskBytesReadRateMax = rate(load_rates, "diskBytesReadRateMax", "bytes read a second in a burst")
    diskBytesReadRateMaxLength = rate(load_rates, "diskBytesReadRateMaxLength", "length of such a burst in seconds")
    diskBytesWriteRate = rate(load_rates, "diskBytesWriteRate", "bytes written a second")
    diskBytesWriteRateMax = rate(load_rates, "diskBytesWriteRateMax", "bytes written a second in a burst")
    diskBytesWriteRateMaxLength = rate(load_rates, "diskBytesWriteRateMaxLength", "length of such a burst in seconds")
    diskIopsReadRate = rate(load_rates, "diskIopsReadRate", "reads a second")
    diskIopsReadRateMax = rate(load_rates, "diskIopsReadRateMax", "reads a second in a burst")
    diskIopsReadRateMaxLength = rate(load_rates, "diskIopsReadRateMaxLength", "length of such a burst in seconds")
    diskIopsWriteRate = rate(load_rates, "diskIopsWriteRate", "writes a second")
    diskIopsWriteRateMax = rate(load_rates, "diskIopsWriteRateMax", "writes a second in a burst")
    diskIopsWriteRateMaxLength = rate(load_rates, "diskIopsWriteRateMaxLength", "length of such a burst in seconds")
    cacheMode = Column("disk.cache_mode", "cache mode of root disks", since="4.14")
    rootdisksize = Column("disk.disk_size", "size of root disks in GiB; 0 is the template's", since="4.15", type="long",
                          convert=lambda size: size // GIB)
    encryptroot = Column("disk.encrypt", "whether root disks are encrypted", since="4.18")
    deploymentplanner = Column("deployment_planner", "planner that places Instances")
    dynamicscalingenabled = Column("dynamic_scaling", "whether running Instances can be scaled", since="4.16")
    diskofferingstrictness = Column("disk_offering_strictness", "whether the disk offering is bound to this offering",
                                    since="4.17")
    diskofferingid = Column("disk.uuid", "ID of the disk offering of root disks", since="4.17")
    diskofferingname = Column("disk.name", "name of the disk offering of root disks", since="4.17")
    diskofferingdisplaytext = Column("disk.display_text", "what that disk offering is", since="4.17")
    serviceofferingdetails = DetailMap("ServiceOffering", "further details", since="4.2.0")
    purgeresources = Batch(load_purge, "whether expunged Instances leave the database", type="boolean", since="4.20")
    leaseduration = Batch(load_lease, "lease of Instances in days", key="leaseduration", type="integer", since="4.21.0",
                          needs=("lease_duration", "lease_expiry_action"))
    leaseexpiryaction = Batch(load_lease, "what is done at the end of the "
                                          "lease", key="leaseexpiryaction", type="string",
                              since="4.21.0", needs=("lease_duration", "lease_expiry_action"))
    hasannotations = HasAnnotations()
    vspherestoragepolicy = Given("name of its vSphere storage policy", type="string", since="4.15")
    gpucardid = Given("ID of its GPU card", type="string", since="4.21")
    gpucardname = Given("name of its GPU card", type="string", since="4.21")
    vgpuprofileid = Given("ID of its vGPU profile", type="string", since="4.21")
    vgpuprofilename = Given("name of its vGPU profile", type="string", since="4.21")
    videoram = Given("video memory of its vGPU profile", type="long")
    maxheads = Given("displays of its vGPU profile", type="long")
    maxresolutionx = Given("horizontal resolution of its vGPU profile", type="long")
    maxresolutiony = Given("vertical resolution of its vGPU profile", type="long")
    gpucount = Given("how many GPUs an Instance has", type="integer", since="4.21")
    gpudisplay = Given("whether its GPU serves the display", type="boolean", since="4.21")
