"""Public addresses: acquired from the ranges of a zone, those dedicated to the account first, and given back."""

from __future__ import annotations

import random
from typing import Any

from cloudapi import events
from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter, ResourceAllocationFailed
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import IpAddress, IpRange, Network, QuarantinedIp
from cloudapi.services.account import limit

MINUTE = 60_000
PUBLIC = "VirtualNetwork"


def pools(context: Context, zone: Zone, account: Account, *, system: bool = False) -> list[list[int]]:
    """Return the ranges from which an account may take an address, in groups; the first with a free one serves.

    :param system: it is for a system VM: ranges reserved for those come first.
    """
    ranges = list(IpRange.alive(IpRange.zone == zone.id, IpRange.kind == PUBLIC))
    shared = [item.id for item in ranges if item.account_id is None and item.domain_id is None]
    if system:
        reserved = [item.id for item in ranges if item.for_system_vms]
        strict = context.settings.get("system.vm.public.ip.reservation.mode.strictness")
        return [reserved] if strict else [reserved, [key for key in shared if key not in reserved]]
    for_system = {item.id for item in ranges if item.for_system_vms}
    shared = [key for key in shared if key not in for_system]
    own = [item.id for item in ranges if item.account_id == account.id
           or (item.account_id is None and item.domain_id == account.domain_id)]
    if own and not context.settings.get("use.system.public.ips", account=account.id):
        return [own]
    return [own, shared]


def quarantined(account: Account) -> list[int]:
    """Return the addresses that are kept for somebody else at the moment."""
    rows = QuarantinedIp.select(QuarantinedIp.ip_address_id).where(
        QuarantinedIp.removed.is_null(), QuarantinedIp.end_date > now(), QuarantinedIp.previous_owner_id != account.id)
    return [row[0] for row in rows.tuples()]


def acquire(context: Context, account: Account, zone: Zone, *, network: Network | None = None, ip: str | None = None,
            source_nat: bool = False, system: bool = False, display: bool = True,
            state: str = "Allocated") -> IpAddress:
    """Take a public address for an account. Within a transaction.

    :param ip: exactly this one.
    :param system: for a system VM; belongs to the system account and counts for nobody.
    :raises InsufficientCapacity: none is free; of a wanted one, that it is not.
    """
    kept = quarantined(account)
    reserved = _reserved(account, zone, ip, network) if ip is not None else None
    if reserved is not None:
        return reserved
    groups = pools(context, zone, account, system=system)
    for group in groups:
        if not group:
            continue
        free = IpAddress.alive(IpAddress.ip_range.in_(group), IpAddress.state == "Free")
        if kept:
            free = free.where(IpAddress.id.not_in(kept))
        if ip is not None:
            free = free.where(IpAddress.ip == ip)
        for _ in range(20):
            candidates = list(free.order_by(IpAddress.id).limit(16))
            if not candidates:
                break
            found = random.choice(candidates)
            if _claim(context, found, account, network, source_nat, system, display, state):
                return found
    if ip is not None:
        raise InsufficientCapacity(f"Unable to acquire the IP address {ip} in zone {zone.name}: it is not free, kept "
                                   "in quarantine, dedicated to others, or in no range")
    raise InsufficientCapacity(f"Insufficient address capacity: no free public IP address in zone {zone.name}")


def _reserved(account: Account, zone: Zone, ip: str, network: Network | None) -> IpAddress | None:
    """Take the address where it is reserved for the account; it was counted then."""
    found = IpAddress.alive(IpAddress.zone == zone.id, IpAddress.ip == ip, IpAddress.state == "Reserved",
                            IpAddress.account_id == account.id).first()
    if found is None:
        return None
    found.state, found.allocated = "Allocated", now()
    found.network_id = network.id if network is not None else None
    found.save(only=[IpAddress.state, IpAddress.allocated, IpAddress.network_id])
    return found


def _claim(context: Context, found: IpAddress, account: Account, network: Network | None, source_nat: bool,
           system: bool, display: bool, state: str) -> bool:
    values: dict[str, Any] = {
        "state": state, "account_id": SYSTEM_ACCOUNT if system else account.id,
        "domain_id": 1 if system else account.domain_id, "allocated": now(), "is_source_nat": source_nat,
        "is_static_nat": False, "is_system": system, "for_display": display,
        "network_id": network.id if network is not None else None}
    changed = IpAddress.update(**values).where(IpAddress.id == found.id, IpAddress.state == "Free").execute()
    if changed != 1:
        return False
    for name, value in values.items():
        setattr(found, name, value)
    if not system:
        if _counts(found):
            limit.take(context, account, "public_ip", 1)
        QuarantinedIp.update(removed=now(),
                             removal_reason="IP address was allocated again by its previous owner").where(
            QuarantinedIp.ip_address_id == found.id, QuarantinedIp.removed.is_null()).execute()
    return True


