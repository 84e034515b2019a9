"""What the API shows of console proxies and secondary storage VMs."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Page, View, stamp
from cloudapi.models.database import rows
from cloudapi.models.infrastructure import Pod
from cloudapi.models.machine import Machine
from cloudapi.services.system_vm.system_vm import TYPES
from cloudapi.views.system_vm.agent import load_agents
from cloudapi.views.virtual_machine.loader import jobs, marks
from cloudapi.views.virtual_machine.virtual_machine import control_state
from cloudapi.views.zone.place import HasAnnotations


def load_nics(page: Page) -> dict[int, dict[str, Any]]:
    """Addresses by the traffic that the NICs are for."""
    found: dict[int, dict[str, Any]] = {}
    for vm, traffic, ip, mac, netmask, gateway, vlan in rows(
            "SELECT vm_id, traffic_type, ip4, mac_address, netmask, gateway, broadcast_uri FROM nic "
            f"WHERE vm_id IN ({marks(page.ids)}) AND removed IS NULL ORDER BY device_id", page.ids):
        entry = found.setdefault(vm, {})
        if traffic == "Public":
            entry |= {"publicip": ip, "publicmac": mac, "publicnetmask": netmask, "gateway": gateway,
                      "publicvlan": [vlan] if vlan else []}
        elif traffic == "Management":
            entry |= {"privateip": ip, "privatemac": mac, "privatenetmask": netmask}
        elif traffic == "Control":
            entry |= {"localip": ip, "localmac": mac, "localnetmask": netmask}
        elif traffic == "Storage":
            entry["storageip"] = ip
        elif traffic == "Guest":
            entry["guestvlan"] = vlan
    return found


def nic(key: str, help: str, **options: Any) -> Batch:
    return Batch(load_nics, help, key=key, type=options.pop("type", "string"), **options)


def ended(state: str, updated: int | None) -> str | None:
    """Return since when a system VM does not run."""
    return None if state == "Running" or updated is None else stamp(updated)


class SystemVmView(View):
    record, name = Machine, "systemvm"
    links = {"pod_": ("pod_id", Pod)}

    id = Column("uuid", "ID of the system VM")
    systemvmtype = Column("kind", "consoleproxy or secondarystoragevm", convert=lambda kind: TYPES.get(kind, kind))
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    dns1 = Column("zone.dns1", "first DNS server of its zone")
    dns2 = Column("zone.dns2", "second DNS server of its zone")
    networkdomain = Column("zone.network_domain", "DNS domain of its zone")
    gateway = nic("gateway", "gateway of its public NIC")
    name_ = Column("name", "name of the system VM")
    podid = Column("pod_.uuid", "ID of its pod")
    podname = Column("pod_.name", "name of its pod", since="4.13.2")
    hostid = Column("host.uuid", "ID of the host that it runs on")
    hostname = Column("host.name", "name of the host that it runs on")
    hostcontrolstate = Computed(control_state, "host.status", "host.resource_state", type="string",
                                help="whether its host can be controlled")
    hypervisor = Column("hypervisor_type", "its hypervisor")
    privateip = nic("privateip", "address of its management NIC")
    privatemacaddress = nic("privatemac", "MAC address of its management NIC")
    privatenetmask = nic("privatenetmask", "netmask of its management NIC")
    linklocalip = nic("localip", "address by which its host reaches it")
    linklocalmacaddress = nic("localmac", "MAC address of that NIC")
    linklocalnetmask = nic("localnetmask", "netmask of that NIC")
    publicip = nic("publicip", "address of its public NIC")
    publicmacaddress = nic("publicmac", "MAC address of its public NIC")
    publicnetmask = nic("publicnetmask", "netmask of its public NIC")
    storageip = nic("storageip", "address of its storage NIC")
    templateid = Column("template.uuid", "ID of its template")
    templatename = Column("template.name", "name of its template", since="4.13.2")
    created = Column("created", "when it was made")
    state = Column("state", "its state")
    agentstate = Batch(load_agents, "whether it can be reached", key="state", type="string", since="4.13.1")
    # There are no consoles yet that a proxy could show.
    activeviewersessions = Computed(lambda kind: 0 if kind == "ConsoleProxy" else None, "kind", type="integer",
                                    help="consoles that it shows now")
    guestvlan = nic("guestvlan", "VLAN of its guest NIC")
    publicvlan = nic("publicvlan", "VLANs of its public NIC", type="list")
    disconnected = Computed(ended, "state", "updated", type="date", since="4.13.1", help="when it was reached last")
    version = Batch(load_agents, "version of its agent, which is its host's", key="version", type="string",
                    since="4.13.1")
    isdynamicallyscalable = Column("dynamically_scalable", "whether it can be scaled while it runs")
    serviceofferingid = Column("service_offering.uuid", "ID of its service offering")
    serviceofferingname = Column("service_offering.name", "name of its service offering")
    arch = Column("arch", "its CPU architecture", since="4.20.1")
    hasannotations = HasAnnotations()
    jobid = Batch(jobs, "ID of the job that works on it", key="id", type="string")
    jobstatus = Batch(jobs, "status of the job that works on it", key="status", type="integer")
