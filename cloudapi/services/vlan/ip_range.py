"""Ranges of addresses: made, changed, dedicated to an account or a domain, and deleted.

A range dedicated to an account counts as public addresses of that account from its dedication on, whether they
are acquired or not; its single addresses do not count beside that.
"""

from __future__ import annotations

from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Pod, Zone
from cloudapi.models.network import IpAddress, IpRange, Network, PhysicalNetwork
from cloudapi.services.account import cleanup, limit
from cloudapi.services.vlan import conflict, ip_address, subnet, tag

PUBLIC, DIRECT = "VirtualNetwork", "DirectAttached"


def create(context: Context, *, zone: Zone, network: Network, physical_network: PhysicalNetwork | None,
           start_ip: str | None = None, end_ip: str | None = None, gateway: str | None = None,
           netmask: str | None = None, vlan: str | None = None, start_ip6: str | None = None,
           end_ip6: str | None = None, ip6_gateway: str | None = None, ip6_cidr: str | None = None,
           pod: Pod | None = None, account: Account | None = None, domain: Domain | None = None,
           for_virtual_network: bool = False, for_system_vms: bool = False, provider: str | None = None,
           bypass_vlan_check: bool = False) -> IpRange:
    """Add a range, and a row for each of its IPv4 addresses, to a public or a shared network. Within a transaction.

    A guest network learns its gateway and CIDR where it has none of this range yet.

    :param end_ip: `start_ip` where it is not given; likewise `end_ip6`.
    :param vlan: an id or its URI; None is the network's own, or untagged.
    :param account: the range is dedicated to this account, or else to `domain`.
    :param bypass_vlan_check: accept a VLAN that isolated networks may take by themselves.
    :raises InvalidParameter: addresses that do not fit together, or overlap with other ranges.
    :raises ResourceLimitExceeded: the account may not have so many public addresses.
    """
    if not start_ip and not ip6_cidr:
        raise InvalidParameter("StartIP or IPv6 CIDR is missing in the parameters: please specify startip or ip6cidr")
    _check_owner(zone, account, domain, for_system_vms)
    _check_pod(zone, network, pod)
    vlan = _vlan_for(network, vlan)
    end_ip, end_ip6 = end_ip or start_ip, end_ip6 or start_ip6
    numbers = None
    if start_ip:
        numbers = conflict.check4(zone, network, physical_network, vlan, gateway, netmask, start_ip, end_ip or start_ip)
    if ip6_cidr:
        subnet.check_range6(subnet.network6(ip6_cidr), ip6_gateway, start_ip6, end_ip6)
        conflict.check6(zone, ip6_cidr, start_ip6, end_ip6)
    if not bypass_vlan_check:
        conflict.check_vlan(physical_network, network, vlan)
    made = IpRange.create(
        zone=zone, network=network, physical_network=physical_network, pod=pod,
        kind=PUBLIC if for_virtual_network else DIRECT, vlan=vlan,
        gateway=gateway if numbers else None, netmask=netmask if numbers else None,
        start_ip=start_ip, end_ip=end_ip, ip6_gateway=ip6_gateway, ip6_cidr=ip6_cidr, start_ip6=start_ip6,
        end_ip6=end_ip6, account_id=account.id if account is not None else None,
        domain_id=account.domain_id if account is not None else domain.id if domain is not None else None,
        for_system_vms=for_system_vms, for_virtual_network=for_virtual_network, provider=provider)
    if numbers:
        ip_address.add(made, range(numbers[0], numbers[1] + 1))
        if account is not None and for_virtual_network:
            limit.take(context, account, "public_ip", numbers[1] - numbers[0] + 1)
    if network.traffic_type != "Public":
        _teach(network, made)
    return made


def _check_owner(zone: Zone, account: Account | None, domain: Domain | None, for_system_vms: bool) -> None:
    if account is not None and for_system_vms:
        raise InvalidParameter("account is not to be given together with forsystemvms: a range for system VMs is "
                               "nobody's own")
    if (account is not None or domain is not None) and zone.network_type != "Advanced":
        raise InvalidParameter("Vlan owner (account, domainid, projectid) can be defined only in the zone of type "
                               "Advanced")
    if account is not None and account.id == SYSTEM_ACCOUNT:
        raise InvalidParameter("Please specify a valid account: ranges are not dedicated to the system account")


def _check_pod(zone: Zone, network: Network, pod: Pod | None) -> None:
    if pod is None:
        return
    if pod.zone_id != zone.id:
        raise InvalidParameter(f"Pod {pod.uuid} (podid) doesn't belong to zone {zone.uuid}")
    if zone.network_type != "Basic" or network.traffic_type != "Guest":
        raise InvalidParameter("Pod id can be specified only for the networks of type Guest in zone of type Basic")


def _vlan_for(network: Network, vlan: str | None) -> str:
    """Return the tag of a range: what was asked for, which on a guest network is the network's own."""
    own = network.broadcast_uri if network.traffic_type == "Guest" else None
    if own is None:
        return tag.uri(vlan)
    if vlan and not tag.same(tag.uri(vlan), own):
        raise InvalidParameter(f"Invalid value {vlan} for parameter vlan: Vlan doesn't match vlan of the network, "
                               f"{own}")
    return str(own)


