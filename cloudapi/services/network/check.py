"""What a new network may ask for, and who may ask for it."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from cloudapi.context import ROOT_DOMAIN, Context
from cloudapi.errors import (
    InternalError,
    InvalidParameter,
    PermissionDenied,
    ResourceAllocationFailed,
    UnsupportedAction,
)
from cloudapi.models.network import Network, NetworkServiceProvider, PhysicalNetwork
from cloudapi.models.offering import NetworkOffering
from cloudapi.services.network.address import parse_ip4 as ip4
from cloudapi.services.physical_network import vlan as tags
from cloudapi.services.vlan import subnet

if TYPE_CHECKING:
    from cloudapi.services.network.creation import Wanted

__all__ = ["acl", "addresses", "domain_name", "ip4", "mtu", "name", "offering", "plain_vlan",
           "providers", "subnets", "vlan"]

LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
PRIVATE = tuple(ipaddress.IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                                         "100.64.0.0/10"))
MINIMUM_MTU, MINIMUM_MTU6 = 68, 1280


def offering(context: Context, wanted: Wanted) -> None:
    """The offering is for sale, for guests, and of a kind that the zone can have."""
    chosen, zone = wanted.offering, wanted.zone
    if chosen.traffic_type != "Guest" or chosen.system_only:
        raise InvalidParameter(f"Unable to create a network of offering {chosen.uuid}: networkofferingid is not for "
                               "guests")
    if chosen.state != "Enabled":
        raise InvalidParameter(f"Can't use network offering {chosen.uuid} (networkofferingid): its state is not "
                               "Enabled")
    if chosen.for_vpc:
        raise InvalidParameter(f"Network offering {chosen.uuid} (networkofferingid) is for networks of a VPC")
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.name}")
    if zone.domain_id is not None and not context.caller.is_root_admin:
        from cloudapi.models.identity import Domain

        if not Domain.get_by_id(wanted.owner.domain_id).path.startswith(Domain.get_by_id(zone.domain_id).path):
            raise PermissionDenied(f"Zone {zone.name} is dedicated to another domain")
    if zone.security_groups and wanted.guest_type == "Isolated":
        raise InvalidParameter("Only shared or L2 guest network can be created in security group enabled zone")
    if zone.network_type == "Basic" and wanted.guest_type == "Isolated":
        raise InvalidParameter("Only shared or L2 guest network can be created in a zone of type Basic")
    if "SecurityGroup" in wanted.services:
        raise UnsupportedAction(f"Unable to create a network of offering {chosen.uuid} (networkofferingid): it has the "
                                "service SecurityGroup, but this installation has no security groups to keep its "
                                "guests apart")
    physical = wanted.physical_network
    if physical is not None and physical.zone_id != zone.id:
        raise InvalidParameter(f"Physical network {physical.uuid} (physicalnetworkid) is not in zone {zone.uuid}")
    if wanted.keep_mac_on_public_nic is not None and wanted.guest_type != "Isolated":
        raise InvalidParameter("The [keepmacaddressonpublicnic] parameter can only be specified on the creation of "
                               "[Isolated] networks.")
    if wanted.as_number is not None or chosen.specify_as_number:
        raise InvalidParameter("Zone has no AS numbers: asnumber cannot be given, and offerings that need one not used")
    if wanted.network_domain is not None:
        if "Dns" not in wanted.services:
            raise InvalidParameter(f"Domain name change is not supported by network offering {chosen.uuid}")
        domain_name(wanted.network_domain)
    _shared_parameters(wanted)


def _shared_parameters(wanted: Wanted) -> None:
    if wanted.router_ip or wanted.router_ip6:
        if not wanted.shared:
            raise InvalidParameter("Router IP can be specified only for Shared networks: routerip, routeripv6")
        if not any("VirtualRouter" in providers for providers in (wanted.offering.services or {}).values()):
            raise InvalidParameter("Virtual Router is not a supported provider for the Shared network, hence router IP "
                                   "should not be provided")
    if wanted.associated is not None:
        if wanted.vlan is not None:
            raise InvalidParameter("Associated network and vlanId are mutually exclusive")
        if not wanted.shared or wanted.offering.specify_vlan:
            raise InvalidParameter("Can only create Shared network with associated network if specifyVlan is false")
        if wanted.associated.zone_id != wanted.zone.id or wanted.associated.broadcast_uri is None:
            raise InvalidParameter(f"Network {wanted.associated.uuid} (associatednetworkid) is not an implemented "
                                   "network of the zone")


def domain_name(value: str) -> None:
    """:raises InvalidParameter: no valid DNS domain."""
    if len(value) > 190 or not all(LABEL.fullmatch(label) for label in value.split(".")):
        raise InvalidParameter(f"Invalid network domain {value[:80]}: labels have 1 to 63 letters, digits and inner "
                               "hyphens, the whole at most 190 characters")


def acl(context: Context, wanted: Wanted) -> None:
    """Settle who may use the network: an account, or a domain."""
    caller = context.caller
    if wanted.acl_type is None:
        wanted.acl_type = "Domain" if wanted.shared and caller.is_root_admin else "Account"
    if wanted.acl_type == "Domain":
        if not wanted.shared:
            raise InvalidParameter("AclType should be Account for network type Isolated and L2")
        if wanted.domain is None and caller.is_root_admin:
            from cloudapi.models.identity import Domain

            wanted.domain = Domain.get_by_id(ROOT_DOMAIN)
        if not caller.is_admin:
            raise PermissionDenied("Only admins may create networks with acltype Domain")
        if wanted.domain is None:
            from cloudapi.models.identity import Domain

            wanted.domain = Domain.get_by_id(caller.domain_id)
        if wanted.subdomain_access is None:
            wanted.subdomain_access = bool(context.settings.get("allow.subdomain.network.access"))
    elif wanted.subdomain_access is not None:
        raise InvalidParameter("Parameter subDomainAccess can be specified only with aclType=Domain")


def name(context: Context, wanted: Wanted) -> None:
    if not wanted.name.strip():
        raise InvalidParameter("Invalid name: a network's name is not empty")
    if context.settings.get("allow.duplicate.networkname", account=wanted.owner.id):
        return
    if Network.alive(Network.account_id == wanted.owner.id, Network.name == wanted.name).exists():
        raise InvalidParameter("Another network with same name already exists within account: "
                               f"{wanted.owner.account_name}")


def addresses(context: Context, wanted: Wanted) -> None:
    """Gateway, netmask, range, DNS and MTU fit together and to the kind of network."""
    _ip4(context, wanted)
    _ip6(wanted)
    _dns(wanted)
    for value, setting, parameter in ((wanted.public_mtu, "vr.public.interface.max.mtu", "publicmtu"),
                                      (wanted.private_mtu, "vr.private.interface.max.mtu", "privatemtu")):
        mtu(context, wanted.zone.id, value, setting, parameter)
    if wanted.cidr_size is not None:
        _cidr_size(wanted, wanted.cidr_size)


def _cidr_size(wanted: Wanted, size: int) -> None:
    if wanted.guest_type != "Isolated":
        raise InvalidParameter("network cidr size (cidrsize) is only applicable on Isolated networks")
    if wanted.gateway is not None:
        raise InvalidParameter("network cidr (gateway, netmask) and cidr size (cidrsize) are mutually exclusive")
    if wanted.offering.network_mode != "ROUTED":
        raise InvalidParameter("network cidr size (cidrsize) is only applicable on Isolated networks with ROUTED mode: "
                               f"{size}")


def subnets(wanted: Wanted) -> None:
    """The zone has the subnets from which the offering gives networks their addresses.

    No zone has any: neither IPv4 ones, which are routed to networks as they are, nor prefixes of IPv6.

    :raises UnsupportedAction: the network would be routed.
    :raises ResourceAllocationFailed: it would have IPv6.
    """
    if wanted.offering.network_mode == "ROUTED":
        raise UnsupportedAction(f"Unable to create a network of offering {wanted.offering.uuid} (networkofferingid) in "
                                f"zone {wanted.zone.name}: networkmode ROUTED needs IPv4 subnets for guest networks, "
                                "which zones of this installation do not have")
    if wanted.offering.internet_protocol != "IPv4":
        raise ResourceAllocationFailed("Unable to allocate IPv6 network: the internetprotocol of offering "
                                       f"{wanted.offering.uuid} (networkofferingid) is "
                                       f"{wanted.offering.internet_protocol}, zone {wanted.zone.name} has no IPv6 "
                                       "prefix for guest networks")


def providers(chosen: NetworkOffering, physical: PhysicalNetwork) -> None:
    """The providers of an offering are enabled on the physical network, for its services.

    :raises InternalError: one is not: 530, as CloudStack answers.
    """
    enabled = {row.provider_name: row.services or [] for row in NetworkServiceProvider.alive(
        NetworkServiceProvider.physical_network == physical.id, NetworkServiceProvider.state == "Enabled")}
    for service, names in (chosen.services or {}).items():
        for provider in names[:1]:
            if service not in enabled.get(provider, ()):
                raise InternalError(f"Provider {provider} is either not enabled or doesn't support service {service} "
                                    f"in physical network {physical.name} ({physical.uuid})")


def _ip4(context: Context, wanted: Wanted) -> None:
    if wanted.gateway is not None:
        wanted.gateway = ip4(wanted.gateway, "gateway")
    if (wanted.gateway is None) != (wanted.netmask is None):
        raise InvalidParameter("gateway and netmask are given together or not at all")
    if wanted.start_ip is not None and wanted.gateway is None:
        raise InvalidParameter("gateway and netmask should be defined when startIP/endIP are passed in")
    if wanted.guest_type == "L2" and (wanted.gateway or wanted.start_ip):
        raise InvalidParameter("startip, endip, gateway and netmask have no meaning for L2 networks")
    if wanted.shared and wanted.gateway is None and wanted.ip6_cidr is None:
        raise InvalidParameter("Gateway/netmask are required when creating Shared networks.")
    if wanted.shared and wanted.start_ip is None and wanted.start_ip6 is None and not context.settings.get(
            "allow.empty.start.end.ipaddress", account=wanted.owner.id):
        raise InvalidParameter("Either IPv4 or IPv6 start and end address are mandatory")
    if wanted.shared and wanted.gateway is not None and wanted.start_ip is None:
        raise InvalidParameter("IPv4 address range needs to be provided: startip is missing")
    if wanted.shared and wanted.start_ip is not None and not wanted.offering.specify_ip_ranges:
        raise InvalidParameter(f"Network offering {wanted.offering.uuid} doesn't support adding multiple IP ranges")
    if wanted.gateway is None:
        return
    block = subnet.network4(wanted.gateway, wanted.netmask)
    if ipaddress.IPv4Address(wanted.gateway) in (block.network_address, block.broadcast_address):
        raise InvalidParameter(f"Invalid gateway IP provided: {wanted.gateway} is the network or broadcast address "
                               f"of {block}")
    if wanted.start_ip is not None:
        wanted.end_ip = wanted.end_ip or wanted.start_ip
        subnet.check_range4(block, wanted.gateway, wanted.start_ip, wanted.end_ip)
    if not context.caller.is_root_admin and block.prefixlen < int(context.settings.get("network.guest.cidr.limit")):
        raise InvalidParameter(f"Cidr size can't be less than {context.settings.get('network.guest.cidr.limit')}")
    compliant = (any(block.subnet_of(private) for private in PRIVATE)
                 or context.settings.get("allow.non.rfc1918.compliant.ips"))
    if wanted.guest_type == "Isolated" and not compliant:
        raise InvalidParameter(f"Virtual Guest Cidr {block} is not RFC 1918 or 6598 compliant")
    if wanted.router_ip is not None:
        wanted.router_ip = ip4(wanted.router_ip, "routerip")
        if ipaddress.IPv4Address(wanted.router_ip) not in block:
            raise InvalidParameter(f"Router IPv4 IP provided ({wanted.router_ip}, routerip) is not within the "
                                   f"network {block}")


def _ip6(wanted: Wanted) -> None:
    if wanted.ip6_cidr is None and wanted.ip6_gateway is None:
        if wanted.start_ip6 or wanted.router_ip6:
            raise InvalidParameter("ip6gateway and ip6cidr should be defined when startipv6/endipv6 are passed in")
        return
    if wanted.ip6_cidr is None or wanted.ip6_gateway is None:
        raise InvalidParameter("ip6gateway and ip6cidr are given together or not at all")
    if not wanted.shared or wanted.zone.network_type != "Advanced":
        raise InvalidParameter("Can only support create IPv6 network with advance shared network!")
    if not any((*wanted.ip6_dns, wanted.zone.ip6_dns1, wanted.zone.ip6_dns2)):
        raise InvalidParameter("Can only create IPv6 network if the zone has IPv6 DNS: set ip6dns1 of the zone")
    wanted.end_ip6 = wanted.end_ip6 or wanted.start_ip6
    subnet.check_range6(subnet.network6(wanted.ip6_cidr), wanted.ip6_gateway, wanted.start_ip6, wanted.end_ip6)


def _dns(wanted: Wanted) -> None:
    if not any((*wanted.dns, *wanted.ip6_dns)):
        return
    if wanted.guest_type == "L2" or "Dns" not in wanted.services:
        raise InvalidParameter("dns1, dns2, ip6dns1 and ip6dns2 are only for networks with the service Dns")
    for value, parameter in zip(wanted.dns, ("dns1", "dns2"), strict=True):
        if value:
            ip4(value, parameter)
    for value, parameter in zip(wanted.ip6_dns, ("ip6dns1", "ip6dns2"), strict=True):
        if value:
            subnet.ip6(value, parameter)


def mtu(context: Context, zone_id: int, value: int | None, setting: str, parameter: str) -> None:
    """:raises InvalidParameter: more than the setting allows, or than any link has."""
    if value is None:
        return
    if not context.caller.is_root_admin and not context.settings.get("allow.end.users.to.specify.vr.mtu", zone=zone_id):
        raise InvalidParameter(f"{parameter} cannot be given: users may not choose the MTU in this zone")
    most = int(context.settings.get(setting, zone=zone_id))
    if not MINIMUM_MTU <= value <= most:
        raise InvalidParameter(f"Invalid value {value} for parameter {parameter}: it is between {MINIMUM_MTU} and "
                               f"{most}")


def plain_vlan(value: str) -> str:
    """Return the id in `vlan://101` or `101`, or `untagged`.

    :raises InvalidParameter: it is neither.
    """
    plain = value.strip().lower().rpartition("://")[2]
    if plain != "untagged" and not plain.isdecimal():
        raise InvalidParameter(f"Invalid value {value[:64]} for parameter vlan: it is an id or untagged")
    return plain


def vlan(context: Context, wanted: Wanted) -> None:
    """The VLAN is given where the offering wants one, by those who may, and used by nobody else."""
    chosen, zone = wanted.offering, wanted.zone
    asked = wanted.vlan is not None or wanted.bypass_vlan_check
    if not context.caller.is_root_admin and (chosen.specify_vlan or asked):
        raise InvalidParameter("Only ROOT admin is allowed to specify vlanId or bypass vlan overlap check")
    if wanted.pvlan is not None and not context.caller.is_root_admin:
        raise InvalidParameter("Only ROOT admin is allowed to create Private VLAN network")
    if wanted.vlan is not None and not chosen.specify_vlan:
        raise InvalidParameter("Can't specify vlan; corresponding offering says specifyVlan=false")
    if wanted.vlan is None:
        if chosen.specify_vlan:
            raise InvalidParameter("Vlan has to be specified; corresponding offering says specifyVlan=true")
        if wanted.pvlan is not None:
            raise InvalidParameter("VLAN ID has to be set in order to configure a Private VLAN")
        return
    plain = plain_vlan(wanted.vlan)
    _private_vlan(wanted, plain)
    if plain == "untagged":
        return
    from cloudapi.services.network.creation import physical_for

    physical: PhysicalNetwork = wanted.physical_network or physical_for(zone, chosen)
    low, high = tags.bounds(physical)
    if not low <= int(plain) <= high:
        raise InvalidParameter(f"Invalid value {plain} for parameter vlan: ids are between {low} and {high}")
    bypass = wanted.bypass_vlan_check and wanted.shared
    if not bypass and tags.is_dynamic(physical, int(plain)):
        raise InvalidParameter(f"The VLAN tag to use for new guest network, {plain} is already being used for "
                               "dynamic vlan "
                               f"allocation for the guest network in zone {zone.name}")
    same = Network.alive(Network.zone == zone.id, Network.vlan == plain, Network.traffic_type == "Guest",
                         Network.physical_network == physical.id)
    if not wanted.bypass_vlan_check and same.exists():
        raise InvalidParameter(f"Network with vlan {plain} already exists or overlaps with other network vlans in zone "
                               f"{zone.name}")


def _private_vlan(wanted: Wanted, plain: str) -> None:
    """The secondary VLAN of a private VLAN: of the primary's range, the same only where it is promiscuous."""
    if wanted.pvlan is None:
        if wanted.pvlan_type not in (None, "Promiscuous"):
            raise InvalidParameter(f"isolatedpvlantype {wanted.pvlan_type} needs isolatedpvlan")
        return
    if wanted.guest_type == "Isolated" or wanted.ip6_cidr:
        raise InvalidParameter("Can only support create Private VLAN network with advanced shared or L2 network "
                               "over IPv4!")
    if not wanted.pvlan.isdecimal() or not 1 <= int(wanted.pvlan) <= 4094 or plain == "untagged":
        raise InvalidParameter(f"Invalid value {wanted.pvlan[:32]} for parameter isolatedpvlan: it is a VLAN id")
    wanted.pvlan_type = wanted.pvlan_type or "Isolated"
    if (wanted.pvlan == plain) != (wanted.pvlan_type == "Promiscuous"):
        raise InvalidParameter("isolatedpvlan is the primary VLAN's id where isolatedpvlantype is Promiscuous, and "
                               "another one otherwise")
