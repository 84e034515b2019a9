"""What the API shows of a disk offering."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View
from cloudapi.models.offering import DiskOffering
from cloudapi.services.offering import suitability
from cloudapi.views.common import DetailMap
from cloudapi.views.offering.common import rate, rate_loader, scope_loader
from cloudapi.views.zone.place import HasAnnotations

GIB = 1 << 30

load_scope = scope_loader("DiskOffering", "path")
load_rates = rate_loader("SELECT t.id, t.rates FROM disk_offering t WHERE t.id IN ({marks}) AND t.rates IS NOT NULL")


def load_suitability(page: Page) -> dict[int, bool]:
    """Whether a pool within reach of the Instance that the list is asked for has room for such a disk."""
    machine = getattr(page.arguments, "virtualmachineid", None)
    return {} if machine is None or machine == -1 else suitability.for_machine(page.context, machine, page.ids)


class DiskOfferingView(View):
    record, name = DiskOffering, "diskoffering"

    id = Column("uuid", "ID of the disk offering")
    name_ = Column("name", "name of the disk offering")
    displaytext = Column("display_text", "what the disk offering is")
    state = Column("state", "Active or Inactive")
    created = Column("created", "when it was made")
    domainid = Batch(load_scope, "domains that it is for; absent for all", key="domainid", type="string")
    domain = Batch(load_scope, "paths of the domains that it is for", key="domain", type="string")
    zoneid = Batch(load_scope, "zones that it is in; absent for all", key="zoneid", type="string", since="4.13.0")
    zone = Batch(load_scope, "names of the zones that it is in", key="zone", type="string", since="4.13.0")
    disksize = Column("disk_size", "size of a disk in GiB; 0 where its maker chooses", type="long",
                      convert=lambda size: size // GIB)
    iscustomized = Column("is_custom", "whether the maker of a disk chooses its size")
    iscustomizediops = Column("is_custom_iops", "whether the maker of a disk chooses its IOPS")
    miniops = Column("min_iops", "least IOPS of a disk")
    maxiops = Column("max_iops", "most IOPS of a disk")
    hypervisorsnapshotreserve = Column("hypervisor_snapshot_reserve",
                                       "space for the hypervisor's snapshots in percent of the volume", since="4.4")
    tags = Computed(lambda tags: tags or None, "tags", help="tags of the storage of its disks", type="string")
    storagetype = Column("use_local_storage", "shared or local", convert=lambda local: "local" if local else "shared",
                         type="string")
    provisioningtype = Column("provisioning_type", "how its disks are provisioned", since="4.4.0")
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
    cacheMode = Column("cache_mode", "cache mode of its disks", since="4.4")
    displayoffering = Column("display", "whether users see it")
    disksizestrictness = Column("disk_size_strictness", "whether disks keep the size that they were made "
                                                        "with", since="4.17")
    encrypt = Column("encrypt", "whether its disks are encrypted", since="4.18")
    details = DetailMap("DiskOffering", "further details", since="4.17")
    suitableforvirtualmachine = Batch(load_suitability, "whether a disk for the given Instance would find a place",
                                      type="boolean", since="4.20.0")
    hasannotations = HasAnnotations()
    vspherestoragepolicy = Given("name of its vSphere storage policy", type="string", since="4.15")
