"""What keeps a range from being made: addresses and VLANs that others have already."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Pod, PodIpRange, Zone
from cloudapi.models.network import GuestIp, IpRange, Network, PhysicalNetwork
from cloudapi.services.physical_network.vlan import is_dynamic
from cloudapi.services.vlan import subnet, tag


def check4(zone: Zone, network: Network, physical_network: PhysicalNetwork | None, vlan: str, gateway: str | None,
           netmask: str | None, start: str, end: str) -> tuple[int, int]:
    """Check the IPv4 part of a new range. Returns its first and last address as numbers.

    :raises InvalidParameter: it does not fit together, or overlaps with a pod, the guest networks or another range.
    """
    mine = subnet.network4(gateway, netmask)
    numbers = subnet.check_range4(mine, str(gateway), start, end)
    check_pods(zone, numbers)
    vlan_id = tag.number(vlan)
    if (zone.guest_cidr and vlan_id is not None and physical_network is not None
            and mine.overlaps(IPv4Network(zone.guest_cidr, strict=False)) and is_dynamic(physical_network, vlan_id)):
        raise InvalidParameter(f"The new IP range {mine} has overlapped with the guest network {zone.guest_cidr} in "
                               f"zone: {zone.name} along with existing Vlan also. Please specify a different "
                               "gateway/netmask")
    for other in IpRange.alive(IpRange.zone == zone.id, IpRange.gateway.is_null(False)):
        check_against(network, mine, vlan, str(gateway), str(netmask), numbers, other)
    return numbers


def check_pods(zone: Zone, numbers: tuple[int, int]) -> None:
    """Refuse addresses that a pod of the zone has for its management network."""
    for pod in (PodIpRange.select(PodIpRange.start_ip, PodIpRange.end_ip).join(Pod, on=(Pod.id == PodIpRange.pod))
                .where(Pod.zone == zone.id, Pod.removed.is_null())):
        if subnet.overlap(numbers, (subnet.number(pod.start_ip), subnet.number(pod.end_ip))):
            raise InvalidParameter("The StartIP and EndIP address range overlap with private IP "
                                   f":{pod.start_ip}:{pod.end_ip}")


def check_against(network: Network, mine: IPv4Network, vlan: str, gateway: str, netmask: str,
                  numbers: tuple[int, int], other: IpRange) -> None:
    """Refuse a new range where another of the zone has its subnet: one VLAN's subnet is extended, not made twice."""
    theirs = subnet.network4(other.gateway, other.netmask)
    if not mine.overlaps(theirs):
        return
    if tag.number(vlan) is None or tag.same(vlan, other.vlan):
        if (gateway, netmask) != (other.gateway, other.netmask):
            raise InvalidParameter(f"The IP range has already been added with gateway {other.gateway}, and netmask "
                                   f"{other.netmask}. Please specify the gateway/netmask if you want to extend ip "
                                   "range")
        existing = (subnet.number(other.start_ip), subnet.number(other.end_ip or other.start_ip))
        if mine.prefixlen != 31 and subnet.overlap(numbers, existing):
            raise InvalidParameter("The IP range already has IPs that overlap with the new range. Please specify a "
                                   "different start IP/end IP (startip, endip)")
    elif network.traffic_type == "Public" or Network.get_by_id(other.network_id).traffic_type == "Public":
        raise InvalidParameter(f"The IP range with tag: {other.vlan} has overlapped with the subnet. Please specify "
                               "a different gateway/netmask")


def check6(zone: Zone, cidr: str, start: str | None, end: str | None, besides: IpRange | None = None) -> None:
    """Refuse IPv6 addresses that another range of the zone has."""
    mine = bounds6(cidr, start, end)
    for other in IpRange.alive(IpRange.zone == zone.id, IpRange.ip6_cidr.is_null(False)):
        if (besides is None or other.id != besides.id) and subnet.overlap(
                mine, bounds6(other.ip6_cidr, other.start_ip6, other.end_ip6)):
            raise InvalidParameter(f"The IPv6 range with tag: {other.vlan} already has IPs that overlap with the new "
                                   f"range {cidr}")


def bounds6(cidr: str, start: str | None, end: str | None) -> tuple[int, int]:
    """Return the first and last address, as numbers, of a range; of its CIDR where it has no limits."""
    if start:
        return subnet.number(start), subnet.number(end or start)
    network = IPv6Network(cidr, strict=False)
    return int(network.network_address), int(network.broadcast_address)


def check_vlan(physical_network: PhysicalNetwork | None, network: Network, vlan: str) -> None:
    """Refuse a VLAN that isolated networks may take by themselves."""
    number = tag.number(vlan)
    if physical_network is not None and number is not None and is_dynamic(physical_network, number):
        raise InvalidParameter(f"The VLAN tag {vlan} is already being used for dynamic vlan allocation for the guest "
                               f"network in zone {Zone.get_by_id(network.zone_id).name}")


def check_ip6_unused(ip_range: IpRange) -> None:
    """Refuse to take away IPv6 addresses that NICs have."""
    if not ip_range.ip6_cidr or ip_range.network_id is None:
        return
    first, last = bounds6(ip_range.ip6_cidr, ip_range.start_ip6, ip_range.end_ip6)
    used = [row.ip for row in GuestIp.select(GuestIp.ip).where(GuestIp.network == ip_range.network_id,
                                                               GuestIp.ip.contains(":"))]
    inside = sum(1 for ip in used if first <= subnet.number(ip) <= last)
    if inside:
        raise InvalidParameter(f"{inside} IPv6 addresses are in use. Cannot delete this vlan, range {ip_range.uuid}")
