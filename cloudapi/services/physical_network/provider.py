"""The providers of network services on a physical network, and the elements behind them.

A provider can be enabled once its element is; a network can be made only where the providers of its offering are.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.network import Network, NetworkServiceProvider, PhysicalNetwork, VirtualRouterElement
from cloudapi.models.offering import NetworkOffering
from cloudapi.services.physical_network import catalogue

STATES = ("Enabled", "Disabled")
OVS = "Ovs"


def add_default(physical_network: PhysicalNetwork, kind: catalogue.Provider) -> NetworkServiceProvider:
    """Write a provider with all its services, and its element. Within a transaction."""
    made = NetworkServiceProvider.create(physical_network=physical_network, provider_name=kind.name, state=kind.state,
                                         services=list(kind.services))
    if kind.element is not None:
        VirtualRouterElement.create(provider=made, kind=kind.element)
    return made


def add(context: Context, physical_network: PhysicalNetwork, name: str, *,
        destination: PhysicalNetwork | None = None, services: Sequence[str] | None = None) -> NetworkServiceProvider:
    """Add a provider to a physical network, disabled. Within a transaction.

    Its element is added by a command of its own; only Open vSwitch, for which there is none, brings it along.

    :raises InvalidParameter: an unknown provider, or services that it has not.
    :raises InternalError: the network has it already.
    """
    kind = catalogue.find(name)
    if kind is None:
        raise InvalidParameter(f"Invalid Network Service Provider={name[:64]} (name); there are "
                               f"{', '.join(catalogue.PROVIDERS)}")
    if of(physical_network, kind.name) is not None:
        raise InternalError(f"The '{kind.name}' provider already exists on physical network : {physical_network.name}")
    made: NetworkServiceProvider = NetworkServiceProvider.create(
        physical_network=physical_network, provider_name=kind.name,
        services=list(kind.services) if services is None else _chosen(kind, services),
        destination_physical_network_id=destination.id if destination is not None else 0)
    if kind.element == OVS:
        VirtualRouterElement.create(provider=made, kind=OVS)
    return made


def _chosen(kind: catalogue.Provider, names: Sequence[str]) -> list[str]:
    """Return the services that an admin chose, as they are written."""
    found = []
    for name in names:
        service = catalogue.find_service(name)
        if service is None:
            raise InvalidParameter(f"Invalid Network Service specified={name[:64]} (servicelist)")
        if service not in kind.services:
            raise InvalidParameter(f"{kind.name} Provider cannot provide this Service specified={service} "
                                   "(servicelist)")
        found.append(service)
    if "SourceNat" in found and "Gateway" in kind.services and "Gateway" not in found:
        found.append("Gateway")
    if not kind.separable and set(found) != set(kind.services):
        raise InvalidParameter("Cannot enable subset of Services, please specify the complete list of Services "
                               f"(servicelist) for this Service Provider '{kind.name}'")
    return found


def of(physical_network: PhysicalNetwork, name: str) -> NetworkServiceProvider | None:
    """Return the provider of this name on a physical network."""
    return NetworkServiceProvider.alive(
        NetworkServiceProvider.physical_network == physical_network.id,
        NetworkServiceProvider.provider_name == name).first()


def elements_of(provider: NetworkServiceProvider) -> list[VirtualRouterElement]:
    return list(VirtualRouterElement.alive(VirtualRouterElement.provider == provider.id))


def is_ready(provider: NetworkServiceProvider) -> bool:
    """Whether the provider can be enabled: its element is enabled, or it needs none."""
    kind = catalogue.PROVIDERS[provider.provider_name]
    return kind.element is None or kind.ready or any(element.enabled for element in elements_of(provider))


def update(context: Context, provider: NetworkServiceProvider, *, state: str | None = None,
           services: Sequence[str] | None = None) -> NetworkServiceProvider:
    """Enable or disable a provider, or choose its services. Within a transaction.

    :raises InvalidParameter: an unknown state or service, or a choice that the provider does not leave.
    :raises InternalError: its element is not enabled.
    """
    changes: dict[str, object] = {}
    if state:
        if state not in STATES:
            raise InvalidParameter(f"Unable to resolve state '{state[:32]}' to a supported value "
                                   f"{{Enabled or Disabled}}")
        if state == "Enabled" and not is_ready(provider):
            raise InternalError("Provider is not ready, cannot Enable the provider, please configure the provider "
                                "first")
        changes["state"] = state
    if services is not None:
        kind = catalogue.PROVIDERS[provider.provider_name]
        if not kind.separable:
            raise InvalidParameter("Cannot update set of Services (servicelist) for this Service Provider "
                                   f"'{kind.name}'")
        changes["services"] = _chosen(kind, services)
    if changes:
        NetworkServiceProvider.update(**changes).where(NetworkServiceProvider.id == provider.id).execute()
    return NetworkServiceProvider.get_by_id(provider.id)


def delete(context: Context, provider: NetworkServiceProvider) -> None:
    """Delete a provider that no network uses. Within a transaction.

    :raises InternalError: networks use it.
    """
    offerings = {offering.id for offering in NetworkOffering.select()
                 if any(provider.provider_name in names for names in (offering.services or {}).values())}
    if Network.alive(Network.physical_network == provider.physical_network_id,
                     Network.offering.in_(list(offerings))).exists():
        raise InternalError("Provider is not deletable because there are active networks using this provider, please "
                            "upgrade these networks to new network offerings")
    remove(provider)


def remove(provider: NetworkServiceProvider) -> None:
    """Mark a provider and its elements as removed. Within a transaction."""
    VirtualRouterElement.update(removed=now(), enabled=False).where(
        VirtualRouterElement.provider == provider.id, VirtualRouterElement.removed.is_null()).execute()
    NetworkServiceProvider.update(removed=now(), state="Shutdown").where(
        NetworkServiceProvider.id == provider.id).execute()


def add_element(context: Context, provider: NetworkServiceProvider, kind: str) -> VirtualRouterElement:
    """Add an element of this kind to a provider, not enabled. Within a transaction.

    :raises InvalidParameter: the provider has no elements of this kind, or has its element already.
    """
    if catalogue.PROVIDERS[provider.provider_name].element != kind:
        raise InvalidParameter(f"Provider {provider.provider_name} (nspid) has no elements of type {kind}")
    if elements_of(provider):
        raise InvalidParameter(f"There is already an element in Network service provider {provider.uuid} (nspid)")
    return VirtualRouterElement.create(provider=provider, kind=kind)


def configure_element(context: Context, element: VirtualRouterElement, enabled: bool) -> VirtualRouterElement:
    """Enable or disable an element. Within a transaction."""
    VirtualRouterElement.update(enabled=enabled).where(VirtualRouterElement.id == element.id).execute()
    element.enabled = enabled
    return element
