"""New guest networks: isolated, shared and L2 ones."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from cloudapi import events
from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import IpAddress, Network, PhysicalNetwork, TrafficType
from cloudapi.models.offering import NetworkOffering
from cloudapi.services import detail
from cloudapi.services.account import limit
from cloudapi.services.network import check
from cloudapi.services.network.network import broadcast
from cloudapi.services.offering.scope import check_usable
from cloudapi.services.physical_network import vlan as tags
from cloudapi.services.public_ip import public_ip
from cloudapi.services.vlan import ip_range, subnet

HIDE_USAGE = "hideIpAddressUsage"


@dataclass(slots=True)
class Wanted:
    """What the creator of a network asks for; addresses in text, MTU in bytes."""

    name: str
    display_text: str | None
    offering: NetworkOffering
    zone: Zone
    owner: Account
    physical_network: PhysicalNetwork | None = None
    gateway: str | None = None
    netmask: str | None = None
    start_ip: str | None = None
    end_ip: str | None = None
    network_domain: str | None = None
    acl_type: str | None = None
    domain: Domain | None = None
    subdomain_access: bool | None = None
    vlan: str | None = None
    bypass_vlan_check: bool = False
    pvlan: str | None = None
    pvlan_type: str | None = None
    ip6_gateway: str | None = None
    ip6_cidr: str | None = None
    start_ip6: str | None = None
    end_ip6: str | None = None
    external_id: str | None = None
    display: bool = True
    associated: Network | None = None
    public_mtu: int | None = None
    private_mtu: int | None = None
    dns: tuple[str | None, str | None] = (None, None)
    ip6_dns: tuple[str | None, str | None] = (None, None)
    source_nat_ip: str | None = None
    cidr_size: int | None = None
    as_number: int | None = None
    keep_mac_on_public_nic: bool | None = None
    hide_usage: bool = False
    router_ip: str | None = None
    router_ip6: str | None = None
    services: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        self.services = frozenset(self.offering.services or {})

    @property
    def guest_type(self) -> str:
        return str(self.offering.guest_type)

    @property
    def shared(self) -> bool:
        return self.guest_type == "Shared"

    @property
    def cidr(self) -> str | None:
        """The CIDR of gateway and netmask, where they are given."""
        return str(subnet.network4(self.gateway, self.netmask)) if self.gateway and self.netmask else None


def create(context: Context, wanted: Wanted) -> Network:
    """Make a network as a caller asks for it. Within a transaction.

    :raises InvalidParameter: what is asked for does not fit together, or is taken.
    :raises PermissionDenied: only root admins may ask for this.
    :raises ResourceLimitExceeded: the account has as many networks as it may.
    """
    check.offering(context, wanted)
    check.acl(context, wanted)
    if wanted.acl_type == "Domain":
        wanted.owner = Account.get_by_id(SYSTEM_ACCOUNT)
    check.name(context, wanted)
    check.addresses(context, wanted)
    check.vlan(context, wanted)
    network = insert(context, wanted)
    if wanted.source_nat_ip is not None:
        _take_source_nat(context, network, wanted)
    if wanted.hide_usage:
        detail.put(network, {HIDE_USAGE: "true"}, display=False)
    return network


def physical_for(zone: Zone, offering: NetworkOffering) -> PhysicalNetwork:
    """Return the physical network that bears the offering's tag, or the only one for guests.

    :raises InvalidParameter: there is none, or there are several that do not differ in their tags.
    """
    carrying = TrafficType.select(TrafficType.physical_network).where(
        TrafficType.traffic_type == "Guest", TrafficType.removed.is_null())
    found = list(PhysicalNetwork.alive(PhysicalNetwork.zone == zone.id, PhysicalNetwork.id.in_(carrying))
                 .order_by(PhysicalNetwork.id))
    if not found:
        raise InvalidParameter(f"Unable to find a physical network for guests in zone {zone.name} ({zone.uuid})")
    if len(found) > 1:  # with one alone the tags do not matter
        tag = (offering.tags or "").strip()
        found = [item for item in found
                 if (tag in {one.strip() for one in (item.tags or "").split(",")} if tag else not item.tags)]
        if not found:
            raise InvalidParameter("Unable to find physical network which match the tags "
                                   f"{tag or 'of an offering without any'}")
        if len(found) > 1 and not tag:
            raise InvalidParameter(f"There is more than 1 physical network with empty tag in the zone {zone.uuid}; "
                                   "specify physicalnetworkid or use an offering with a tag")
    return found[0]


def insert(context: Context, wanted: Wanted) -> Network:
    """Write the network and what comes with it. Within a transaction; what it asks for has been checked."""
    check_usable(wanted.owner, wanted.offering, wanted.zone)
    physical = wanted.physical_network or physical_for(wanted.zone, wanted.offering)
    if physical.state != "Enabled":
        raise InvalidParameter(f"Specified physical network {physical.uuid} is in incorrect state: {physical.state}")
    gateway, cidr = wanted.gateway, wanted.cidr
    check.providers(wanted.offering, physical)
    check.subnets(wanted)
    if cidr is None and wanted.guest_type == "Isolated":
        gateway, cidr = _default_cidr(wanted)
    if wanted.owner.id != SYSTEM_ACCOUNT:
        limit.take(context, wanted.owner, "network", 1)
    fixed = wanted.shared or wanted.offering.specify_vlan
    kind, scheme = broadcast(physical)
    network: Network = Network.create(
        name=wanted.name, display_text=wanted.display_text or wanted.name, zone=wanted.zone, physical_network=physical,
        offering=wanted.offering, traffic_type="Guest", guest_type=wanted.guest_type,
        broadcast_domain_type=kind, gateway=gateway, cidr=cidr, ip6_gateway=wanted.ip6_gateway,
        ip6_cidr=wanted.ip6_cidr, dns1=wanted.dns[0], dns2=wanted.dns[1], ip6_dns1=wanted.ip6_dns[0],
        ip6_dns2=wanted.ip6_dns[1], state="Setup" if wanted.shared else "Allocated",
        acl_type=wanted.acl_type or "Account", subdomain_access=wanted.subdomain_access is not False,
        network_domain=_domain_name(context, wanted), specify_ip_ranges=wanted.offering.specify_ip_ranges,
        redundant_router=wanted.offering.redundant_router, display=wanted.display, external_id=wanted.external_id,
        public_mtu=wanted.public_mtu or context.settings.get("vr.public.interface.max.mtu", zone=wanted.zone.id),
        private_mtu=wanted.private_mtu or context.settings.get("vr.private.interface.max.mtu", zone=wanted.zone.id),
        router_ip=wanted.router_ip, router_ipv6=wanted.router_ip6, pvlan=wanted.pvlan, pvlan_type=wanted.pvlan_type,
        keep_mac_on_public_nic=wanted.keep_mac_on_public_nic is not False,
        associated_network_id=wanted.associated.id if wanted.associated else None,
        account_id=wanted.owner.id,
        domain_id=wanted.domain.id if wanted.acl_type == "Domain" and wanted.domain else wanted.owner.domain_id)
    network.related_id = network.id
    if fixed:
        _give_tag(context, network, wanted, physical, scheme)
    network.save()
    if wanted.shared and (wanted.start_ip or wanted.start_ip6):
        ip_range.create(context, zone=wanted.zone, network=network, physical_network=physical, start_ip=wanted.start_ip,
                        end_ip=wanted.end_ip, gateway=wanted.gateway, netmask=wanted.netmask,
                        vlan=network.broadcast_uri,
                        start_ip6=wanted.start_ip6, end_ip6=wanted.end_ip6, ip6_gateway=wanted.ip6_gateway,
                        ip6_cidr=wanted.ip6_cidr, bypass_vlan_check=True)
        network = Network.get_by_id(network.id)
    events.completed(context, "NETWORK.CREATE", f"creating network {network.name} ({network.uuid})", network)
    return network


def _default_cidr(wanted: Wanted) -> tuple[str | None, str | None]:
    """Return `(gateway, CIDR)` as the zone gives them to isolated networks."""
    if not wanted.zone.guest_cidr:
        raise InvalidParameter(f"Zone {wanted.zone.name} has no CIDR for guest networks: specify gateway and netmask")
    block = ipaddress.IPv4Network(wanted.zone.guest_cidr, strict=False)
    return str(block.network_address + 1), str(block)


def _give_tag(context: Context, network: Network, wanted: Wanted, physical: PhysicalNetwork, scheme: str) -> None:
    """Write the VLAN that was asked for; a shared network over another has that one's."""
    if wanted.associated is not None:
        network.vlan, network.broadcast_uri = wanted.associated.vlan, wanted.associated.broadcast_uri
        return
    if wanted.vlan is None:
        if not wanted.shared or wanted.offering.specify_vlan:
            return
        taken = tags.take_vlan(context, physical, wanted.owner, network=network)
        network.vlan, network.broadcast_uri = str(taken), f"{scheme}://{taken}"
        return
    plain = check.plain_vlan(wanted.vlan)
    if plain == "untagged":
        network.vlan, network.broadcast_uri = plain, "vlan://untagged"
        return
    network.vlan, network.broadcast_uri = plain, f"{scheme}://{plain}"
    if wanted.pvlan:
        network.broadcast_domain_type = "Pvlan"
        network.broadcast_uri = f"pvlan://{plain}-{(wanted.pvlan_type or 'Isolated')[0].lower()}{wanted.pvlan}"


