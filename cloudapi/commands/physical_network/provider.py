"""The providers of network services on physical networks."""

from __future__ import annotations

from typing import Any

import orjson

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand, Listing
from cloudapi.api.parameters import Entity, Text, TextList
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.network import NetworkServiceProvider, PhysicalNetwork
from cloudapi.services.physical_network import catalogue
from cloudapi.services.physical_network import provider as providers
from cloudapi.views.physical_network.physical_network import ProviderView, ServiceView


class AddNetworkServiceProvider(AsyncCreateCommand):
    """Adds a provider of network services to a physical network."""

    roles, event, response, since = ROOT, "SERVICE.PROVIDER.CREATE", ProviderView, "3.0.0"
    creates = NetworkServiceProvider

    physicalnetworkid = Entity(PhysicalNetwork, access=ANY, required=True, help="the physical network")
    destinationphysicalnetworkid = Entity(PhysicalNetwork, access=ANY,
                                          help="the physical network to which the provider bridges")
    name = Text(required=True, help="name of the provider")
    servicelist = TextList(help="those of its services that it shall provide; all by default")

    def create(self, context: Context) -> NetworkServiceProvider:
        return providers.add(context, self.physicalnetworkid, self.name,
                             destination=self.destinationphysicalnetworkid, services=self.servicelist)

    def run(self, context: Context) -> NetworkServiceProvider:
        return self.created


class UpdateNetworkServiceProvider(AsyncCommand):
    """Enables or disables a provider, or chooses its services."""

    roles, event, response, since = ROOT, "SERVICE.PROVIDER.UPDATE", ProviderView, "3.0.0"

    id = Entity(NetworkServiceProvider, access=ANY, required=True, lock=True, help="the provider")
    state = Text(help="Enabled or Disabled")
    servicelist = TextList(help="those of its services that it shall provide")

    def run(self, context: Context) -> int:
        return context.steps.run("update", lambda: int(
            providers.update(context, self.id, state=self.state, services=self.servicelist).id))


class DeleteNetworkServiceProvider(AsyncCommand):
    """Takes a provider from a physical network."""

    action = "deleting a provider of a physical network"
    roles, event, since = ROOT, "SERVICE.PROVIDER.DELETE", "3.0.0"

    id = Entity(NetworkServiceProvider, access=ANY, required=True, lock=True, help="the provider")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: providers.delete(context, self.id))


class ListNetworkServiceProviders(ListCommand):
    """Lists the providers of physical networks."""

    roles, response, since = ROOT, ProviderView, "3.0.0"
    keywords = ("provider_name",)
    order = "t.id DESC"

    physicalnetworkid = Entity(PhysicalNetwork, column="physical_network_id", help="those of this physical network")
    name = Text(column="provider_name", help="those of this name")
    state = Text(column="state", help="those in this state")


def capability_value(value: Any) -> str:
    """Return a capability as the API writes it: what is structured as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def shown_service(name: str) -> dict[str, Any]:
    """Return a service with the providers and the capabilities that it may have."""
    return {
        "name": name,
        "provider": [{"name": provider.name, "servicelist": list(provider.services),
                      "canenableindividualservice": provider.separable} for provider in catalogue.providers_of(name)],
        "capability": [{"name": capability, "canchooseservicecapability": choosable}
                       for capability, choosable in catalogue.SERVICES[name].items()]}


class ListSupportedNetworkServices(ListCommand):
    """Lists the network services that there are, with their providers and capabilities."""

    roles, response, since = ROOT, ServiceView, "3.0.0"

    provider = Text(help="those of this provider")
    service = Text(help="the service of this name")

    def run(self, context: Context) -> Listing:
        names = list(catalogue.SERVICES)
        if self.provider:
            found = catalogue.find(self.provider)
            if found is None:
                raise InvalidParameter(f"Invalid Network Service Provider={self.provider[:64]} (provider)")
            names = list(found.services)
        if self.service:
            service = catalogue.find_service(self.service)
            if service is None:
                raise InvalidParameter(f"Invalid Network Service={self.service[:64]} (service)")
            names = [name for name in names if name == service]
        if self.keyword:
            names = [name for name in names if self.keyword.lower() in name.lower()]
        offset, limit = self.limits(context)
        page = names[offset:] if limit is None else names[offset:offset + limit]
        return Listing([shown_service(name) for name in page], len(names))
