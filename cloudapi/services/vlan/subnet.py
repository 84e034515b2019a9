"""Addresses, netmasks and ranges as clients write them, checked."""

from __future__ import annotations

from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
)

from cloudapi.errors import InvalidParameter


def ip4(text: str | None, parameter: str) -> IPv4Address:
    """Return the address that a parameter names.

    :raises InvalidParameter: it is missing or no IPv4 address.
    """
    try:
        return IPv4Address((text or "").strip())
    except AddressValueError:
        raise InvalidParameter(f"Invalid value {text!r} for parameter {parameter}: please specify a valid IPv4 address"
                               if text else f"parameter {parameter} is missing: please specify a valid IPv4 "
                                            "address") from None


def ip6(text: str | None, parameter: str) -> IPv6Address:
    """Return the IPv6 address that a parameter names.

    :raises InvalidParameter: it is missing or no IPv6 address.
    """
    try:
        return IPv6Address((text or "").strip())
    except AddressValueError:
        raise InvalidParameter(f"Invalid value {text!r} for parameter {parameter}: please specify a valid IPv6 address"
                               if text else f"parameter {parameter} is missing: please specify a valid IPv6 "
                                            "address") from None


def network4(gateway: str | None, netmask: str | None) -> IPv4Network:
    """Return the subnet of a gateway and a netmask such as 255.255.255.0.

    :raises InvalidParameter: one of them is missing or cannot be read.
    """
    address = ip4(gateway, "gateway")
    ip4(netmask, "netmask")
    try:
        found = IPv4Network((str(address), str(netmask)), strict=False)
    except (NetmaskValueError, ValueError):
        found = None
    if found is None or str(found.netmask) != netmask or found.prefixlen == 0:
        raise InvalidParameter(f"Invalid value {netmask!r} for parameter netmask: please specify a valid netmask")
    return found


def network6(cidr: str | None, parameter: str = "ip6cidr") -> IPv6Network:
    """Return the IPv6 network of a CIDR; bits beyond the prefix are no fault.

    :raises InvalidParameter: it is missing or cannot be read.
    """
    try:
        if cidr and "/" in cidr:
            return IPv6Network(cidr.strip(), strict=False)
    except ValueError:
        pass
    raise InvalidParameter(f"Invalid value {cidr!r} for parameter {parameter}: please specify a valid IPv6 CIDR")


def check_range4(network: IPv4Network, gateway: str, start: str, end: str, *,
                 names: tuple[str, str] = ("startip", "endip")) -> tuple[int, int]:
    """Return the first and the last address of a range as numbers.

    :raises InvalidParameter: they are no addresses of the subnet, run backwards, or hold the gateway.
    """
    first, last = ip4(start, names[0]), ip4(end, names[1])
    for address, name in ((first, names[0]), (last, names[1])):
        if address not in network:
            raise InvalidParameter(f"Invalid value {address} for parameter {name}: please specify a valid IP range "
                                   f"or valid netmask or valid gateway, the address is outside of {network}")
    if last < first:
        raise InvalidParameter(f"Invalid value {last} for parameter {names[1]}: please specify a valid IP range, it "
                               "ends before it begins")
    # With a /31 both addresses are those of hosts (RFC 3021), the gateway's as well.
    if network.prefixlen != 31 and first <= IPv4Address(gateway) <= last:
        raise InvalidParameter(f"Invalid value {gateway} for parameter gateway: the gateway ip should not be the "
                               "part of the ip range being added")
    return int(first), int(last)


def check_range6(network: IPv6Network, gateway: str | None, start: str | None, end: str | None) -> None:
    """Check the gateway and, where it is given, the range of an IPv6 network.

    :raises InvalidParameter: an address is missing or outside of the network, or the range runs backwards.
    """
    for text, name in ((gateway, "ip6gateway"), (start, "startipv6"), (end, "endipv6")):
        if text is None and name != "ip6gateway":
            continue
        if ip6(text, name) not in network:
            raise InvalidParameter(f"Invalid value {text} for parameter {name}: the address is not in ip6cidr "
                                   f"{network}")
    if (start is None) != (end is None):
        raise InvalidParameter("startipv6 and endipv6 go together: please specify both or neither")
    if start is not None and end is not None:
        first, last = ip6(start, "startipv6"), ip6(end, "endipv6")
        if last < first:
            raise InvalidParameter(f"Invalid value {end} for parameter endipv6: the range ends before it begins")
        if gateway is not None and first <= ip6(gateway, "ip6gateway") <= last:
            raise InvalidParameter(f"Invalid value {gateway} for parameter ip6gateway: the gateway is part of the "
                                   "range")


def overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two ranges of numbers, both ends included, have something in common."""
    return first[0] <= second[1] and second[0] <= first[1]


def number(address: str | None) -> int:
    """Return an address, of either family, as a number."""
    text = address or ""
    return int(IPv6Address(text) if ":" in text else IPv4Address(text))
