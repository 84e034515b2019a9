"""Network offerings: made, cloned, changed, deleted. Asked for by a mapping from the API's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.network import Network, NetworkServiceProvider, PhysicalNetwork, TrafficType
from cloudapi.models.offering import NetworkOffering, ServiceOffering
from cloudapi.services import detail
from cloudapi.services.network_offering import service_map
from cloudapi.services.offering import scope, storage

GUEST_TYPES = ("Isolated", "Shared", "L2")
AVAILABILITIES = ("Optional", "Required")
STATES = ("Enabled", "Disabled")
PROTOCOLS = ("IPv4", "IPv6", "DualStack")
NETWORK_MODES = ("NATTED", "ROUTED")
ROUTING_MODES = ("Static", "Dynamic")
DETAILS = ("InternalLbProvider", "PublicLbProvider", "servicepackageuuid", "servicepackagedescription",
           "PromiscuousMode", "MacAddressChanges", "ForgedTransmits", "MacLearning", "RelatedNetworkOffering",
           "pvlanType")
# These ask for providers of which there is none here.
OTHER_PROVIDERS = ("fornsx", "fortungsten", "nsxsupportlb", "nsxsupportsinternallb", "provider")
CONNECTIONS = 4096


def one_of(text: str | None, choices: Sequence[str], parameter: str) -> str | None:
    """Return the choice that a text means, in any case; None where there is no text.

    :raises InvalidParameter: it is none of them.
    """
    if not text:
        return None
    for choice in choices:
        if choice.lower() == text.lower():
            return choice
    raise InvalidParameter(f"Invalid value {text[:64]} for parameter {parameter}. Supported types: "
                           f"{', '.join(choices)}")


def create(context: Context, asked: Mapping[str, Any]) -> NetworkOffering:
    """Make a network offering. Within a transaction.

    :raises InvalidParameter: names the parameter and its fault.
    """
    traffic = one_of(asked.get("traffictype"), ("Guest", "Public", "Management", "Control", "Vlan", "Storage"),
                     "traffictype")
    if traffic != "Guest":
        raise InvalidParameter(f"Only traffic type Guest is supported in the current release; traffictype is {traffic}")
    guest_type = one_of(asked.get("guestiptype"), GUEST_TYPES, "guestiptype") or ""
    _check_other_providers(asked)
    services = service_map.services(asked.get("supportedservices") or (), asked.get("serviceproviderlist") or (),
                                    guest_type)
    for_vpc = service_map.is_for_vpc(asked.get("forvpc"), services)
    mode = _network_mode(context, asked, guest_type, services)
    if for_vpc:
        service_map.check_vpc(services, guest_type)
    _check_type(asked, guest_type, services)
    availability = one_of(asked.get("availability"), AVAILABILITIES, "availability") or "Optional"
    _check_availability(availability, guest_type, services)
    chosen = service_map.capabilities(asked.get("servicecapabilitylist") or (), services, guest_type)
    details = _details(asked.get("details") or {}, services)
    routers = asked.get("serviceofferingid")
    if routers is not None:
        check_router_offering(routers)
    maximum = asked.get("maxconnections")
    conserve, egress = asked.get("conservemode"), asked.get("egressdefaultpolicy")
    made = NetworkOffering.create(
        name=asked["name"], display_text=asked.get("displaytext") or asked["name"], availability=availability,
        state="Enabled" if asked.get("enable") else "Disabled", guest_type=guest_type, traffic_type=traffic,
        specify_vlan=bool(asked.get("specifyvlan")), specify_ip_ranges=bool(asked.get("specifyipranges")),
        conserve_mode=True if conserve is None else conserve, is_persistent=bool(asked.get("ispersistent")),
        for_vpc=for_vpc, egress_default_policy=True if egress is None else egress,
        redundant_router="true" in (chosen.get("SourceNat", {}).get("RedundantRouter"),
                                    chosen.get("Gateway", {}).get("RedundantRouter")),
        keepalive=bool(asked.get("keepaliveenabled")),
        max_connections=(maximum or CONNECTIONS) if "Lb" in services else None,
        network_rate=None if asked.get("networkrate") is None else max(0, asked["networkrate"]),
        service_offering_id=routers.id if routers is not None else None, tags=storage.clean_tags(asked.get("tags")),
        internet_protocol=_protocol(context, asked.get("internetprotocol"), guest_type), network_mode=mode,
        routing_mode=one_of(asked.get("routingmode"), ROUTING_MODES, "routingmode"),
        supports_public_access=chosen.get("Connectivity", {}).get("PublicAccess") == "true",
        services=services, capabilities=chosen)
    detail.put(made, details)
    scope.put(made, scope.topmost(asked.get("domainid") or []), asked.get("zoneid") or [])
    return made


def _check_other_providers(asked: Mapping[str, Any]) -> None:
    for name in OTHER_PROVIDERS:
        if asked.get(name):
            raise InvalidParameter(f"{name} asks for a provider (NSX, Netris, Tungsten-Fabric) that this "
                                   "installation does not have")
    if asked.get("specifyasnumber"):
        raise InvalidParameter("specifyasnumber can only be true for network offerings for NSX")


def _check_type(asked: Mapping[str, Any], guest_type: str, services: service_map.Services) -> None:
    """Check what the guest type asks for."""
    if asked.get("specifyipranges"):
        if guest_type == "Isolated" and "SourceNat" in services:
            raise InvalidParameter("specifyipranges can only be true for Shared network offerings and Isolated with "
                                   "no SourceNat service")
    elif guest_type == "Shared":
        raise InvalidParameter("specifyipranges should always be true for Shared network offerings")
    if asked.get("ispersistent") and guest_type == "Shared":
        raise InvalidParameter("ispersistent should be false if network offering's type is Shared")


def _check_availability(availability: str, guest_type: str | None, services: Mapping[str, Any],
                        besides: NetworkOffering | None = None) -> None:
    """Only one offering is Required, and that isolates its networks behind source NAT."""
    if availability != "Required":
        return
    if guest_type != "Isolated" or "SourceNat" not in services:
        raise InvalidParameter("Availability (availability) can be Required only for networkOfferings of type "
                               "Isolated and with SourceNat enabled")
    other = NetworkOffering.alive(NetworkOffering.availability == "Required",
                                  NetworkOffering.system_only == False).first()  # noqa: E712
    if other is not None and (besides is None or other.id != besides.id):
        raise InvalidParameter(f"System already has network offering {other.uuid} with availability Required")


def _network_mode(context: Context, asked: Mapping[str, Any], guest_type: str,
                  services: service_map.Services) -> str | None:
    mode = one_of(asked.get("networkmode"), NETWORK_MODES, "networkmode")
    if mode is None:
        return None
    if guest_type != "Isolated":
        raise InvalidParameter("networkmode should be set only for Isolated network offerings")
    if mode == "ROUTED":
        for zone in asked.get("zoneid") or [None]:
            if not context.settings.get("routed.network.vpc.enabled", zone=zone.id if zone is not None else None):
                raise InvalidParameter("Configuration routed.network.vpc.enabled needs to be enabled for Routed "
                                       "networks (networkmode)")
        service_map.check_routed(services)
    return mode


def _protocol(context: Context, text: str | None, guest_type: str) -> str:
    protocol = one_of(text, PROTOCOLS, "internetprotocol")
    if protocol is None:
        return "IPv4"
    if guest_type != "Isolated":
        raise InvalidParameter("internetprotocol is supported only for Isolated guest type")
    if protocol != "IPv4" and not context.settings.get("ipv6.offering.enabled"):
        raise InvalidParameter("Configuration ipv6.offering.enabled needs to be enabled for creating IPv6 supported "
                               "network offering (internetprotocol)")
    return protocol


def _details(given: Mapping[str, str], services: service_map.Services) -> dict[str, str]:
    found = {}
    for name, value in given.items():
        known = next((known for known in DETAILS if known.lower() == name.lower()), None)
        if known is None:
            raise InvalidParameter(f"Unsupported detail {name[:64]} (details)")
        if known in ("InternalLbProvider", "PublicLbProvider") and value not in services.get("Lb", ()):
            raise InvalidParameter(f"Invalid value {value[:64]} for the detail {known} (details). The provider is not "
                                   "supported by the network offering")
        found[known] = value
    return found


def check_router_offering(offering: ServiceOffering) -> None:
    """Refuse a service offering with which routers cannot be made.

    :raises InvalidParameter: it is not on sale, or not for routers.
    """
    if offering.state != "Active":
        raise InvalidParameter(f"The specified service offering [{offering.uuid}] (serviceofferingid) is inactive")
    if offering.vm_type != "DomainRouter":
        raise InvalidParameter(f"The specified service offering [{offering.uuid}] (serviceofferingid) is of type "
                               f"[{offering.vm_type}]. Virtual routers can only be created with service offering of "
                               "type [domainrouter]")


def clone(context: Context, source: NetworkOffering, asked: Mapping[str, Any]) -> NetworkOffering:
    """Make an offering like the source, but for what is asked for. Within a transaction.

    :param asked: beside the parameters of `create`, `addservices` and `dropservices`.
    :raises InvalidParameter: services are given both whole and in parts, or the source is the system's own.
    """
    if source.system_only:
        raise InvalidParameter(f"Unable to clone the system's network offering {source.uuid} (sourceofferingid)")
    if asked.get("supportedservices") and (asked.get("addservices") or asked.get("dropservices")):
        raise InvalidParameter("supportedservices is not to be given together with addservices or dropservices")
    present = {name: providers for name, providers in (source.services or {}).items() if name != "Gateway"}
    wanted = [service_map.find_service(name) for name in asked.get("supportedservices") or ()] or list(present)
    wanted += [service_map.find_service(name, "addservices") for name in asked.get("addservices") or ()]
    dropped = {service_map.find_service(name, "dropservices") for name in asked.get("dropservices") or ()}
    wanted = [name for name in dict.fromkeys(wanted) if name not in dropped]
    given = list(asked.get("serviceproviderlist") or ())
    replaced = {(row.get("service") or "").lower() for row in given}
    kept = [{"service": name, "provider": provider} for name in wanted if name.lower() not in replaced
            for provider in present.get(name, ())]
    own = {**_asked_of(source), **{name: value for name, value in asked.items() if name not in (
        "addservices", "dropservices")}}
    own.update(supportedservices=wanted, serviceproviderlist=[*kept, *given])
    if asked.get("servicecapabilitylist") is None:
        own["servicecapabilitylist"] = [
            {"service": service, "capabilitytype": name, "capabilityvalue": value}
            for service, values in (source.capabilities or {}).items() if service in wanted
            for name, value in values.items() if name in service_map.ALLOWED.get(service, ())
            and value != "false" and value != service_map.CHOICES.get(service, {}).get(name)
            and not (name == "AssociatePublicIP" and values.get("ElasticIp") != "true")]
    own["details"] = {**_known_details(source), **(asked.get("details") or {})}
    return create(context, own)


def _known_details(source: NetworkOffering) -> dict[str, str]:
    return {name: value for name, value in detail.get(source).items() if name in DETAILS}


def _asked_of(source: NetworkOffering) -> dict[str, Any]:
    """Return the parameters with which an offering like this one is made, but for its services."""
    routers = None
    if source.service_offering_id is not None:
        routers = ServiceOffering.get_by_id(source.service_offering_id)
    return {
        "displaytext": source.display_text, "traffictype": source.traffic_type, "guestiptype": source.guest_type,
        "specifyvlan": source.specify_vlan, "specifyipranges": source.specify_ip_ranges, "availability": "Optional",
        "conservemode": source.conserve_mode, "ispersistent": source.is_persistent, "forvpc": source.for_vpc,
        "egressdefaultpolicy": source.egress_default_policy, "keepaliveenabled": source.keepalive,
        "maxconnections": source.max_connections, "networkrate": source.network_rate, "serviceofferingid": routers,
        "tags": source.tags, "networkmode": source.network_mode, "routingmode": source.routing_mode,
        "internetprotocol": source.internet_protocol if source.internet_protocol != "IPv4" else None,
        "domainid": scope.domains_of(source), "zoneid": scope.zones_of(source), "enable": source.state == "Enabled"}


def update(context: Context, offering: NetworkOffering, asked: Mapping[str, Any]) -> NetworkOffering:
    """Change an offering. Within a transaction.

    :param asked: by the names of `updateNetworkOffering`'s parameters; those that are None stay.
    :raises InvalidParameter: the system's own offering, or values that do not fit it.
    """
    if offering.system_only:
        raise InvalidParameter("Can't update system network offerings (id)")
    changes: dict[str, Any] = {column: asked[name] for name, column in (
        ("name", "name"), ("displaytext", "display_text"), ("sortkey", "sort_key"), ("keepaliveenabled", "keepalive"))
        if asked.get(name) is not None}
    state = one_of(asked.get("state"), STATES, "state")
    if state is not None:
        changes["state"] = state
    availability = one_of(asked.get("availability"), AVAILABILITIES, "availability")
    if availability is not None:
        _check_availability(availability, offering.guest_type, offering.services or {}, offering)
        changes["availability"] = availability
    if asked.get("maxconnections") is not None and "Lb" in (offering.services or {}):
        changes["max_connections"] = asked["maxconnections"]
    if asked.get("tags") is not None:
        changes["tags"] = storage.clean_tags(asked["tags"])
        _check_tags(offering, changes["tags"])
    if changes:
        NetworkOffering.update(**changes).where(NetworkOffering.id == offering.id).execute()
    domains = scope.parse_domains(asked.get("domainid"))
    scope.put(offering, None if domains is None else scope.topmost(domains), scope.parse_zones(asked.get("zoneid")))
    return NetworkOffering.get_by_id(offering.id)


def _check_tags(offering: NetworkOffering, tags: str) -> None:
    """Refuse tags that lead networks of the offering to another physical network than theirs."""
    for network in Network.alive(Network.offering == offering.id, Network.physical_network.is_null(False)):
        physical = PhysicalNetwork.get_by_id(network.physical_network_id)
        if tags and physical.tags != tags:
            raise InvalidParameter(f"New tags ({tags}): selects different physical network for zone of network "
                                   f"{network.uuid}")


def delete(context: Context, offering: NetworkOffering) -> None:
    """Delete an offering that no network has. Within a transaction.

    :raises InvalidParameter: it is a default or the system's own, or networks have it.
    """
    if offering.system_only:
        raise InvalidParameter(f"unable to find network offering {offering.uuid} (id)")
    if offering.is_default:
        raise InvalidParameter("Default network offering (id) can't be deleted")
    count = Network.alive(Network.offering == offering.id).count()
    if count:
        raise InvalidParameter(f"Can't delete network offering {offering.uuid} (id) as its used by {count} networks. "
                               "To make the network offering unavailable, disable it")
    detail.remove(offering)
    scope.put(offering, [], [])
    NetworkOffering.update(removed=now()).where(NetworkOffering.id == offering.id).execute()


def guest_networks(zone_id: int) -> list[PhysicalNetwork]:
    """Return the zone's physical networks that carry guests' traffic."""
    carrying = TrafficType.select(TrafficType.physical_network).where(
        TrafficType.traffic_type == "Guest", TrafficType.removed.is_null())
    return list(PhysicalNetwork.alive(PhysicalNetwork.zone == zone_id, PhysicalNetwork.id.in_(carrying)))


def available_in(zone_id: int) -> list[int]:
    """Return the ids of the offerings with which a network can be made in a zone: their tag leads to one physical
    network of it, on which all their providers are enabled.
    """
    physical = guest_networks(zone_id)
    enabled = {network.id: {row.provider_name for row in NetworkServiceProvider.alive(
        NetworkServiceProvider.physical_network == network.id, NetworkServiceProvider.state == "Enabled")}
        for network in physical}
    found = []
    for offering in NetworkOffering.alive(NetworkOffering.system_only == False):  # noqa: E712
        needed = {name for names in (offering.services or {}).values() for name in names}
        if any((network.tags or "") == (offering.tags or "") and needed <= enabled[network.id] for network in physical):
            found.append(offering.id)
    return found
