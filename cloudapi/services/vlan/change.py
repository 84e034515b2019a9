"""Changes of a range: its subnet, its ends, whether it is for system VMs."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account
from cloudapi.models.network import GuestIp, IpAddress, IpRange, Network
from cloudapi.services.account import limit
from cloudapi.services.vlan import conflict, ip_address, subnet
from cloudapi.services.vlan.ip_range import PUBLIC


def update(context: Context, ip_range: IpRange, asked: dict[str, Any]) -> IpRange:
    """Change a range; what is None stays. Within a transaction.

    :param asked: `gateway`, `netmask`, `start_ip`, `end_ip`, `ip6_gateway`, `ip6_cidr`, `start_ip6`, `end_ip6`,
        `for_system_vms`.
    :raises InvalidParameter: values that do not fit, or that addresses in use do not allow.
    """
    ip4 = {name: asked[name] for name in ("gateway", "netmask", "start_ip", "end_ip") if asked.get(name) is not None}
    ip6 = {name: asked[name] for name in ("ip6_gateway", "ip6_cidr", "start_ip6", "end_ip6")
           if asked.get(name) is not None}
    if ip4 and not ip_range.gateway:
        raise InvalidParameter("IPv4 is not supported in this IP range: gateway, netmask, startip and endip do not "
                               "apply")
    if ip6 and not ip_range.ip6_gateway:
        raise InvalidParameter("IPv6 is not supported in this IP range: ip6gateway, ip6cidr, startipv6 and endipv6 "
                               "do not apply")
    changes: dict[str, Any] = {**_change4(context, ip_range, ip4), **_change6(ip_range, ip6)}
    wanted = asked.get("for_system_vms")
    if wanted is not None and wanted != bool(ip_range.for_system_vms):
        _check_purpose(ip_range)
        changes["for_system_vms"] = wanted
    if changes:
        IpRange.update(**changes).where(IpRange.id == ip_range.id).execute()
    return IpRange.get_by_id(ip_range.id)


def _change4(context: Context, ip_range: IpRange, asked: dict[str, str]) -> dict[str, Any]:
    if not asked:
        return {}
    after = {name: asked.get(name) or getattr(ip_range, name) for name in ("gateway", "netmask", "start_ip", "end_ip")}
    used = list(ip_address.in_use(ip_range).order_by(IpAddress.number))
    for name in ("gateway", "netmask"):
        if used and after[name] != getattr(ip_range, name):
            raise InvalidParameter(f"Unable to change {name} to {after[name]} because some IPs are in use")
    mine = subnet.network4(after["gateway"], after["netmask"])
    numbers = subnet.check_range4(mine, after["gateway"], after["start_ip"], after["end_ip"])
    if used and not (numbers[0] <= used[0].number and used[-1].number <= numbers[1]):
        raise InvalidParameter(f"The start IP address (startip) must be less than or equal to {used[0].ip} which is "
                               "already in use. The end IP address (endip) must be greater than or equal to "
                               f"{used[-1].ip} which is already in use. There are {len(used)} IPs already allocated "
                               "in this range.")
    _check_others(ip_range, mine, after, numbers)
    before = ip_address.numbers(ip_range)
    assert before is not None
    if ip_range.account_id is not None and ip_range.kind == PUBLIC:
        _count(context, Account.get_by_id(ip_range.account_id), (numbers[1] - numbers[0]) - (before[1] - before[0]))
    ip_address.resize(ip_range, before, numbers)
    return after


def _check_others(ip_range: IpRange, mine: IPv4Network, after: dict[str, str], numbers: tuple[int, int]) -> None:
    network = Network.get_by_id(ip_range.network_id)
    conflict.check_pods(ip_range.zone, numbers)
    for other in IpRange.alive(IpRange.zone == ip_range.zone_id, IpRange.gateway.is_null(False),
                               IpRange.id != ip_range.id):
        conflict.check_against(network, mine, ip_range.vlan, after["gateway"], after["netmask"], numbers, other)


def _count(context: Context, account: Account, more: int) -> None:
    if more > 0:
        limit.take(context, account, "public_ip", more)
    elif more < 0:
        limit.give_back(account, "public_ip", -more)


def _change6(ip_range: IpRange, asked: dict[str, str]) -> dict[str, Any]:
    if not asked:
        return {}
    names = ("ip6_gateway", "ip6_cidr", "start_ip6", "end_ip6")
    after = {name: asked.get(name) or getattr(ip_range, name) for name in names}
    used = _used6(ip_range)
    for name, parameter in (("ip6_gateway", "ip6gateway"), ("ip6_cidr", "ip6cidr")):
        if used and after[name] != getattr(ip_range, name):
            raise InvalidParameter(f"Unable to change IPv6 {parameter} to {after[name]} because some IPs are in use")
    subnet.check_range6(subnet.network6(after["ip6_cidr"]), after["ip6_gateway"], after["start_ip6"], after["end_ip6"])
    conflict.check6(ip_range.zone, after["ip6_cidr"], after["start_ip6"], after["end_ip6"], besides=ip_range)
    bounds = conflict.bounds6(after["ip6_cidr"], after["start_ip6"], after["end_ip6"])
    outside = [ip for ip in used if not bounds[0] <= subnet.number(ip) <= bounds[1]]
    if outside:
        raise InvalidParameter(f"The IPv6 range (startipv6, endipv6) leaves out addresses in use: {','.join(outside)}")
    return after


def _used6(ip_range: IpRange) -> list[str]:
    bounds = conflict.bounds6(ip_range.ip6_cidr, ip_range.start_ip6, ip_range.end_ip6)
    return [row.ip for row in GuestIp.select(GuestIp.ip).where(
        GuestIp.network == ip_range.network_id, GuestIp.ip.contains(":"))
        if bounds[0] <= subnet.number(row.ip) <= bounds[1]]


def _check_purpose(ip_range: IpRange) -> None:
    """Refuse to change for whom a range is where it is somebody's own, or its addresses are in use."""
    if ip_range.kind != PUBLIC:
        raise InvalidParameter(f"forsystemvms is not available for this IP range with vlan type: {ip_range.kind}")
    if ip_range.account_id is not None:
        raise InvalidParameter("Specified Public IP range has already been dedicated to an account (forsystemvms)")
    if ip_range.domain_id is not None:
        raise InvalidParameter("Specified Public IP range has already been dedicated to a domain (forsystemvms)")
    used = ip_address.in_use(ip_range).first()
    if used is not None:
        raise InvalidParameter(f"IP {used.ip} is in use, cannot change forsystemvms of the IP range")