def _teach(network: Network, ip_range: IpRange) -> None:
    """Write the range's gateway and CIDR to its network where they are not noted yet; several are joined by commas."""
    cidr = str(subnet.network4(ip_range.gateway, ip_range.netmask)) if ip_range.gateway else None
    changes = {}
    for column, value in (("gateway", ip_range.gateway), ("cidr", cidr), ("ip6_gateway", ip_range.ip6_gateway),
                          ("ip6_cidr", ip_range.ip6_cidr)):
        noted = [part for part in (getattr(network, column) or "").split(",") if part]
        if value and value not in noted:
            changes[column] = ",".join([*noted, value])
    if changes:
        Network.update(**changes).where(Network.id == network.id).execute()
        for column, value in changes.items():
            setattr(network, column, value)


def dedicate(context: Context, ip_range: IpRange, account: Account | None, domain: Domain) -> IpRange:
    """Keep a public range for one account, or for a domain where no account is given. Within a transaction.

    :raises InvalidParameter: it is dedicated already, for system VMs, or others have addresses of it.
    """
    if ip_range.account_id is not None:
        raise InvalidParameter("Specified Public IP range (id) has already been dedicated")
    if ip_range.domain_id is not None:
        raise InvalidParameter("Specified Public IP range (id) has already been dedicated to a domain")
    if Zone.get_by_id(ip_range.zone_id).network_type == "Basic":
        raise InvalidParameter("Public IP range can be dedicated to an account only in the zone of type Advanced")
    if account is not None and account.id == SYSTEM_ACCOUNT:
        raise InvalidParameter("Please specify a valid account: cannot dedicate IP range to system account")
    if ip_range.for_system_vms:
        raise InvalidParameter(f"Public IP range {ip_range.uuid} is dedicated to system vms")
    used = list(ip_address.in_use(ip_range))
    for address in used:
        if account is not None and address.account_id != account.id:
            raise InvalidParameter(f"{address.ip} Public IP address in range is allocated to another account")
        if account is None and address.domain_id != domain.id:
            raise InvalidParameter(f"{address.ip} Public IP address in range is allocated to another domain/account")
    if account is not None and ip_range.kind == PUBLIC:
        total = IpAddress.select().where(IpAddress.ip_range == ip_range.id).count()
        limit.take(context, account, "public_ip", total - _counted_singly(used))
    _own(ip_range, account.id if account is not None else None,
         account.domain_id if account is not None else domain.id)
    return ip_range


def _counted_singly(used: list[IpAddress]) -> int:
    """Return how many addresses count for their owners by themselves: those that are acquired or reserved."""
    return sum(1 for address in used if not address.is_system)


def _own(ip_range: IpRange, account_id: int | None, domain_id: int | None) -> None:
    IpRange.update(account_id=account_id, domain_id=domain_id).where(IpRange.id == ip_range.id).execute()
    ip_range.account_id, ip_range.domain_id = account_id, domain_id


def release(context: Context, ip_range: IpRange) -> None:
    """End a range's dedication; acquired addresses without a use are given back. Within a transaction.

    :raises InvalidParameter: it is not dedicated.
    """
    if ip_range.account_id is None and ip_range.domain_id is None:
        raise InvalidParameter(f"Can't release Public IP range {ip_range.uuid} as it not dedicated to any domain and "
                               "any account")
    for address in ip_address.in_use(ip_range):
        if not (address.is_source_nat or address.is_static_nat or address.has_rules or address.is_system):
            _give_back(context, address)
    if ip_range.account_id is not None and ip_range.kind == PUBLIC:
        account = Account.get_by_id(ip_range.account_id)
        total = IpAddress.select().where(IpAddress.ip_range == ip_range.id).count()
        limit.give_back(account, "public_ip", total - _counted_singly(list(ip_address.in_use(ip_range))))
    _own(ip_range, None, None)


def _give_back(context: Context, address: IpAddress) -> None:
    from cloudapi.services.public_ip import public_ip

    public_ip.set_free(context, address)


def delete(context: Context, ip_range: IpRange) -> None:
    """Delete a range with its addresses. Within a transaction.

    Acquired addresses of a range that is dedicated to an account are given back, where nothing uses them.

    :raises InvalidParameter: addresses are in use.
    """
    used = list(ip_address.in_use(ip_range))
    if ip_range.account_id is not None and ip_range.kind == PUBLIC:
        for address in used:
            use = ("used for static nat" if address.is_static_nat else "a source nat ip" if address.is_source_nat
                   else "in use by rules" if address.has_rules else None)
            if use is not None:
                raise InvalidParameter(f"Can't delete account specific vlan {ip_range.uuid} (id) as ip {address.ip} "
                                       f"belonging to the range is {use}. Cleanup the rules first")
            _give_back(context, address)
        total = IpAddress.select().where(IpAddress.ip_range == ip_range.id).count()
        limit.give_back(Account.get_by_id(ip_range.account_id), "public_ip", total)
    elif used:
        raise InvalidParameter(f"{len(used)} Ips are in use. Cannot delete this vlan, range {ip_range.uuid}")
    conflict.check_ip6_unused(ip_range)
    ip_address.drop(ip_range)
    IpRange.update(removed=now()).where(IpRange.id == ip_range.id).execute()


@cleanup.register(80, "dedicated ranges of addresses")
def release_all(context: Context, account: Account) -> None:
    """End all dedications to an account that is being deleted."""

    def work() -> None:
        for ip_range in IpRange.alive(IpRange.account_id == account.id):
            if ip_range.kind == PUBLIC:
                release(context, ip_range)
            else:
                _own(ip_range, None, None)

    transact(work)
