"""What the API shows of a pod."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Given, Page, View
from cloudapi.models.database import rows
from cloudapi.models.infrastructure import Pod
from cloudapi.views.zone.place import AccessGroups, Capacities, HasAnnotations


class IpRangeView(View):
    """A range of management addresses of a pod."""

    name = "ipranges"

    startip = Given("first address", type="string")
    endip = Given("last address", type="string")
    forsystemvms = Given("1 where system VMs alone have it, else 0", type="string")
    vlanid = Given("VLAN as a URI", type="string")
    gateway = Given("gateway of the range", type="string")
    cidr = Given("subnet of the range", type="string")


def load_ranges(page: Page) -> dict[int, dict[str, list[Any]]]:
    marks = ",".join("?" * len(page.ids))
    found: dict[int, dict[str, list[Any]]] = {
        pod_id: {"ipranges": [], "startip": [], "endip": [], "forsystemvms": [], "vlanid": []} for pod_id in page.ids}
    for pod_id, start, end, for_system_vms, vlan in rows(
            f"SELECT pod_id, start_ip, end_ip, for_system_vms, vlan FROM pod_ip_range WHERE pod_id IN ({marks}) "
            "ORDER BY id", page.ids):
        item = {"startip": start, "endip": end, "forsystemvms": "1" if for_system_vms else "0",
                "vlanid": f"vlan://{vlan or 'untagged'}"}
        found[pod_id]["ipranges"].append(item)
        for name, value in item.items():
            found[pod_id][name].append(value)
    return found


class PodView(View):
    record, name = Pod, "pod"

    id = Column("uuid", "ID of the pod")
    name_ = Column("name", "name of the pod")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    gateway = Column("gateway", "gateway of its management network")
    netmask = Column("netmask", "netmask of its management network")
    ipranges = Batch(load_ranges, "ranges of management addresses", key="ipranges", type="list", nested=IpRangeView,
                     since="4.16.0")
    startip = Batch(load_ranges, "first address of each range", key="startip", type="list")
    endip = Batch(load_ranges, "last address of each range", key="endip", type="list")
    forsystemvms = Batch(load_ranges, "for each range, 1 where system VMs alone have it", key="forsystemvms",
                         type="list")
    vlanid = Batch(load_ranges, "VLAN of each range", key="vlanid", type="list")
    allocationstate = Column("allocation_state", "whether Instances may be placed in it")
    capacity = Capacities("pod")
    hasannotations = HasAnnotations()
    storageaccessgroups = AccessGroups("Pod")
    zonestorageaccessgroups = AccessGroups("Zone", "zone_id")
