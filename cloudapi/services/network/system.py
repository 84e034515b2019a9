"""The networks that every zone has by itself: those of its public, management, control and storage traffic."""

from __future__ import annotations

import ipaddress

from cloudapi.context import ROOT_DOMAIN, SYSTEM_ACCOUNT, Context
from cloudapi.models.database import transaction
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import Network, PhysicalNetwork, TrafficType
from cloudapi.models.offering import NetworkOffering

PUBLIC, MANAGEMENT, CONTROL, STORAGE = "Public", "Management", "Control", "Storage"
BROADCAST = {PUBLIC: "Vlan", MANAGEMENT: "Native", CONTROL: "LinkLocal", STORAGE: "Native"}


def create_all(context: Context, zone: Zone) -> None:
    """Make the system networks of a new zone. Within a transaction; safe to repeat."""
    kinds = (MANAGEMENT, CONTROL, STORAGE) if zone.network_type == "Basic" else (PUBLIC, MANAGEMENT, CONTROL, STORAGE)
    for traffic_type in kinds:
        of(context, zone, traffic_type)


def of(context: Context, zone: Zone | int, traffic_type: str) -> Network:
    """Return a zone's network of this traffic type, making it where it is not there yet."""
    zone_id = zone if isinstance(zone, int) else zone.id
    found = Network.alive(Network.zone == zone_id, Network.traffic_type == traffic_type,
                          Network.account_id == SYSTEM_ACCOUNT, Network.guest_type.is_null()).order_by(Network.id).first()
    if found is not None:
        return found  # type: ignore[no-any-return]
    offering = NetworkOffering.get(NetworkOffering.unique_name == f"System-{traffic_type}-Network")
    gateway = cidr = None
    if traffic_type == CONTROL:
        cidr = str(ipaddress.IPv4Network(context.settings.get("control.cidr"), strict=False))
        gateway = context.settings.get("control.gateway")
    with transaction():
        created: Network = Network.create(
            name=None, zone=zone_id, offering=offering, traffic_type=traffic_type, state="Setup", mode="Static",
            broadcast_domain_type=BROADCAST[traffic_type], account_id=SYSTEM_ACCOUNT, domain_id=ROOT_DOMAIN,
            cidr=cidr, gateway=gateway, acl_type="Account", display=True,
            specify_ip_ranges=offering.specify_ip_ranges)
        created.related_id = created.id
        created.save(only=[Network.related_id])
    return created


def physical_network(zone_id: int, traffic_type: str) -> PhysicalNetwork | None:
    """Return the zone's physical network that carries this traffic; guests' the first of several."""
    carrying = TrafficType.select(TrafficType.physical_network).where(
        TrafficType.traffic_type == traffic_type, TrafficType.removed.is_null())
    return PhysicalNetwork.alive(PhysicalNetwork.zone == zone_id,  # type: ignore[no-any-return]
                                 PhysicalNetwork.id.in_(carrying)).order_by(PhysicalNetwork.id).first()
