"""The services of a network offering with their providers and capabilities, checked against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cloudapi.errors import InvalidParameter, UnsupportedAction
from cloudapi.services.physical_network import catalogue

Services = dict[str, list[str]]
Capabilities = dict[str, dict[str, str]]

# What an offering may say of a service, with what holds where it says nothing.
CHOICES: dict[str, dict[str, str]] = {
    "Lb": {"SupportedLBIsolation": "dedicated", "ElasticLb": "false", "InlineMode": "false", "VmAutoScaling": "false"},
    "SourceNat": {"SupportedSourceNatTypes": "peraccount", "RedundantRouter": "false"},
    "StaticNat": {"ElasticIp": "false", "AssociatePublicIP": "false"},
}
ALLOWED: dict[str, tuple[str, ...]] = {
    "Lb": (*CHOICES["Lb"], "LbSchemes"), "SourceNat": tuple(CHOICES["SourceNat"]),
    "StaticNat": tuple(CHOICES["StaticNat"]), "Gateway": ("RedundantRouter",),
    "Connectivity": ("StretchedL2Subnet", "PublicAccess"),
}
VALUES: dict[str, tuple[str, ...]] = {
    "SupportedLBIsolation": ("dedicated", "shared"), "SupportedSourceNatTypes": ("peraccount", "perzone"),
    "LbSchemes": ("internal", "public"),
}
FLAG = ("true", "false")
VPC_PROVIDERS = ("VpcVirtualRouter", "InternalLbVm")
NOT_ROUTED = ("SourceNat", "StaticNat", "Lb", "PortForwarding", "Vpn")


def find_service(name: str, parameter: str = "supportedservices") -> str:
    """Return a service that clients may name.

    :raises InvalidParameter: there is none, or it comes by itself.
    """
    service = catalogue.find_service(name)
    if service is None or service == "Gateway":
        raise InvalidParameter(f"Invalid service {name[:64]} ({parameter})")
    return service


def find_provider(name: str) -> catalogue.Provider:
    """Return a provider.

    :raises InvalidParameter: there is none.
    """
    provider = catalogue.find(name)
    if provider is None:
        raise InvalidParameter(f"Invalid service provider: {name[:64]} (serviceproviderlist); there are "
                               f"{', '.join(catalogue.PROVIDERS)}")
    return provider


def services(supported: Sequence[str], provided: Sequence[Mapping[str, str]], guest_type: str) -> Services:
    """Return the providers of each service.

    :param provided: rows with `service` and `provider`.
    :raises InvalidParameter: unknown names, a provider for a service that is not wanted, or several for one.
    """
    found: Services = {find_service(name): [] for name in supported}
    if "SecurityGroup" in found:
        if guest_type != "Shared":
            raise InvalidParameter("Security group service (supportedservices) is supported for network offerings "
                                   "with guest ip type Shared")
        found["SecurityGroup"] = ["SecurityGroupProvider"]
    for row in provided:
        service, provider = _pair(row)
        if service not in found:
            raise InvalidParameter(f"Service {service} is not enabled for the network offering (supportedservices), "
                                   "can't add a provider to it (serviceproviderlist)")
        if provider.name not in found[service]:
            found[service].append(provider.name)
        if len(found[service]) > 1 and service != "Lb":
            raise InvalidParameter(f"Only one provider can be specified for the service {service} "
                                   "(serviceproviderlist) if the service is not LB")
    _check_provided(found)
    _add_implied(found)
    return found


def _pair(row: Mapping[str, str]) -> tuple[str, catalogue.Provider]:
    values = {name.lower(): value for name, value in row.items()}
    if not values.get("service") or not values.get("provider"):
        raise InvalidParameter("Invalid value for parameter serviceproviderlist: each entry has a service and a "
                               "provider")
    return find_service(values["service"], "serviceproviderlist"), find_provider(values["provider"])


def _check_provided(found: Services) -> None:
    """Check each provider's part: that it can do it, and all of it where it does not leave a choice."""
    by_provider: dict[str, set[str]] = {}
    for service, providers in found.items():
        for name in providers:
            by_provider.setdefault(name, set()).add(service)
    for name, wanted in by_provider.items():
        provider = catalogue.PROVIDERS[name]
        for service in sorted(wanted):
            if service not in provider.services:
                raise UnsupportedAction(f"{name} Provider cannot provide service {service} (serviceproviderlist)")
        if provider.needs is not None and provider.needs not in wanted:
            raise UnsupportedAction(f"Provider {name} (serviceproviderlist) doesn't support services combination: "
                                    f"{', '.join(sorted(wanted))} without {provider.needs}")
        required = set(provider.services) - {"Gateway", "Firewall"}
        if not provider.separable and wanted - {"Firewall"} != required:
            raise InvalidParameter("Cannot enable subset of Services, please specify the complete list of Services: "
                                   f"{', '.join(sorted(required))} for Service Provider {name}")
    if "VirtualRouter" in found.get("UserData", ()) and not found.get("Dhcp"):
        raise InvalidParameter("Without VR as dhcp provider, User data can't selected for VR. Please select VR as DHCP "
                               "provider (serviceproviderlist)")


def _add_implied(found: Services) -> None:
    """Add what comes with others: a gateway with source NAT, a firewall with the router's rules."""
    if found.get("SourceNat"):
        found["Gateway"] = list(found["SourceNat"])
    behind = [service for service in ("PortForwarding", "StaticNat") if "VirtualRouter" in found.get(service, ())]
    if behind and not found.get("Firewall"):
        found["Firewall"] = ["VirtualRouter"]


