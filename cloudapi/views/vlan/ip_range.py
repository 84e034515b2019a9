"""What the API shows of a range of addresses."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, View
from cloudapi.models.identity import Domain
from cloudapi.models.network import IpRange
from cloudapi.services.vlan import subnet
from cloudapi.views.common import ProjectOwnedView, pretty_path
from cloudapi.views.physical_network.guest_vlan import load_owners


def cidr(gateway: str | None, netmask: str | None) -> str | None:
    return str(subnet.network4(gateway, netmask)) if gateway and netmask else None


class VlanIpRangeView(ProjectOwnedView, View):
    record, name = IpRange, "vlan"
    links = {"domain_": ("domain_id", Domain)}

    id = Column("uuid", "ID of the range")
    forvirtualnetwork = Column("for_virtual_network", "whether it is for public addresses of isolated networks")
    zoneid = Column("zone.uuid", "ID of the zone")
    vlan = Column("vlan", "VLAN as a URI")
    account = Batch(load_owners, "account that alone has it", key="account", type="string", needs=("account_id",))
    domainid = Column("domain_.uuid", "ID of the domain that has it")
    domain = Column("domain_.name", "name of the domain that has it")
    domainpath = Column("domain_.path", "path of the domain that has it", convert=pretty_path, since="4.19.2.0")
    podid = Column("pod.uuid", "ID of the pod")
    podname = Column("pod.name", "name of the pod")
    description = Computed(lambda start, end: f"{start}-{end}" if start else None, "start_ip", "end_ip",
                           help="the addresses, as first-last", type="string")
    gateway = Column("gateway", "gateway of the range")
    netmask = Column("netmask", "netmask of the range")
    cidr = Computed(cidr, "gateway", "netmask", help="subnet of the range", type="string")
    startip = Column("start_ip", "first address")
    endip = Column("end_ip", "last address")
    networkid = Column("network.uuid", "ID of the network")
    physicalnetworkid = Column("physical_network.uuid", "ID of the physical network")
    startipv6 = Column("start_ip6", "first IPv6 address")
    endipv6 = Column("end_ip6", "last IPv6 address")
    ip6gateway = Column("ip6_gateway", "IPv6 gateway of the range")
    ip6cidr = Column("ip6_cidr", "IPv6 subnet of the range")
    forsystemvms = Column("for_system_vms", "whether it is for system VMs")
    provider = Column("provider", "external provider of the range", since="4.21.0")
