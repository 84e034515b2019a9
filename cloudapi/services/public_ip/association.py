"""Public addresses in use: acquired for a network, put to it, released with all that they serve."""

from __future__ import annotations

import ipaddress
import random
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Pod, PodIpAddress, PodIpRange, Zone
from cloudapi.models.network import IpAddress, Network, QuarantinedIp
from cloudapi.services.firewall import removal
from cloudapi.services.network import network as networks
from cloudapi.services.network.address import parse_ip4
from cloudapi.services.nic import reservation
from cloudapi.services.public_ip import public_ip


def network_for(account: Account, zone: Zone) -> Network:
    """Return the network that an address is for where none is named: the account's only isolated one in the zone.

    :raises InvalidParameter: it has none, or several.
    """
    own = [network for network in Network.alive(
        Network.account_id == account.id, Network.zone == zone.id, Network.guest_type == "Isolated",
        Network.vpc_id.is_null(), Network.state != "Destroy") if networks.has_service(network, "SourceNat")]
    if not own:
        raise InvalidParameter(f"Account {account.account_name} has no Isolated network in zone {zone.name} which "
                               "the IP address could be associated with; specify networkid")
    if len(own) > 1:
        raise InvalidParameter(f"Account {account.account_name} has more than one Isolated network in zone "
                               f"{zone.name}; "
                               "specify networkid")
    return own[0]


def begin(context: Context, account: Account, zone: Zone | None, network: Network | None, *, ip: str | None,
          display: bool) -> IpAddress:
    """Take an address for a network of an account, in state Allocating. Within a transaction.

    :raises InvalidParameter: no place is named, or the network has no use for addresses.
    :raises InsufficientCapacity: none is free, or the wanted one is not.
    """
    if network is None:
        if zone is None:
            raise InvalidParameter("Unable to figure out zone to assign ip to. Please specify either zoneid, or "
                                   "networkid")
        place = zone
        if zone.network_type == "Advanced":
            network = network_for(account, zone)
    else:
        place = Zone.get_by_id(network.zone_id)
        if zone is not None and zone.id != place.id:
            raise InvalidParameter(f"Network {network.uuid} (networkid) is not in zone {zone.uuid} (zoneid)")
    public_ip.check_usable(network, place)
    if network is not None and network.guest_type == "Shared" and network.acl_type == "Domain":
        owner = account
    else:
        owner = Account.get_by_id(network.account_id) if network is not None else account
    wanted = parse_ip4(ip, "ipaddress") if ip is not None else None
    first = network is not None and networks.has_service(network,
                                                         "SourceNat") and public_ip.source_nat_of(network) is None
    found = public_ip.acquire(context, owner, place, network=network, ip=wanted, display=display, source_nat=first,
                              state="Allocating")
    context.event_text = f"associating IP address {found.ip} ({found.uuid})" + (
        f" to network {network.name} ({network.uuid})" if network is not None else f" in zone {place.name}")
    return found


def finish(context: Context, address: IpAddress) -> IpAddress:
    """Bring an address to its network's routers."""
    from cloudapi.services.router import router

    network = Network.get_or_none(Network.id == address.network_id)

    def write() -> None:
        IpAddress.update(state="Allocated").where(IpAddress.id == address.id, IpAddress.state == "Allocating").execute()
        if network is not None:
            networks.changed(network)

    context.steps.run("associate", write, undo=lambda _: _take_back(context, address))
    if network is not None:
        router.apply(context, network)
    return IpAddress.get_by_id(address.id)


def _take_back(context: Context, address: IpAddress) -> None:
    if address.network_id is not None:
        networks.changed(Network.get_by_id(address.network_id))
    public_ip.set_free(context, address)


def find(context: Context, address: IpAddress | None, ip: str | None) -> IpAddress:
    """Return the address that is named by its id or by itself.

    :raises InvalidParameter: neither or both are given, or nobody has it.
    """
    if address is not None:
        return address
    if not ip:
        raise InvalidParameter("Specify id or ipaddress")
    plain = parse_ip4(ip, "ipaddress")
    query = IpAddress.alive(IpAddress.ip == plain, IpAddress.state != "Free")
    if not context.caller.is_admin:
        query = query.where(IpAddress.account_id == context.caller.account_id)
    found = query.order_by(IpAddress.id).first()
    if found is None:
        raise InvalidParameter(f"Unable to find IP address {plain} (ipaddress)")
    return found