def _counts(record: IpAddress) -> bool:
    """Whether an address counts for its owner: those out of a range that was dedicated to an account do not."""
    return IpRange.get_by_id(record.ip_range_id).account_id is None


def source_nat_of(network: Network) -> IpAddress | None:
    """Return the address behind which the Instances of a network appear."""
    return IpAddress.alive(IpAddress.network_id == network.id, IpAddress.is_source_nat == True).first()  # noqa: E712


def ensure_source_nat(context: Context, network: Network) -> IpAddress:
    """Return the network's source NAT address, taking one where it has none. Within a transaction."""
    found = source_nat_of(network)
    if found is not None:
        return found
    account = Account.get_by_id(network.account_id)
    taken = acquire(context, account, Zone.get_by_id(network.zone_id), network=network, source_nat=True)
    events.completed(context, "NET.IPASSIGN", f"assigning source NAT address {taken.ip} to network {network.uuid}",
                     taken)
    return taken


def set_free(context: Context, record: IpAddress) -> None:
    """Give an address back; its rules must be gone. Within a transaction; safe to repeat."""
    current = IpAddress.get_by_id(record.id)
    if current.state == "Free":
        return
    owner_id = current.account_id
    changed = (IpAddress.update(
        state="Free", account_id=None, domain_id=None, allocated=None, network_id=None, vpc_id=None, vm_id=None,
        nic_id=None, vm_ip=None, is_source_nat=False, is_static_nat=False, is_system=False, for_display=True,
        has_rules=False, rule_state=None)
        .where(IpAddress.id == current.id, IpAddress.state == current.state).execute())
    if changed != 1 or current.is_system or owner_id is None or owner_id == SYSTEM_ACCOUNT:
        return
    owner = Account.get_or_none(Account.id == owner_id)
    if owner is None:
        return
    if _counts(current):
        limit.give_back(owner, "public_ip", 1)
    minutes = int(context.settings.get("public.ip.address.quarantine.duration", domain=owner.domain_id))
    if minutes > 0:
        QuarantinedIp.create(ip_address_id=current.id, previous_owner_id=owner_id, end_date=now() + minutes * MINUTE)


def reserve(context: Context, account: Account, record: IpAddress, display: bool) -> IpAddress:
    """Keep a free address for an account until it is acquired or released. Within a transaction.

    :raises InvalidParameter: it is not free.
    :raises ResourceAllocationFailed: it is not for this account.
    """
    if record.state == "Reserved" and record.account_id == account.id:
        return record
    if record.state != "Free":
        raise InvalidParameter(f"IP address {record.uuid} is in {record.state} state and cannot be reserved")
    zone = Zone.get_by_id(record.zone_id)
    allowed = {key for group in pools(context, zone, account) for key in group}
    if record.ip_range_id not in allowed or record.id in quarantined(account):
        raise ResourceAllocationFailed(f"IP address {record.ip} is not available to account {account.account_name}")
    if not _claim(context, record, account, None, False, False, display, "Reserved"):
        raise InvalidParameter(f"IP address {record.uuid} is not free any more")
    return record


def unreserve(context: Context, record: IpAddress) -> None:
    """Give up a reserved address. Within a transaction.

    :raises InvalidParameter: it is not reserved.
    """
    if record.state != "Reserved":
        raise InvalidParameter(f"IP address {record.uuid} is in {record.state} state and cannot be released; only "
                               "reserved ones can")
    set_free(context, record)


def check_usable(network: Network | None, zone: Zone) -> None:
    """Refuse an address for a network that has no use for one.

    :raises InvalidParameter: the zone has no public addresses, or the network's offering does not use them.
    """
    if zone.network_type == "Basic" and not zone.security_groups:
        raise InvalidParameter(f"Public IP addresses cannot be associated in zone {zone.name} of type Basic")
    address_services = {"SourceNat", "StaticNat", "PortForwarding", "Lb", "Firewall", "Vpn"}
    if network is not None and not address_services.intersection(network.offering.services or {}):
        raise InvalidParameter(f"Network {network.uuid} does not support public IP addresses: its offering has none of "
                               f"the services {', '.join(sorted(address_services))}")
