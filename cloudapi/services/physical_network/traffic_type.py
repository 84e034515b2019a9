"""The kinds of traffic that a physical network carries, and the names of the hosts' bridges for them."""

from __future__ import annotations

from collections.abc import Mapping

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.machine import Machine
from cloudapi.models.network import GuestIp, Network, PhysicalNetwork, StorageIpRange, TrafficType
from cloudapi.services.network import system
from cloudapi.services.physical_network import catalogue, physical_network


def create(context: Context, network: PhysicalNetwork, traffic_type: str, *, labels: Mapping[str, str | None],
           vlan: str | None = None, isolation_method: str | None = None) -> TrafficType:
    """Let a physical network carry a kind of traffic. Within a transaction.

    :param labels: by hypervisor in lower case (`kvm`, `xenserver`, …), the name of the hosts' bridge.
    :raises InvalidParameter: the kind is unknown.
    :raises InternalError: this network carries it already, or for single kinds another of the zone does.
    """
    kind = next((name for name in catalogue.TRAFFIC_TYPES if name.lower() == traffic_type.lower()), None)
    if kind is None:
        raise InvalidParameter(f"Unable to resolve traffictype '{traffic_type[:32]}' to a supported value; there are "
                               f"{', '.join(catalogue.TRAFFIC_TYPES)}")
    if TrafficType.alive(TrafficType.physical_network == network.id, TrafficType.traffic_type == kind).exists():
        raise InternalError(f"This physical network already supports the traffic type: {kind}")
    if kind in catalogue.SINGLE_TRAFFIC_TYPES and system.physical_network(network.zone_id, kind) is not None:
        raise InternalError("Fail to add the traffic type to physical network because Zone already has a physical "
                            f"network with this traffic type: {kind}")
    if isolation_method and isolation_method.upper() not in (method.upper() for method in network.isolation_methods):
        raise InvalidParameter(f"Invalid value {isolation_method[:32]} for parameter isolationmethod: the physical "
                               f"network has {', '.join(network.isolation_methods) or 'none'}")
    if kind == "Storage":
        _check_no_storage_vm(network.zone_id)
    if not network.tags:
        physical_network.check_untagged(network, kind)
    if kind == "Public":
        _set_public_broadcast(network, isolation_method)
    return TrafficType.create(
        physical_network=network, traffic_type=kind, vlan=vlan or None, isolation_method=isolation_method or None,
        labels={name: label for name, label in labels.items() if label})


def _set_public_broadcast(network: PhysicalNetwork, isolation_method: str | None) -> None:
    """Public traffic over VXLAN: the zone's public network is of that type then."""
    methods = [method.upper() for method in network.isolation_methods]
    if methods == ["VXLAN"] or (isolation_method or "").upper() == "VXLAN":
        Network.update(broadcast_domain_type="Vxlan").where(
            Network.zone == network.zone_id, Network.traffic_type == "Public", Network.removed.is_null()).execute()


def _check_no_storage_vm(zone_id: int) -> None:
    """Secondary storage VMs that run would go on without a NIC for this traffic."""
    running = Machine.alive(Machine.zone == zone_id, Machine.kind == "SecondaryStorageVm",
                            Machine.state.in_(("Starting", "Running", "Migrating"))).first()
    if running is not None:
        raise InternalError("Cannot add Storage traffic type as there are below secondary storage vm still running. "
                            f"Please stop them all and add Storage traffic type again: {running.instance_name}")


def update(context: Context, kind: TrafficType, labels: Mapping[str, str | None]) -> TrafficType:
    """Change labels: an empty one is taken away, None stays. Within a transaction."""
    changed = dict(kind.labels or {})
    for name, label in labels.items():
        if label is not None:
            changed[name] = label
    TrafficType.update(labels={name: label for name, label in changed.items() if label}).where(
        TrafficType.id == kind.id).execute()
    return TrafficType.get_by_id(kind.id)


def delete(context: Context, kind: TrafficType) -> None:
    """Stop carrying a kind of traffic. Within a transaction.

    :raises InternalError: networks or addresses of it are in use.
    """
    network = PhysicalNetwork.get_by_id(kind.physical_network_id)
    if kind.traffic_type == "Guest":
        if Network.alive(Network.physical_network == network.id, Network.traffic_type == "Guest").exists():
            raise InternalError("The Traffic Type is not deletable because there are existing networks with this "
                                "traffic type: Guest")
    elif kind.traffic_type == "Storage":
        ranges = StorageIpRange.alive(StorageIpRange.zone == network.zone_id)
        if GuestIp.select().where(GuestIp.network.in_([item.network_id for item in ranges])).exists():
            raise InternalError("The Traffic Type is not deletable because there are still some storage network IP "
                                "addresses in use: Storage")
    TrafficType.update(removed=now()).where(TrafficType.id == kind.id).execute()