def release(context: Context, address: IpAddress) -> None:
    """Give an address back, with its rules.

    :raises InvalidParameter: it is its network's source NAT, a system VM's, or not a public one.
    """
    from cloudapi.services.router import router

    network = Network.get_or_none(Network.id == address.network_id)
    if address.is_source_nat and network is not None and network.state != "Allocated":
        raise InvalidParameter(f"IP address {address.uuid} is used for source nat purposes and can not be "
                               "disassociated.")
    if address.is_system:
        raise InvalidParameter(f"Can't release system IP address {address.uuid}")
    if address.ip_range.kind != public_ip.PUBLIC:
        raise InvalidParameter("Only IP addresses that belong to a virtual network may be disassociated.")

    def drop() -> None:
        removal.drop_address_rules(address)
        IpAddress.update(state="Releasing").where(IpAddress.id == address.id, IpAddress.state == "Allocated").execute()
        if network is not None:
            networks.changed(network)

    context.steps.run(f"release rules of {address.uuid}", drop)
    if network is not None and network.removed is None:
        router.apply(context, network)

    def end() -> None:
        current = IpAddress.get_by_id(address.id)
        if current.state != "Free":
            public_ip.set_free(context, current)

    context.steps.run(f"release {address.uuid}", end)


def update(address: IpAddress, *, custom_id: str | None, display: bool | None) -> IpAddress:
    """Change what is shown of an address. Within a transaction.

    :raises InvalidParameter: the id is taken.
    """
    if custom_id is not None:
        if IpAddress.select().where(IpAddress.uuid == custom_id, IpAddress.id != address.id).exists():
            raise InvalidParameter(f"customid {custom_id} is already in use")
        address.uuid = custom_id
    if display is not None:
        address.for_display = display
    address.save(only=[IpAddress.uuid, IpAddress.for_display])
    return address


def quarantine_of(context: Context, record: QuarantinedIp | None, ip: str | None) -> QuarantinedIp:
    """Return a quarantine that lasts, named by its id or its address.

    :raises InvalidParameter: there is none.
    """
    if record is None:
        if not ip:
            raise InvalidParameter("Specify id or ipaddress")
        addresses = IpAddress.select(IpAddress.id).where(IpAddress.ip == parse_ip4(ip, "ipaddress"))
        record = (QuarantinedIp.alive(QuarantinedIp.ip_address_id.in_(addresses), QuarantinedIp.end_date > now())
                  .order_by(QuarantinedIp.id.desc()).first())
    if record is None or record.removed is not None or record.end_date <= now():
        raise InvalidParameter(f"There is no active quarantine for {ip or 'the given id'}")
    return record


def change_quarantine(record: QuarantinedIp, end_date: int) -> QuarantinedIp:
    """Let a quarantine last until another moment. Within a transaction.

    :raises InvalidParameter: the moment has passed.
    """
    if end_date <= now():
        raise InvalidParameter("The quarantine end date (enddate) must be in the future")
    QuarantinedIp.update(end_date=end_date).where(QuarantinedIp.id == record.id).execute()
    return QuarantinedIp.get_by_id(record.id)


def end_quarantine(context: Context, record: QuarantinedIp, reason: str) -> QuarantinedIp:
    """End a quarantine: anybody may take the address. Within a transaction."""
    if not reason.strip():
        raise InvalidParameter("removalreason is not to be empty")
    QuarantinedIp.update(removed=now(), removal_reason=reason, remover_account_id=context.caller.account_id).where(
        QuarantinedIp.id == record.id).execute()
    return QuarantinedIp.get_by_id(record.id)


def acquire_pod_address(zone: Zone, pod: Pod | None) -> dict[str, Any]:
    """Take a management address of a pod for a use outside of the cloud. Within a transaction.

    :raises InvalidParameter: the pod is not in the zone.
    :raises InsufficientCapacity: none is free.
    """
    if pod is not None and pod.zone_id != zone.id:
        raise InvalidParameter(f"Pod {pod.uuid} (podid) is not in zone {zone.uuid} (zoneid)")
    pods = [pod] if pod is not None else list(Pod.alive(Pod.zone == zone.id, Pod.allocation_state == "Enabled"))
    random.shuffle(pods)
    for place in pods:
        for ip_range in PodIpRange.select().where(PodIpRange.pod == place.id,
                                                  PodIpRange.for_system_vms == False).order_by(PodIpRange.id):  # noqa: E712
            ip = reservation.take_pod_address(place, ip_range, None)
            if ip is not None:
                row = PodIpAddress.get(PodIpAddress.pod == place.id, PodIpAddress.ip == ip)
                mac = (0x02 << 40) | (place.zone_id % 256 << 32) | int(ipaddress.IPv4Address(ip)) & 0xFFFFFFFF
                return {"id": row.id, "ipaddress": ip, "podid": place.id, "gateway": place.gateway, "cidr": place.cidr,
                        "nicid": 0, "hostmac": mac}
    raise InsufficientCapacity("Unable to allocate a management IP address: no pod has a free one")


def release_pod_address(number: int) -> None:
    """Give back an address that `acquire_pod_address` gave. Within a transaction.

    :raises InvalidParameter: it is not taken, or a machine's.
    """
    row = PodIpAddress.get_or_none(PodIpAddress.id == number)
    if row is None or row.taken is None:
        raise InvalidParameter(f"Unable to find the taken pod IP address {number} (id)")
    if row.nic_id is not None:
        raise InvalidParameter(f"The pod IP address {number} (id) is used by a system VM")
    PodIpAddress.update(taken=None).where(PodIpAddress.id == number).execute()
