"""Physical networks, guest networks, addresses, NICs and routers."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Link, Moment, Owned, Record, Table
from cloudapi.models.infrastructure import Pod, Zone
from cloudapi.models.offering import NetworkOffering


class PhysicalNetwork(Record):
    name = peewee.CharField(255)
    zone = Link(Zone)
    state = peewee.CharField(16, default="Disabled")
    broadcast_domain_range = peewee.CharField(16, default="ZONE")
    isolation_methods = Json(default=list)
    network_speed = peewee.CharField(16, null=True)
    vlan_ranges = Json(default=list)
    tags = peewee.CharField(4096, default="")
    domain_id = peewee.BigIntegerField(null=True)


class TrafficType(Record):
    physical_network = Link(PhysicalNetwork)
    traffic_type = peewee.CharField(16)
    labels = Json(default=dict)
    vlan = peewee.CharField(64, null=True)
    isolation_method = peewee.CharField(16, null=True)


class NetworkServiceProvider(Record):
    physical_network = Link(PhysicalNetwork)
    provider_name = peewee.CharField(64)
    state = peewee.CharField(16, default="Disabled")
    destination_physical_network_id = peewee.BigIntegerField(default=0)
    services = Json(default=list)


class VirtualRouterElement(Record):
    """The element behind a provider: virtual router, VPC router, internal load balancer or Open vSwitch."""

    provider = Link(NetworkServiceProvider)
    kind = peewee.CharField(32, default="VirtualRouter")
    enabled = peewee.BooleanField(default=False)


class GuestVlanRange(Record):
    """VLANs of a physical network that one account (or domain) alone may use."""

    physical_network = Link(PhysicalNetwork)
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    start_vlan = peewee.IntegerField()
    end_vlan = peewee.IntegerField()


class GuestVlan(Table):
    """A VLAN or VXLAN id in use; free ids have no row, so that two networks can never take the same."""

    id = peewee.BigAutoField()
    physical_network = Link(PhysicalNetwork)
    vlan = peewee.IntegerField()
    network_id = peewee.BigIntegerField(null=True, index=True)
    account_id = peewee.BigIntegerField(null=True, index=True)
    taken = Moment()

    class Meta:
        indexes = ((("physical_network", "vlan"), True),)


class Network(Owned):
    """A network of any traffic type; `vlan` is the broadcast id, `broadcast_uri` as CloudStack writes it."""

    name = peewee.CharField(255, null=True)
    display_text = peewee.CharField(4096, null=True)
    zone = Link(Zone)
    physical_network = Link(PhysicalNetwork, null=True)
    offering = Link(NetworkOffering)
    traffic_type = peewee.CharField(16)
    guest_type = peewee.CharField(16, null=True)
    broadcast_domain_type = peewee.CharField(16, default="Vlan")
    broadcast_uri = peewee.CharField(255, null=True)
    vlan = peewee.CharField(64, null=True)
    mode = peewee.CharField(16, default="Dhcp")
    gateway = peewee.CharField(64, null=True)
    cidr = peewee.CharField(64, null=True)
    network_cidr = peewee.CharField(64, null=True)
    ip6_gateway = peewee.CharField(64, null=True)
    ip6_cidr = peewee.CharField(64, null=True)
    dns1 = peewee.CharField(64, null=True)
    dns2 = peewee.CharField(64, null=True)
    ip6_dns1 = peewee.CharField(64, null=True)
    ip6_dns2 = peewee.CharField(64, null=True)
    state = peewee.CharField(16, default="Allocated", index=True)
    acl_type = peewee.CharField(16, default="Account")
    subdomain_access = peewee.BooleanField(default=True)
    network_domain = peewee.CharField(255, null=True)
    specify_ip_ranges = peewee.BooleanField(default=False)
    restart_required = peewee.BooleanField(default=False)
    redundant_router = peewee.BooleanField(default=False)
    strict_reservation = peewee.BooleanField(default=False)
    display = peewee.BooleanField(default=True)
    external_id = peewee.CharField(255, null=True)
    vpc_id = peewee.BigIntegerField(null=True, index=True)
    acl_id = peewee.BigIntegerField(null=True)
    related_id = peewee.BigIntegerField(null=True)
    associated_network_id = peewee.BigIntegerField(null=True)
    public_mtu = peewee.IntegerField(null=True)
    private_mtu = peewee.IntegerField(null=True)
    router_ip = peewee.CharField(64, null=True)
    router_ipv6 = peewee.CharField(64, null=True)
    pvlan = peewee.CharField(64, null=True)
    pvlan_type = peewee.CharField(16, null=True)
    keep_mac_on_public_nic = peewee.BooleanField(default=True)
    generation = peewee.BigIntegerField(default=0)
    idle_since = Moment(null=True)


class NetworkPermission(Table):
    """Another account that may use a network."""

    id = peewee.BigAutoField()
    network = Link(Network)
    account_id = peewee.BigIntegerField(index=True)

    class Meta:
        indexes = ((("network", "account_id"), True),)


class IpRange(Record):
    """A range of addresses of a public, shared or storage network (CloudStack's VLAN IP range)."""

    zone = Link(Zone)
    network = Link(Network, null=True)
    physical_network = Link(PhysicalNetwork, null=True)
    pod = Link(Pod, null=True)
    kind = peewee.CharField(32, default="VirtualNetwork")
    vlan = peewee.CharField(64, default="vlan://untagged")
    gateway = peewee.CharField(64, null=True)
    netmask = peewee.CharField(64, null=True)
    start_ip = peewee.CharField(64, null=True)
    end_ip = peewee.CharField(64, null=True)
    ip6_gateway = peewee.CharField(64, null=True)
    ip6_cidr = peewee.CharField(64, null=True)
    start_ip6 = peewee.CharField(64, null=True)
    end_ip6 = peewee.CharField(64, null=True)
    account_id = peewee.BigIntegerField(null=True, index=True)
    domain_id = peewee.BigIntegerField(null=True, index=True)
    for_system_vms = peewee.BooleanField(default=False)
    for_virtual_network = peewee.BooleanField(default=True)
    provider = peewee.CharField(64, null=True)


class IpAddress(Record):
    """A public (or shared network's) address; free ones have state Free and no owner."""

    ip = peewee.CharField(64)
    number = peewee.BigIntegerField(default=0)
    ip_range = Link(IpRange)
    zone = Link(Zone)
    source_network_id = peewee.BigIntegerField(null=True, index=True)
    network_id = peewee.BigIntegerField(null=True, index=True)
    account_id = peewee.BigIntegerField(null=True, index=True)
    domain_id = peewee.BigIntegerField(null=True, index=True)
    vpc_id = peewee.BigIntegerField(null=True, index=True)
    state = peewee.CharField(16, default="Free")
    allocated = Moment(null=True)
    is_source_nat = peewee.BooleanField(default=False)
    is_static_nat = peewee.BooleanField(default=False)
    is_system = peewee.BooleanField(default=False)
    for_display = peewee.BooleanField(default=True)
    vm_id = peewee.BigIntegerField(null=True, index=True)
    nic_id = peewee.BigIntegerField(null=True)
    vm_ip = peewee.CharField(64, null=True)
    mac_address = peewee.CharField(32, null=True)
    has_rules = peewee.BooleanField(default=False)
    rule_state = peewee.CharField(16, null=True)

    class Meta:
        indexes = ((("ip_range", "ip"), True), (("zone", "state"), False))


class QuarantinedIp(Record):
    """An address that only its previous owner may take until `end_date`."""

    ip_address_id = peewee.BigIntegerField(index=True)
    previous_owner_id = peewee.BigIntegerField(index=True)
    end_date = Moment()
    removal_reason = peewee.CharField(255, null=True)
    remover_account_id = peewee.BigIntegerField(null=True)


class Nic(Record):
    """A network card of an Instance or a system VM.

    `mac_key` is its network and MAC while it lives, so that two NICs of a network with one MAC are impossible.
    """

    vm_id = peewee.BigIntegerField(index=True)
    network = Link(Network)
    device_id = peewee.IntegerField(default=0)
    is_default = peewee.BooleanField(default=False)
    mac_address = peewee.CharField(32)
    mac_key = peewee.CharField(64, null=True, unique=True)
    ip4 = peewee.CharField(64, null=True)
    ip6 = peewee.CharField(64, null=True)
    gateway = peewee.CharField(64, null=True)
    netmask = peewee.CharField(64, null=True)
    ip6_gateway = peewee.CharField(64, null=True)
    ip6_cidr = peewee.CharField(64, null=True)
    broadcast_uri = peewee.CharField(255, null=True)
    isolation_uri = peewee.CharField(255, null=True)
    traffic_type = peewee.CharField(16, default="Guest")
    mode = peewee.CharField(16, default="Dhcp")
    state = peewee.CharField(16, default="Reserved")
    secondary = peewee.BooleanField(default=False)
    enabled = peewee.BooleanField(default=True)
    mtu = peewee.IntegerField(null=True)
    rate_mbps = peewee.IntegerField(default=0)
    ip_range_id = peewee.BigIntegerField(null=True)
    extra_dhcp_options = Json(null=True)
    generation = peewee.BigIntegerField(default=0)
    bytes_sent = peewee.BigIntegerField(default=0)
    bytes_received = peewee.BigIntegerField(default=0)

    class Meta:
        indexes = ((("network", "removed"), False),)


class NicSecondaryIp(Record):
    nic = Link(Nic)
    network = Link(Network)
    vm_id = peewee.BigIntegerField(index=True)
    account_id = peewee.BigIntegerField(index=True)
    domain_id = peewee.BigIntegerField(index=True)
    ip4 = peewee.CharField(64, null=True)
    ip6 = peewee.CharField(64, null=True)
    description = peewee.CharField(2048, null=True)


class GuestIp(Table):
    """An address of a guest network that is taken; its unique index makes two Instances with one IP impossible."""

    id = peewee.BigAutoField()
    network = Link(Network)
    ip = peewee.CharField(64)
    number = peewee.BigIntegerField(default=0)
    nic_id = peewee.BigIntegerField(null=True, index=True)

    class Meta:
        indexes = ((("network", "ip"), True),)


class StorageIpRange(Record):
    zone = Link(Zone)
    pod = Link(Pod)
    network_id = peewee.BigIntegerField(null=True)
    gateway = peewee.CharField(64)
    netmask = peewee.CharField(64)
    start_ip = peewee.CharField(64)
    end_ip = peewee.CharField(64)
    vlan = peewee.IntegerField(null=True)
