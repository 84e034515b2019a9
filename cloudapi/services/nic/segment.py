"""What hosts have to know of a network: the bridge that a NIC is plugged into."""

from __future__ import annotations

from typing import Any

from cloudapi.models.infrastructure import Host
from cloudapi.models.network import IpRange, Network, Nic, PhysicalNetwork, TrafficType
from cloudapi.services.network import system

# By the scheme of a broadcast URI, what hosts call it.
ISOLATIONS = {"vlan": "VLAN", "pvlan": "VLAN", "vxlan": "VXLAN", "vs": "GRE"}


def segment_id(nic: Nic) -> str:
    """Return the id of the bridge of a NIC: its network's, or that of the public range it has its address from."""
    if nic.ip_range_id is not None:
        return str(IpRange.get_by_id(nic.ip_range_id).uuid)
    return str(nic.network.uuid)


def tag_of(uri: str | None) -> tuple[str, int | None]:
    """Return `(isolation, tag)` of a broadcast URI such as `vlan://101`; of a private VLAN the secondary one."""
    scheme, _, value = (uri or "").partition("://")
    if scheme == "pvlan":
        value = value.partition("-")[2].lstrip("ip") or value
    if scheme in ISOLATIONS and value.isdecimal() and int(value):
        return ISOLATIONS[scheme], int(value)
    return "NONE", None


def spec(nic: Nic, host: Host) -> dict[str, Any]:
    """Return the `NetworkSpec` of a NIC's bridge on a host."""
    network: Network = nic.network
    isolation, tag = tag_of(nic.broadcast_uri or network.broadcast_uri)
    return {"id": segment_id(nic), "isolation": isolation, "tag": tag, "label": label(network, host),
            "mtu": (network.public_mtu if nic.traffic_type == "Public" else network.private_mtu) or 1500}


def label(network: Network, host: Host) -> str:
    """Return the host's own name for the physical network that carries the traffic; empty for its default."""
    physical = network.physical_network or system.physical_network(network.zone_id, network.traffic_type)
    if not isinstance(physical, PhysicalNetwork):
        return ""
    found = TrafficType.select().where(
        TrafficType.physical_network == physical.id, TrafficType.traffic_type == network.traffic_type,
        TrafficType.removed.is_null()).first()
    labels = {key.lower(): value for key, value in (found.labels or {}).items()} if found is not None else {}
    return str(labels.get((host.hypervisor_type or "").lower()) or "")
