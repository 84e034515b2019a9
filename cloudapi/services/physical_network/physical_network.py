"""Physical networks of zones: made with their providers, changed, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import (
    GuestVlan,
    GuestVlanRange,
    IpAddress,
    IpRange,
    Network,
    NetworkServiceProvider,
    PhysicalNetwork,
    TrafficType,
)
from cloudapi.services.physical_network import provider, vlan
from cloudapi.services.physical_network.catalogue import ISOLATION_METHODS, PROVIDERS
from cloudapi.services.vlan import ip_address

BROADCAST_RANGES = {"Basic": "POD", "Advanced": "ZONE"}


def create(context: Context, zone: Zone, name: str, *, vlans: str | None = None, speed: str | None = None,
           domain: Domain | None = None, broadcast_range: str | None = None, tags: Sequence[str] = (),
           isolation_methods: Sequence[str] = ()) -> PhysicalNetwork:
    """Make a physical network with the providers of its type of zone. Within a transaction.

    :raises PermissionDenied: the zone is enabled.
    :raises InvalidParameter: a value that the zone's type or the hosts do not know.
    """
    if zone.allocation_state == "Enabled":
        raise PermissionDenied(f"Cannot create PhysicalNetwork since the Zone is currently enabled, zone: {zone.name}")
    basic = zone.network_type == "Basic"
    if basic and PhysicalNetwork.alive(PhysicalNetwork.zone == zone.id).exists():
        raise InternalError(f"Cannot add the physical network to basic zone: {zone.name}, it has one already")
    if not name.strip():
        raise InvalidParameter("Invalid value for parameter name: it is empty")
    _check_single(tags, "tags")
    methods = _methods(isolation_methods)
    made: PhysicalNetwork = PhysicalNetwork.create(
        name=name, zone=zone, network_speed=speed, domain_id=domain.id if domain is not None else None,
        broadcast_domain_range=_broadcast_range(zone, broadcast_range), isolation_methods=methods,
        tags=",".join(tags))
    if vlans is not None:
        made = update(context, made, vlans=vlans)
    for kind in PROVIDERS.values():
        if zone.network_type in kind.zones and (kind.isolation is None or kind.isolation in methods):
            provider.add_default(made, kind)
    return made


def _check_single(values: Sequence[str], parameter: str) -> None:
    if len(values) > 1:
        raise InvalidParameter(f"Only one value can be specified for {parameter} of a physical network at this time")


def _methods(wanted: Sequence[str]) -> list[str]:
    _check_single(wanted, "isolationmethods")
    found = [method.upper() for method in wanted]
    for method in found:
        if method not in ISOLATION_METHODS:
            raise InvalidParameter(f"Invalid value {method[:32]} for parameter isolationmethods: the hosts know "
                                   f"{', '.join(ISOLATION_METHODS)}")
    return found


def _broadcast_range(zone: Zone, text: str | None) -> str:
    only = BROADCAST_RANGES[zone.network_type]
    if not text:
        return only
    if text.upper() not in BROADCAST_RANGES.values():
        raise InvalidParameter(f"Unable to resolve broadcastdomainrange '{text[:32]}' to a supported value "
                               "{Pod or Zone}")
    if text.upper() != only:
        raise InvalidParameter(f"{zone.network_type} zone can have broadcastdomainrange of value {only} only")
    return only


def _ranges(zone: Zone, physical_network: PhysicalNetwork, text: str) -> list[vlan.Range]:
    """Return the VLAN ranges of `vlan`; VXLAN ids must be of one physical network in a zone."""
    if zone.network_type == "Basic":
        raise InvalidParameter("Can't add vnet range (vlan) to the physical network in the Basic zone")
    limits = vlan.bounds(physical_network)
    found = vlan.parse_ranges(text, limits)
    if limits == vlan.VXLAN_BOUNDS:
        for other in PhysicalNetwork.alive(PhysicalNetwork.zone == zone.id):
            if other.id != physical_network.id and vlan.bounds(other) == limits:
                _refuse_overlap(found, other)
    return found


def _refuse_overlap(ranges: Sequence[vlan.Range], other: PhysicalNetwork) -> None:
    for start, end in ranges:
        for taken in other.vlan_ranges:
            if start <= taken[1] and taken[0] <= end:
                raise InvalidParameter(f"Invalid value {start}-{end} for parameter vlan: VNI {max(start, taken[0])} "
                                       f"already exists on another network in the zone ({other.name}), please "
                                       "specify a unique range")


def update(context: Context, physical_network: PhysicalNetwork, *, speed: str | None = None,
           tags: Sequence[str] | None = None, state: str | None = None, vlans: str | None = None) -> PhysicalNetwork:
    """Change a physical network; what is None stays. Within a transaction.

    :param vlans: all ranges that it shall have; ids that are left out must be neither in use nor dedicated.
    :raises InvalidParameter: they are, or the ranges cannot be read.
    """
    changes: dict[str, object] = {}
    if speed is not None:
        changes["network_speed"] = speed
    if state:
        if state not in ("Enabled", "Disabled"):
            raise InvalidParameter(f"Unable to resolve state '{state[:32]}' to a supported value "
                                   f"{{Enabled or Disabled}}")
        changes["state"] = state
    if tags is not None:
        _check_single(tags, "tags")
        if not tags:
            _check_untagged(physical_network)
        changes["tags"] = ",".join(tags)
    if vlans is not None:
        ranges = _ranges(Zone.get_by_id(physical_network.zone_id), physical_network, vlans)
        _check_removed(physical_network, vlan.without(physical_network.vlan_ranges, ranges))
        changes["vlan_ranges"] = ranges
    if changes:
        PhysicalNetwork.update(**changes).where(PhysicalNetwork.id == physical_network.id).execute()
    return PhysicalNetwork.get_by_id(physical_network.id)


def _check_untagged(physical_network: PhysicalNetwork) -> None:
    """Refuse to take the tag away where another physical network of the zone has the same traffic and no tag."""
    for kind in TrafficType.alive(TrafficType.physical_network == physical_network.id):
        check_untagged(physical_network, kind.traffic_type)


def check_untagged(physical_network: PhysicalNetwork, traffic_type: str) -> None:
    """Refuse a second physical network without tags for one traffic type: tags tell offerings which to use.

    :raises InternalError: 530, as CloudStack answers.
    """
    others = (PhysicalNetwork.alive(PhysicalNetwork.zone == physical_network.zone_id, PhysicalNetwork.tags == "",
                                    PhysicalNetwork.id != physical_network.id)
              .join(TrafficType, on=(TrafficType.physical_network == PhysicalNetwork.id))
              .where(TrafficType.traffic_type == traffic_type, TrafficType.removed.is_null()))
    if others.exists():
        raise InternalError("There are more than 1 physical network without tags in the zone for the traffic type "
                            f"{traffic_type}")


def _check_removed(physical_network: PhysicalNetwork, removed: Sequence[vlan.Range]) -> None:
    for start, end in removed:
        used = GuestVlan.select().where(GuestVlan.physical_network == physical_network.id,
                                        GuestVlan.vlan.between(start, end)).count()
        if used:
            raise InvalidParameter(f"physicalnetwork {physical_network.name} has {used} allocated vnets in the range "
                                   f"{start}-{end} (vlan)")
        dedicated = GuestVlanRange.alive(
            GuestVlanRange.physical_network == physical_network.id, GuestVlanRange.start_vlan <= end,
            GuestVlanRange.end_vlan >= start).first()
        if dedicated is not None:
            raise InvalidParameter(f"Vnet range {dedicated.start_vlan}-{dedicated.end_vlan} is dedicated to an "
                                   f"account. The specified ranges (vlan) leave out {start}-{end} of it. Please "
                                   "release the dedicated range before deleting the range")


def delete(context: Context, physical_network: PhysicalNetwork) -> None:
    """Delete a physical network with its providers, traffic types and ranges of addresses. Within a transaction.

    :raises InternalError: VLANs, networks or addresses of it are in use.
    """
    key = physical_network.id
    ranges = list(IpRange.alive(IpRange.physical_network == key))
    checks = (
        (GuestVlan.select().where(GuestVlan.physical_network == key),
         "there are allocated vnets for this physical network"),
        (Network.alive(Network.physical_network == key), "there are networks associated to this physical network"),
        (IpAddress.alive(IpAddress.ip_range.in_([item.id for item in ranges]), IpAddress.state != "Free"),
         "there are public IP addresses allocated for this physical network"),
    )
    for query, reason in checks:
        if query.exists():
            raise InternalError(f"The Physical Network is not deletable because {reason}")
    moment = now()
    for item in ranges:
        ip_address.drop(item)
        IpRange.update(removed=moment).where(IpRange.id == item.id).execute()
    for found in NetworkServiceProvider.alive(NetworkServiceProvider.physical_network == key):
        provider.remove(found)
    GuestVlanRange.update(removed=moment).where(GuestVlanRange.physical_network == key).execute()
    TrafficType.update(removed=moment).where(TrafficType.physical_network == key).execute()
    PhysicalNetwork.update(removed=moment, state="Disabled").where(PhysicalNetwork.id == key).execute()
