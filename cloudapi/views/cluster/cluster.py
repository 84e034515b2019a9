"""What the API shows of a cluster."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Given, Page, View
from cloudapi.models.infrastructure import Cluster
from cloudapi.services.capacity import capacity
from cloudapi.services.cluster.cluster import SECRETS
from cloudapi.services.storage import access
from cloudapi.views.common import by_resource
from cloudapi.views.zone.place import AccessGroups, Capacities, HasAnnotations


def load_ratios(page: Page) -> dict[int, dict[str, str]]:
    cpu = capacity.factors("cpu.overprovisioning.factor", "Cluster")
    memory = capacity.factors("mem.overprovisioning.factor", "Cluster")
    return {number: {"cpu": str(cpu(number)), "memory": str(memory(number))} for number in page.ids}


def load_details(page: Page) -> dict[int, dict[str, Any]]:
    """Return the details of clusters, the over-provisioning factors as CloudStack names them there among them."""
    ratios = load_ratios(page)
    found = {number: {"cpuOvercommitRatio": ratio["cpu"], "memoryOvercommitRatio": ratio["memory"]}
             for number, ratio in ratios.items()}
    for number, name, value in by_resource(page, "detail", "Cluster", page.ids, "name, value"):
        if name not in SECRETS and name != access.NAME:
            found[number][name] = value
    return found


def load_ovm3_addresses(page: Page) -> dict[int, str]:
    return {number: value for number, name, value in by_resource(page, "detail", "Cluster", page.ids, "name, value")
            if name == "ovm3vip"}


class ClusterView(View):
    record, name = Cluster, "cluster"

    id = Column("uuid", "ID of the cluster")
    name_ = Column("name", "name of the cluster")
    podid = Column("pod.uuid", "ID of its pod")
    podname = Column("pod.name", "name of its pod")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    hypervisortype = Column("hypervisor_type", "hypervisor of its hosts")
    clustertype = Column("cluster_type", "CloudManaged, or ExternalManaged by another program")
    allocationstate = Column("allocation_state", "whether Instances may be placed in it")
    managedstate = Column("managed_state", "whether its hosts are connected to: Managed, Unmanaged …")
    capacity = Capacities("cluster")
    cpuovercommitratio = Batch(load_ratios, "times the CPU of its hosts that may be given", key="cpu", type="string")
    memoryovercommitratio = Batch(load_ratios, "times the memory of its hosts that may be given", key="memory",
                                  type="string")
    ovm3vip = Batch(load_ovm3_addresses, "address of the OVM3 pool", type="string")
    resourcedetails = Batch(load_details, "details of the cluster", type="map")
    arch = Column("arch", "CPU architecture of its hosts", since="4.20")
    hasannotations = HasAnnotations()
    storageaccessgroups = AccessGroups("Cluster")
    podstorageaccessgroups = AccessGroups("Pod", "pod_id")
    zonestorageaccessgroups = AccessGroups("Zone", "zone_id")
    extensionid = Given("extension that drives its hosts", type="string", since="4.21.0")
    extensionname = Given("name of the extension", type="string", since="4.21.0")
