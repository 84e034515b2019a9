"""The networks that every zone has by itself, for its public, management, control and storage traffic."""

from __future__ import annotations

from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InternalError
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import Network, PhysicalNetwork, TrafficType

PUBLIC, MANAGEMENT, CONTROL, STORAGE = "Public", "Management", "Control", "Storage"


def of(context: Context, zone: Zone | int, traffic_type: str) -> Network:
    """Return a zone's own network for this traffic.

    :raises InternalError: the zone was made without one.
    """
    zone_id = zone if isinstance(zone, int) else zone.id
    found = Network.alive(Network.zone == zone_id, Network.traffic_type == traffic_type,
                          Network.account_id == SYSTEM_ACCOUNT,
                          Network.guest_type.is_null()).order_by(Network.id).first()
    if found is None:
        raise InternalError(f"Zone {zone_id} has no network for {traffic_type} traffic")
    return found


def physical_network(zone_id: int, traffic_type: str) -> PhysicalNetwork | None:
    """Return the zone's physical network that carries this traffic; guests' the first of several."""
    carrying = TrafficType.select(TrafficType.physical_network).where(
        TrafficType.traffic_type == traffic_type, TrafficType.removed.is_null())
    return PhysicalNetwork.alive(PhysicalNetwork.zone == zone_id,
                                 PhysicalNetwork.id.in_(carrying)).order_by(PhysicalNetwork.id).first()