def _domain_name(context: Context, wanted: Wanted) -> str | None:
    """Return the DNS domain: as given, or that of the account, its domain, the zone, else one of its own."""
    if "Dns" not in wanted.services:
        return wanted.network_domain
    if wanted.network_domain:
        return wanted.network_domain
    shared = wanted.domain if wanted.acl_type == "Domain" else None
    owner_domain = shared or Domain.get_by_id(wanted.owner.domain_id)
    found = wanted.owner.network_domain if wanted.acl_type != "Domain" else None
    while not found and owner_domain is not None:
        found = owner_domain.network_domain
        owner_domain = Domain.get_or_none(Domain.id == owner_domain.parent_id)
    found = found or wanted.zone.network_domain
    return found or f"cs{wanted.owner.id:x}{context.settings.get('guest.domain.suffix', zone=wanted.zone.id)}"


def _take_source_nat(context: Context, network: Network, wanted: Wanted) -> None:
    if "SourceNat" not in wanted.services:
        raise InvalidParameter("sourcenatipaddress is only for networks with the service SourceNat")
    ip = check.ip4(wanted.source_nat_ip or "", "sourcenatipaddress")
    own = IpAddress.alive(IpAddress.zone == wanted.zone.id, IpAddress.ip == ip, IpAddress.account_id == wanted.owner.id,
                          IpAddress.state == "Allocated", IpAddress.network_id.is_null()).first()
    if own is not None:
        IpAddress.update(network_id=network.id, is_source_nat=True).where(IpAddress.id == own.id).execute()
        return
    public_ip.acquire(context, wanted.owner, wanted.zone, network=network, ip=ip, source_nat=True)


def implement_at_once(context: Context, network: Network) -> bool:
    """Whether the network is to be implemented before anybody uses it."""
    return bool(network.offering.is_persistent) and network.state == "Allocated"
