"""What the API shows of NICs and their further addresses."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, fetch
from cloudapi.models.machine import Machine
from cloudapi.models.network import Nic, NicSecondaryIp
from cloudapi.services.nic import dhcp_option
from cloudapi.services.nic.segment import tag_of
from cloudapi.views.common import by_resource


class NicExtraDhcpOptionView(View):
    name = "nicextradhcpoption"

    id = Given("ID of the option", type="string")
    nicid = Given("ID of the NIC", type="string")
    extradhcpoptionname = Given("name of the option", type="string")
    extradhcpoptioncode = Given("number of the option", type="integer")
    extradhcpvalue = Given("value of the option", type="string")


class NicSecondaryIpView(View):
    record, name = NicSecondaryIp, "nicsecondaryip"
    links = {"vm": ("vm_id", Machine)}

    id = Column("uuid", "ID of the address on the NIC")
    ipaddress = Computed(lambda ip4, ip6: ip4 or ip6, "ip4", "ip6", type="string", help="the address")
    nicid = Column("nic.uuid", "ID of the NIC")
    networkid = Column("network.uuid", "ID of the network")
    virtualmachineid = Column("vm.uuid", "ID of the Instance")
    description = Column("description", "what it is for")
    secondaryip = Given("further addresses of the NIC", type="list")


def load_secondary(page: Page) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    if not page.any("nic_secondary_ip"):
        return found
    columns = ("id", "uuid", "ip4", "ip6", "description", "removed")
    for nic_id, _, uuid, ip4, ip6, description, removed in sorted(fetch("nic_secondary_ip", columns, page.ids,
                                                                        key="nic_id")):
        if removed is not None:
            continue
        entry = {"id": uuid, "ipaddress": ip4 or ip6}
        if description is not None:
            entry["description"] = description
        found.setdefault(nic_id, []).append(entry)
    return found


def load_public(page: Page) -> dict[int, dict[str, Any]]:
    """The public address behind which a NIC is reached one to one."""
    if not page.any("ip_address WHERE vm_id IS NOT NULL AND is_static_nat"):
        return {}
    machines = sorted(set(page.values("vm_id").values()))
    return {nic_id: {"id": uuid, "ip": ip} for _, nic_id, uuid, ip, one_to_one in fetch(
        "ip_address", ("nic_id", "uuid", "ip", "is_static_nat"), machines, key="vm_id") if one_to_one}


def load_adapters(page: Page) -> dict[int, str]:
    """The model of the card, where the Instance's details say so."""
    machines = page.values("vm_id")
    models = {machine: value for machine, name, value in by_resource(
        page, "detail", "Machine", sorted(set(machines.values())), "name, value") if name == "nicAdapter"}
    return {key: models[machine] for key, machine in machines.items() if machine in models}


def options(uuid: str, stored: dict[str, str] | None) -> list[dict[str, Any]]:
    return [{"nicid": uuid, "extradhcpoptionname": dhcp_option.name_of(int(code)), "extradhcpoptioncode": int(code),
             "extradhcpvalue": value} for code, value in (stored or {}).items()]


class NicView(View):
    record, name = Nic, "nic"
    links = {"vm": ("vm_id", Machine)}

    id = Column("uuid", "ID of the NIC")
    networkid = Column("network.uuid", "ID of its network")
    networkname = Column("network.name", "name of its network")
    netmask = Column("netmask", "netmask of the address")
    gateway = Column("gateway", "gateway of the network")
    ipaddress = Column("ip4", "IPv4 address")
    isolationuri = Column("isolation_uri", "what separates the network from others", admin=True)
    broadcasturi = Column("broadcast_uri", "VLAN or VXLAN id of the network", admin=True)
    traffictype = Column("traffic_type", "Guest, Public, Control, Management or Storage")
    type = Column("network.guest_type", "Isolated, Shared or L2")
    isdefault = Column("is_default", "whether the Instance's default route leads through it")
    macaddress = Column("mac_address", "MAC address")
    ip6gateway = Column("ip6_gateway", "IPv6 gateway of the network")
    ip6cidr = Column("ip6_cidr", "IPv6 CIDR of the network")
    ip6address = Column("ip6", "IPv6 address")
    secondaryip = Batch(load_secondary, "further addresses", type="list", default=[], nested=NicSecondaryIpView)
    extradhcpoption = Computed(options, "uuid", "extra_dhcp_options", type="list", since="4.11.0",
                               nested=NicExtraDhcpOptionView, help="further DHCP options")
    deviceid = Column("device_id", "its place on the Instance", convert=str, type="string", since="4.4")
    virtualmachineid = Column("vm.uuid", "ID of the machine")
    nsxlogicalswitch = Given("logical switch of NSX", type="string", since="4.6.0")
    nsxlogicalswitchport = Given("port of the logical switch of NSX", type="string", since="4.6.0")
    vlanid = Computed(lambda uri: tag_of(uri)[1], "broadcast_uri", type="integer", since="4.14.0", admin=True,
                      help="VLAN or VXLAN id")
    isolatedpvlan = Column("network.pvlan", "secondary VLAN of a private VLAN", convert=int, type="integer",
                           since="4.14.0", admin=True)
    isolatedpvlantype = Column("network.pvlan_type", "kind of the private VLAN", since="4.14.0", admin=True)
    adaptertype = Batch(load_adapters, "model of the card", type="string", since="4.14.0", needs=("vm_id",))
    ipaddresses = Given("addresses that the guest reports", type="list", since="4.14.0")
    mtu = Computed(lambda own, private: own or private, "mtu", "network.private_mtu", type="integer", since="4.18.0",
                   help="MTU of the network")
    publicipid = Batch(load_public, "ID of the public address that leads here alone", key="id", type="string",
                       needs=("vm_id",))
    publicip = Batch(load_public, "public address that leads here alone", key="ip", type="string", needs=("vm_id",))
    enabled = Column("enabled", "whether the link is up")
    nicdnsname = Given("name of the NIC in a DNS zone", type="string")
    vpcid = Given("ID of the VPC of its network", type="string")
    vpcname = Given("name of the VPC of its network", type="string")