def is_for_vpc(wanted: bool | None, found: Services) -> bool:
    """Whether the offering is for tiers of VPCs: as asked for, or where a service or provider is of use there only."""
    if wanted is not None:
        return wanted
    if "SecurityGroup" in found:
        return False
    return "NetworkACL" in found or any(name in VPC_PROVIDERS for names in found.values() for name in names)


def check_vpc(found: Services, guest_type: str) -> None:
    """Refuse what a tier of a VPC cannot have, where the VPC's router is a provider.

    :raises InvalidParameter: 431.
    """
    names = {name for providers in found.values() for name in providers}
    if "VpcVirtualRouter" not in names:
        return
    for name in sorted(names - {*VPC_PROVIDERS, "ConfigDrive"}):
        raise InvalidParameter(f"Provider of type {name} is not supported for network offerings that can be used in "
                               "VPC (serviceproviderlist)")
    if guest_type != "Isolated" or not {"SourceNat", "Gateway"} & set(found):
        raise InvalidParameter("Only network offerings of type Isolated with service SourceNat are valid for vpc")


def check_routed(found: Services) -> None:
    """Refuse services that translate addresses, and add the gateway: for network mode ROUTED.

    :raises InvalidParameter: 431.
    """
    if any(service in found for service in NOT_ROUTED):
        raise InvalidParameter("SourceNat/StaticNat/Lb/PortForwarding/Vpn service (supportedservices) are not "
                               "supported in ROUTED mode (networkmode)")
    names = {name for providers in found.values() for name in providers}
    found["Gateway"] = ["VpcVirtualRouter" if "VpcVirtualRouter" in names else "VirtualRouter"]


def capabilities(rows: Sequence[Mapping[str, str]], found: Services, guest_type: str) -> Capabilities:
    """Return the capabilities of each service that has some: what was chosen over what holds by itself.

    :param rows: each with `service`, `capabilitytype` and `capabilityvalue`.
    :raises InvalidParameter: a capability that cannot be chosen, a value that it or its provider does not know.
    """
    chosen: Capabilities = {}
    for row in rows:
        service, name, value = _choice(row)
        if service not in found:
            raise InvalidParameter(f"Capabilities for {service} service (servicecapabilitylist) can be specified "
                                   f"only when {service} service is enabled for network offering")
        chosen.setdefault(service, {})[name] = value
    for service, values in chosen.items():
        CHECKS.get(service, _check_nothing)(values, guest_type)
        _check_providers(service, values, found[service])
    return {service: {**CHOICES.get(service, {}), **chosen.get(service, {})} for service in found
            if service in CHOICES or service in chosen}


def _choice(row: Mapping[str, str]) -> tuple[str, str, str]:
    """Return `(service, capability, value)` of a row, as they are written."""
    given = {name.lower(): value for name, value in row.items()}
    service = catalogue.find_service(given.get("service", ""))
    wanted, value = given.get("capabilitytype", ""), given.get("capabilityvalue", "").lower()
    if service is None or service not in ALLOWED:
        raise InvalidParameter(f"Invalid service {given.get('service', '')[:64]} (servicecapabilitylist): "
                               f"capabilities can be chosen of {', '.join(ALLOWED)}")
    name = next((known for known in ALLOWED[service] if known.lower() == wanted.lower()), None)
    if name is None:
        raise InvalidParameter(f"Invalid capability:{wanted[:64]} capability value:{value[:64]} "
                               f"(servicecapabilitylist): only {', '.join(ALLOWED[service])} capabilities can be "
                               f"specified for {service} service")
    if value not in VALUES.get(name, FLAG):
        raise InvalidParameter(f"Unknown specified value ({value[:64]}) for {name} (servicecapabilitylist): it is "
                               f"one of {', '.join(VALUES.get(name, FLAG))}")
    return service, name, value


def _check_nothing(values: Mapping[str, str], guest_type: str) -> None:
    """Services without rules between their capabilities."""


def _check_static_nat(values: Mapping[str, str], guest_type: str) -> None:
    if values.get("AssociatePublicIP") == "true" and values.get("ElasticIp") != "true":
        raise InvalidParameter("Capability AssociatePublicIP (servicecapabilitylist) can only be set when "
                               "capability ElasticIp is true")


def _check_connectivity(values: Mapping[str, str], guest_type: str) -> None:
    if values.get("PublicAccess") == "true" and guest_type != "Shared":
        raise InvalidParameter("Capability PublicAccess (servicecapabilitylist) can only be enabled for network "
                               "offerings with guest type Shared")


CHECKS: dict[str, Callable[[Mapping[str, str], str], None]] = {
    "StaticNat": _check_static_nat, "Connectivity": _check_connectivity}


def _check_providers(service: str, values: Mapping[str, str], providers: Sequence[str]) -> None:
    """Refuse a value that a provider of the service does not know."""
    for provider in providers:
        known = catalogue.PROVIDERS[provider].services.get(service, {})
        for name, value in values.items():
            if value == "false" or value == CHOICES.get(service, {}).get(name):
                continue
            supported = str(known.get(name, "")).lower()
            if value not in supported.replace(" ", "").split(","):
                raise UnsupportedAction(f"Service {service} doesn't support value {value} for capability {name} "
                                        f"(servicecapabilitylist) for provider {provider}")


def has_internal_lb(services: Mapping[str, Sequence[str]], chosen: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the load balancer serves addresses inside a VPC."""
    return "InternalLbVm" in services.get("Lb", ()) or chosen.get("Lb", {}).get("LbSchemes") == "internal"
