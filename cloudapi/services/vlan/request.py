"""What a client leaves open when it asks for a range: found from what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import IpRange, Network, PhysicalNetwork
from cloudapi.services.network import system
from cloudapi.services.vlan import subnet, tag


@dataclass(frozen=True, slots=True)
class Place:
    """Where a range is made."""

    zone: Zone
    network: Network
    physical_network: PhysicalNetwork | None


def find_place(context: Context, *, zone: Zone | None, network: Network | None,
               physical_network: PhysicalNetwork | None, virtual: bool) -> Place:
    """Return the zone, the network and the physical network of a new range.

    :param virtual: the range is for public addresses of isolated networks.
    :raises InvalidParameter: what is given does not lead to them, or the network takes no ranges.
    :raises PermissionDenied: the zone is disabled, and the caller no root admin.
    """
    zone = _zone(zone, network, physical_network)
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.name}")
    if virtual and zone.security_groups and zone.network_type == "Advanced":
        raise InvalidParameter("Can't add virtual IP range (forvirtualnetwork) into a zone with security group enabled")
    found = network or (system.of(context, zone, system.PUBLIC) if virtual else _direct_network(zone))
    _check_network(found, zone, virtual)
    if physical_network is None and found.physical_network_id is not None:
        physical_network = PhysicalNetwork.get_by_id(found.physical_network_id)
    if physical_network is None:
        physical_network = system.physical_network(zone.id, "Public" if virtual else "Guest")
    if physical_network is None:
        raise InvalidParameter("Unable to find Physical Network: parameter physicalnetworkid is missing, and none "
                               f"of the zone carries {'Public' if virtual else 'Guest'} traffic")
    if physical_network.zone_id != zone.id:
        raise InvalidParameter(f"Physical network {physical_network.uuid} (physicalnetworkid) is not in zone "
                               f"{zone.uuid}")
    return Place(zone, found, physical_network)


def _zone(zone: Zone | None, network: Network | None, physical_network: PhysicalNetwork | None) -> Zone:
    for source in (network, physical_network):
        if source is not None:
            return Zone.get_by_id(source.zone_id)
    if zone is None:
        raise InvalidParameter("parameter zoneid is missing: please specify zoneid, networkid or physicalnetworkid")
    return zone


def _direct_network(zone: Zone) -> Network:
    """Return the network to which guests of a Basic zone, or of one with security groups, are attached directly."""
    found: list[Network] = []
    if zone.network_type == "Basic" or zone.security_groups:
        found = [network for network in Network.alive(Network.zone == zone.id, Network.traffic_type == "Guest",
                                                      Network.guest_type == "Shared").order_by(Network.id)
                 if zone.network_type == "Basic" or "SecurityGroup" in (network.offering.services or {})]
    if not found:
        raise InvalidParameter("Network id (networkid) is required for Direct vlan creation")
    return found[0]


def _check_network(network: Network, zone: Zone, virtual: bool) -> None:
    if virtual:
        if network.traffic_type != "Public":
            raise InvalidParameter(f"Can't find Public network: {network.uuid} (networkid) carries "
                                   f"{network.traffic_type} traffic")
        return
    source_nat = network.guest_type == "Isolated" and "SourceNat" in (network.offering.services or {})
    if network.guest_type is None or source_nat:
        raise InvalidParameter(f"Can't create direct vlan for network {network.uuid} (networkid) with type: "
                               f"{network.guest_type}")
    if not (network.specify_ip_ranges or network.offering.specify_ip_ranges):
        raise InvalidParameter(f"Network {network.uuid} (networkid) doesn't support adding IP ranges")
    if zone.network_type == "Advanced" and network.guest_type != "Shared":
        raise InvalidParameter("Can execute createVLANIpRanges on shared guest Network, but type of this guest Network "
                               f"{network.uuid} (networkid) is {network.guest_type}")


def complete(network: Network, asked: dict[str, Any]) -> dict[str, Any]:
    """Return gateway, netmask and VLAN of a range of a shared network: what is not given is that of its other ranges.

    :param asked: `gateway`, `netmask`, `vlan`, `start_ip`, `end_ip`, `ip6_gateway`, `ip6_cidr`.
    :raises InvalidParameter: another VLAN, or a subnet that is neither the network's nor one beside it.
    """
    found = dict(asked)
    existing = list(IpRange.alive(IpRange.network == network.id).order_by(IpRange.id))
    if existing and network.traffic_type == "Guest":
        present = existing[0].vlan
        if not found["vlan"] or tag.number(tag.uri(found["vlan"])) is None:
            found["vlan"] = present
        elif not tag.same(tag.uri(found["vlan"]), present):
            raise InvalidParameter(f"there is already one vlan {present} on network {network.uuid}, only one vlan is "
                                   "allowed on guest network (vlan)")
    if found["start_ip"] and network.traffic_type == "Guest":
        _complete_ip4(network, existing, found)
    if found["ip6_cidr"] or asked.get("start_ip6"):
        _complete_ip6(network, found)
    return found


def _complete_ip4(network: Network, existing: list[IpRange], found: dict[str, Any]) -> None:
    if found["gateway"] or found["netmask"]:
        if not (found["gateway"] and found["netmask"]):
            raise InvalidParameter("either both netmask and gateway should be passed or both should be omitted")
        _check_new_subnet(network, existing, found)
        return
    for item in existing:
        if item.gateway and subnet.ip4(found["start_ip"], "startip") in subnet.network4(item.gateway, item.netmask):
            found["gateway"], found["netmask"] = item.gateway, item.netmask
            return
    raise InvalidParameter("The IP range does not belong to any of the existing subnets, provide the netmask and "
                           "gateway if you want to add new subnet")


def _check_new_subnet(network: Network, existing: list[IpRange], found: dict[str, Any]) -> None:
    """A range extends a subnet that the network has, or lies beside all of them where DHCP can serve several."""
    mine = subnet.network4(found["gateway"], found["netmask"])
    beside = bool(existing)
    for item in existing:
        if not item.gateway:
            continue
        theirs = subnet.network4(item.gateway, item.netmask)
        if mine == theirs:
            if item.gateway != found["gateway"]:
                raise InvalidParameter("The gateway of the subnet should be unique. The subnet already has a "
                                       f"gateway {item.gateway} (gateway)")
            beside = False
        elif mine.overlaps(theirs):
            kind = "superset" if mine.prefixlen < theirs.prefixlen else "subset"
            raise InvalidParameter(f"The subnet you are trying to add is a {kind} of the existing subnet having "
                                   f"gateway {item.gateway} and netmask {item.netmask}")
    if beside and not serves_several_subnets(network):
        raise InvalidParameter("The dhcp service provider for this network does not support dhcp across multiple "
                               "subnets")


def serves_several_subnets(network: Network) -> bool:
    """Whether the network's DHCP provider hands out addresses of more than one subnet."""
    from cloudapi.services.physical_network.catalogue import PROVIDERS

    for name in (network.offering.services or {}).get("Dhcp", ()):
        provider = PROVIDERS.get(name)
        if provider is not None and provider.services["Dhcp"].get("DhcpAccrossMultipleSubnets") == "true":
            return True
    return False


def _complete_ip6(network: Network, found: dict[str, Any]) -> None:
    if not found["ip6_gateway"] or not found["ip6_cidr"]:
        raise InvalidParameter("Gateway and CIDR (ip6gateway, ip6cidr) have to be passed in for an IPv6 range")
    if subnet.network6(found["ip6_cidr"]).prefixlen > 64:
        raise InvalidParameter(f"Invalid value {found['ip6_cidr']} for parameter ip6cidr: for IPv6 range, prefix "
                               "must be /64 or less")
    for name in ("ip6_gateway", "ip6_cidr"):
        present = getattr(network, name)
        if network.traffic_type == "Guest" and present and present != found[name]:
            raise InvalidParameter(f"The input {name.replace('_', '')} {found[name]} is not same as network's "
                                   f"{present}")
