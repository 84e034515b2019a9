"""Addresses of guest networks: taken one by one, each by a row that the database keeps unique.

A candidate is picked at random and inserted; only where it is taken, or the network is nearly full, are the
addresses in use read. So an allocation costs one statement, however many run at once.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator

import peewee

from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.base import new_uuid, now
from cloudapi.models.database import database
from cloudapi.models.network import GuestIp, IpAddress, IpRange, Network, Nic, NicSecondaryIp

GUESSES = 6


def number(ip: str) -> int:
    return int(ipaddress.ip_address(ip))


def parse_ip4(value: str, name: str) -> str:
    """Return the address in its plain form.

    :raises InvalidParameter: it is no IPv4 address.
    """
    try:
        return str(ipaddress.IPv4Address(value.strip()))
    except ValueError:
        raise InvalidParameter(f"Invalid IPv4 address {value[:64]} for parameter {name}") from None


def parse_cidr(value: str, name: str) -> ipaddress.IPv4Network:
    """Return the IPv4 network of a CIDR.

    :raises InvalidParameter: it is none, or has bits set behind its prefix.
    """
    try:
        if "/" not in value:
            raise ValueError(value)
        return ipaddress.IPv4Network(value.strip())
    except ValueError:
        raise InvalidParameter(f"Invalid CIDR {value[:64]} for parameter {name}") from None


def usable(network: Network) -> tuple[int, int]:
    """Return the first and the last number of the addresses that NICs of an isolated network may have."""
    cidr = ipaddress.IPv4Network(network.cidr)
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if network.network_cidr and network.network_cidr != network.cidr:
        outer = ipaddress.IPv4Network(network.network_cidr)
        return max(first, int(outer.network_address) + 1), min(last, int(outer.broadcast_address) - 1)
    return first + 1, last - 1


def _reserved(network: Network) -> set[int]:
    return {number(ip) for ip in (network.gateway, network.router_ip) if ip}


def _insert(network: Network, ip: str, nic_id: int | None) -> bool:
    """Take an address. Returns whether it was free."""
    return bool(GuestIp.insert(network=network.id, ip=ip, number=0 if ":" in ip else number(ip), nic_id=nic_id)
                .on_conflict_ignore().as_rowcount().execute())


def _guesses(network: Network) -> Iterator[int]:
    """Yield candidates: some at random, then all that are free."""
    first, last = usable(network)
    reserved = _reserved(network)
    for _ in range(GUESSES):
        guess = random.randint(first, last)
        if guess not in reserved:
            yield guess
    if last - first > 1 << 20:
        first, last = (start := random.randint(first, last - (1 << 16))), start + (1 << 16)
    taken = {row[0] for row in GuestIp.select(GuestIp.number).where(
        GuestIp.network == network.id, GuestIp.number.between(first, last)).tuples()}
    for candidate in range(first, last + 1):
        if candidate not in taken and candidate not in reserved:
            yield candidate


def take(network: Network, ip: str | None = None, *, nic_id: int | None = None, router: bool = False) -> str:
    """Take an address of a guest network: this one, or any. Within a transaction.

    :param router: it is for the network's router, which may have the gateway's or the router's own.
    :raises InvalidParameter: the wanted address is not in the network, or taken.
    :raises InsufficientCapacity: all are taken.
    """
    if IpRange.select().where(IpRange.network == network.id, IpRange.removed.is_null()).exists():
        return _take_listed(network, ip, nic_id)
    if not network.cidr:
        raise InvalidParameter(f"Network {network.uuid} has no IPv4 addresses")
    if ip is None:
        for candidate in _guesses(network):
            text = str(ipaddress.IPv4Address(candidate))
            if _insert(network, text, nic_id):
                return text
        raise InsufficientCapacity(f"Unable to allocate an IP address: network {network.name} has none left")
    first, last = usable(network)
    wanted = number(ip)
    own = router and wanted in _reserved(network)
    if not own and (not first <= wanted <= last or wanted in _reserved(network)):
        raise InvalidParameter(f"The requested IP address {ip} is not available in network {network.uuid}: "
                               f"it is outside {network.cidr} or reserved")
    if not _insert(network, ip, nic_id):
        raise InvalidParameter(f"The requested IP address {ip} is not available in network {network.uuid}: "
                               "it is already assigned")
    return ip


def _take_listed(network: Network, ip: str | None, nic_id: int | None) -> str:
    """Take an address of a network whose addresses are listed in ranges (shared ones)."""
    free = (IpAddress.select(IpAddress.id, IpAddress.ip).join(IpRange, on=(IpRange.id == IpAddress.ip_range))
            .where(IpRange.network == network.id, IpRange.removed.is_null(), IpAddress.removed.is_null(),
                   IpAddress.state == "Free"))
    if ip is not None:
        free = free.where(IpAddress.ip == ip)
    for _ in range(1 if ip is not None else 50):
        rows = list(free.limit(32).tuples())
        if not rows:
            break
        address_id, found = random.choice(rows)
        changed = (IpAddress.update(state="Allocated", network_id=network.id, nic_id=nic_id, allocated=now(),
                                    account_id=network.account_id, domain_id=network.domain_id)
                   .where(IpAddress.id == address_id, IpAddress.state == "Free").execute())
        if changed == 1:
            return str(found)
    if ip is not None:
        raise InvalidParameter(f"The requested IP address {ip} is not available in network {network.uuid}")
    raise InsufficientCapacity(f"Unable to allocate an IP address: network {network.name} has none left")


def assign(network: Network, ip: str, nic: Nic) -> None:
    """Note which NIC has an address that `take` gave."""
    GuestIp.update(nic_id=nic.id).where(GuestIp.network == network.id, GuestIp.ip == ip).execute()
    IpAddress.update(nic_id=nic.id, vm_id=nic.vm_id).where(
        IpAddress.network_id == network.id, IpAddress.ip == ip, IpAddress.state == "Allocated",
        IpAddress.source_network_id == network.id).execute()


def give_back(network_id: int, ip: str | None) -> None:
    """Free an address of a guest network; giving back twice changes nothing."""
    if not ip:
        return
    GuestIp.delete().where(GuestIp.network == network_id, GuestIp.ip == ip).execute()
    ranges = IpRange.select(IpRange.id).where(IpRange.network == network_id)
    (IpAddress.update(state="Free", network_id=None, nic_id=None, vm_id=None, allocated=None, account_id=None,
                      domain_id=None)
     .where(IpAddress.ip_range.in_(ranges), IpAddress.ip == ip, IpAddress.state != "Free").execute())


def netmask_of(network: Network, ip: str) -> tuple[str | None, str | None]:
    """Return `(netmask, gateway)` for an address of the network."""
    listed = (IpRange.select(IpRange.netmask, IpRange.gateway)
              .join(IpAddress, on=(IpAddress.ip_range == IpRange.id))
              .where(IpRange.network == network.id, IpAddress.ip == ip, IpRange.removed.is_null()).first())
    if listed is not None:
        return listed.netmask, listed.gateway
    cidr = network.network_cidr or network.cidr
    return (str(ipaddress.IPv4Network(cidr).netmask) if cidr else None), network.gateway


def take_secondary(nic: Nic, ip: str | None, account_id: int, domain_id: int,
                   description: str | None) -> NicSecondaryIp:
    """Take a further address for a NIC. Within a transaction.

    :raises InvalidParameter: the wanted address is not to be had.
    """
    network = nic.network
    if ip is not None and ":" in ip:
        found = take_ip6(network, ip)
        return NicSecondaryIp.create(nic=nic, network=network, vm_id=nic.vm_id, account_id=account_id,
                                     domain_id=domain_id, ip6=found, description=description)
    found = take(network, None if ip is None else parse_ip4(ip, "ipaddress"), nic_id=nic.id)
    return NicSecondaryIp.create(nic=nic, network=network, vm_id=nic.vm_id, account_id=account_id,
                                 domain_id=domain_id, ip4=found, description=description)


def take_ip6(network: Network, ip: str | None, mac: str | None = None) -> str:
    """Take an IPv6 address: this one, or that which follows from the MAC (EUI-64). Within a transaction.

    :raises InvalidParameter: the network has no IPv6, or the address is not to be had.
    """
    if not network.ip6_cidr:
        raise InvalidParameter(f"Network {network.uuid} has no IPv6 addresses")
    cidr = ipaddress.IPv6Network(network.ip6_cidr, strict=False)
    if ip is None:
        assert mac is not None
        octets = [int(part, 16) for part in mac.split(":")]
        octets[0] ^= 2
        tail = int.from_bytes(bytes([*octets[:3], 0xFF, 0xFE, *octets[3:]]), "big")
        ip = str(cidr[tail])
    try:
        wanted = ipaddress.IPv6Address(ip)
    except ValueError:
        raise InvalidParameter(f"Invalid IPv6 address {ip[:64]}") from None
    if wanted not in cidr or str(wanted) == network.ip6_gateway:
        raise InvalidParameter(f"The requested IP address {wanted} is not in {cidr} of network {network.uuid}")
    if not _insert(network, str(wanted), None):
        raise InvalidParameter(f"The requested IP address {wanted} is already assigned")
    return str(wanted)


def mac_key(network_id: int, mac: str) -> str:
    return f"{network_id}/{mac}"


def random_mac(identifier: int) -> str:
    """Return a locally administered MAC; `identifier` is its second byte."""
    tail = random.getrandbits(32).to_bytes(4, "big")
    return ":".join(f"{byte:02x}" for byte in (2, identifier & 0xFF, *tail))


def parse_mac(value: str) -> str:
    """Return a MAC in lower case.

    :raises InvalidParameter: it is none, or that of a group.
    """
    parts = value.strip().lower().replace("-", ":").split(":")
    valid = len(parts) == 6 and all(len(part) == 2 and set(part) <= set("0123456789abcdef") for part in parts)
    if not valid:
        raise InvalidParameter(f"Mac address is not valid: {value[:64]}")
    if int(parts[0], 16) & 1:
        raise InvalidParameter(f"Mac address is not unicast: {value[:64]}")
    return ":".join(parts)


def insert_nic(values: dict[str, object], network_id: int, mac: str | None, identifier: int) -> Nic:
    """Write a NIC with this MAC, or with one that no other of the network has. Within a transaction.

    :raises InvalidParameter: the wanted MAC is taken.
    """
    for _ in range(10):
        chosen = mac or random_mac(identifier)
        try:
            with database.atomic():
                created: Nic = Nic.create(uuid=new_uuid(), network=network_id, mac_address=chosen,
                                          mac_key=mac_key(network_id, chosen), **values)
                return created
        except peewee.IntegrityError:
            if mac is not None:
                raise InvalidParameter(f"Mac address {mac} is already assigned in the network") from None
    raise InsufficientCapacity("Unable to allocate a MAC address")
