"""What the API shows of a host."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Attribute, Batch, Column, Computed, Given, View
from cloudapi.models.infrastructure import GuestOsCategory, Host, HostTag
from cloudapi.states.host import STATUS
from cloudapi.views.common import DetailMap
from cloudapi.views.host import figure
from cloudapi.views.zone.place import AccessGroups, HasAnnotations

# The groups of fields, by what `details` asks for; `core` leaves out what costs more than the row.
GROUPS = ("all", "capacity", "events", "stats", "min", "core")
PLACE = ("capacity", "core", "stats", "events")
PROPERTIES = ("capacity", "core")
NOT_CORE = ("capacity", "events", "stats", "min")

CREDENTIALS = ("username", "password", "storageaccessgroups")

EVENTS = {state: "; ".join(dict.fromkeys(event for before, event, _ in STATUS.rows if before == state))
          for state in STATUS.states}


def capability_names(capabilities: dict[str, Any] | None) -> str | None:
    if not capabilities:
        return None
    return ",".join(sorted(name for name, value in capabilities.items() if value is True))


class HostView(View):
    record, name = Host, "host"
    links = {"os_category": ("os_category_id", GuestOsCategory)}

    id = Column("uuid", "ID of the host")
    name_ = Column("name", "name of the host")
    state = Column("status", "whether it is up, as the monitor sees it: Up, Alert, Down …")
    disconnected = Column("disconnected", "since when it is not connected")
    type = Column("kind", "what it is for: Routing runs Instances")
    oscategoryid = Column("os_category.uuid", "ID of the guest OS category that it prefers", detail=PLACE)
    oscategoryname = Column("os_category.name", "name of the guest OS category that it prefers", detail=PLACE)
    guestosrule = Column("guest_os_rule", "rule about the guest OS of its Instances", detail=PROPERTIES)
    ipaddress = Column("private_ip", "its management address")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone", detail=PLACE)
    podid = Column("pod.uuid", "ID of its pod")
    podname = Column("pod.name", "name of its pod", detail=PLACE)
    version = Column("version", "version of its agent")
    hypervisor = Column("hypervisor_type", "its hypervisor")
    cpusockets = Column("cpu_sockets", "CPU sockets")
    cpunumber = Column("cpus", "CPU cores")
    cpuspeed = Column("speed", "speed of a core in MHz", type="long")
    capabilities = Column("capabilities", "what its hypervisor can do", convert=capability_names, type="string")
    lastpinged = Column("last_pinged", "when it answered last")
    clusterid = Column("cluster.uuid", "ID of its cluster")
    clustername = Column("cluster.name", "name of its cluster", detail=PLACE)
    clustertype = Column("cluster.cluster_type", "type of its cluster", detail=PLACE)
    created = Column("created", "when it was added")
    removed = Column("removed", "when it was deleted")
    resourcestate = Column("resource_state", "what the administrator wants of it: Enabled, Disabled, Maintenance …")
    hypervisorversion = Column("hypervisor_version", "version of its hypervisor", detail=PROPERTIES)
    arch = Column("arch", "CPU architecture", detail=PROPERTIES, since="4.20")
    managementservername = Column("management_server", "process that connected to it", since="4.21.0")
    msid = Given("number of the management server", type="long")
    managementserverid = Given("ID of the management server", type="string")

    cpuallocated = Batch(figure.load_capacity, "share of its CPU that is given, in percent", key="cpu_share",
                         type="string", detail="capacity")
    cpuallocatedvalue = Batch(figure.load_capacity, "CPU that is given, in MHz", key="cpu", type="long",
                              detail="capacity")
    cpuallocatedpercentage = Batch(figure.load_capacity, "share of its CPU that is given, in percent",
                                   key="cpu_share", type="string", detail="capacity")
    cpuallocatedwithoverprovisioning = Batch(figure.load_capacity, "share of its over-provisioned CPU that is given",
                                             key="cpu_share", type="string", detail="capacity")
    cpuwithoverprovisioning = Batch(figure.load_capacity, "CPU that may be given, in MHz", key="cpu_total",
                                    type="string", detail="capacity")
    memorytotal = Batch(figure.load_capacity, "memory that may be given, in bytes", key="memory_total", type="long",
                        detail="capacity")
    memorywithoverprovisioning = Batch(figure.load_capacity, "memory that may be given, in bytes",
                                       key="memory_total_text", type="string", detail="capacity")
    memoryallocated = Batch(figure.load_capacity, "memory that is given, in bytes", key="memory", type="long",
                            detail="capacity")
    memoryallocatedbytes = Batch(figure.load_capacity, "memory that is given, in bytes", key="memory", type="long",
                                 detail="capacity")
    memoryallocatedpercentage = Batch(figure.load_capacity, "share of its memory that is given, in percent",
                                      key="memory_share", type="string", detail="capacity")

    cpuused = Batch(figure.load_statistics, "load of its CPU, in percent", key="cpu", type="string", detail="stats")
    cpuloadaverage = Batch(figure.load_statistics, "load average", key="load", type="double", detail="stats")
    memoryused = Batch(figure.load_statistics, "memory in use, in bytes", key="memory", type="long", detail="stats")
    networkkbsread = Batch(figure.load_statistics, "KiB received", key="read", type="long", detail="stats")
    networkkbswrite = Batch(figure.load_statistics, "KiB sent", key="write", type="long", detail="stats")

    hosttags = Batch(figure.load_tags, "its tags", key="all", type="string", detail=PROPERTIES)
    explicithosttags = Batch(figure.load_tags, "tags that an administrator gave", key="explicit", type="string",
                             detail=PROPERTIES, since="4.20.0")
    implicithosttags = Batch(figure.load_tags, "tags that it says itself", key="implicit", type="string",
                             detail=PROPERTIES, since="4.20.0")
    istagarule = Batch(figure.load_tags, "whether its tag is a rule", key="rule", default=False, type="boolean",
                       detail="capacity")
    hahost = Batch(figure.load_tags, "whether it is kept for restarts after failures", key="ha", default=False,
                   type="boolean", detail="capacity")
    storageaccessgroups = AccessGroups("Host", detail=PROPERTIES)
    clusterstorageaccessgroups = AccessGroups("Cluster", "cluster_id", detail=PROPERTIES)
    podstorageaccessgroups = AccessGroups("Pod", "pod_id", detail=PROPERTIES)
    zonestorageaccessgroups = AccessGroups("Zone", "zone_id", detail=PROPERTIES)

    events = Column("status", "events that are possible in its state", convert=EVENTS.get, type="string",
                    detail="events")

    ueficapability = Computed(lambda capabilities: bool((capabilities or {}).get("uefi")), "capabilities",
                              help="whether Instances can boot with UEFI", type="boolean", detail=NOT_CORE)
    encryptionsupported = Computed(lambda capabilities: bool((capabilities or {}).get("volume_encryption")),
                                   "capabilities", help="whether it encrypts volumes", type="boolean", detail=NOT_CORE,
                                   since="4.18")
    instanceconversionsupported = Computed(
        lambda capabilities: bool((capabilities or {}).get("instance_conversion")), "capabilities", type="boolean",
        help="whether it converts Instances of other hypervisors", detail=NOT_CORE, since="4.19.1")
    islocalstorageactive = Batch(figure.load_local_storage, "whether Instances have disks on its own storage",
                                 default=False, type="boolean", detail=NOT_CORE)
    details = DetailMap("Host", "details of the host", hidden=lambda name: name in CREDENTIALS, since="4.5",
                        detail="all")
    hasannotations = HasAnnotations()
    annotation = Batch(figure.load_annotations, "last comment on it", key="text", type="string", since="4.11",
                       detail=NOT_CORE)
    lastannotated = Batch(figure.load_annotations, "when it was commented on last", key="moment", type="date",
                          since="4.11", detail=NOT_CORE)
    username = Batch(figure.load_annotations, "who commented on it last", key="user", type="string", since="4.11",
                     detail=NOT_CORE)
    hasenoughcapacity = Batch(figure.load_suitability, "whether it has room for the Instance of the question",
                              type="boolean")
    suitableformigration = Batch(figure.load_suitability, "whether the Instance of the question can be moved to it",
                                 type="boolean")

    virtualmachineid = Given("system VM that the host is", type="string", since="4.21.0")
    disksizetotal = Given("size of its secondary storage in bytes", type="long")
    disksizeallocated = Given("bytes of its secondary storage that are taken", type="long")
    gputotal = Given("GPUs", type="long", since="4.21")
    gpuused = Given("GPUs that are taken", type="long", since="4.21")
    gpugroup: Attribute = Given("groups of GPUs", type="list", since="4.4")
    hostha = Given("its high availability", type="hostharesponse")
    outofbandmanagement = Given("its out-of-band management", type="outofbandmanagementresponse")
    extensionid = Given("extension that drives it", type="string", since="4.21.0")
    extensionname = Given("name of the extension", type="string", since="4.21.0")


class HostForMigrationView(HostView):
    """A host that an Instance might be moved to."""

    requiresStorageMotion = Batch(figure.load_storage_motion,
                                  "whether the Instance's disks would have to move along", type="boolean")


class HostTagView(View):
    record, name = HostTag, "hosttag"

    id = Column("id", "ID of the tag", convert=str, type="string")
    hostid = Column("host_id", "number of the host", type="long")
    name_ = Column("tag", "the tag")
    isimplicit = Column("implicit", "whether the host says it itself", since="4.20.0")
