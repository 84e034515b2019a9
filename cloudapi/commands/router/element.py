"""Elements behind network service providers: virtual routers and Open vSwitch."""

from __future__ import annotations

from typing import Any, ClassVar

from cloudapi.api.access import ANY
from cloudapi.api.command import ADMINS, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.network import NetworkServiceProvider, VirtualRouterElement
from cloudapi.services.physical_network import provider
from cloudapi.views.router.router import OvsProviderView, VirtualRouterProviderView

ROUTER_KINDS, OVS_KINDS = ("VirtualRouter", "VPCVirtualRouter"), ("Ovs",)
ELEMENTS = {"VirtualRouter": "VirtualRouter", "VpcVirtualRouter": "VPCVirtualRouter"}


class _ConfigureElement(AsyncCommand):
    kinds: ClassVar[tuple[str, ...]] = ROUTER_KINDS

    id = Entity(VirtualRouterElement, access=ANY, required=True, lock=True, help="the element")
    enabled = Flag(required=True, help="whether it may be used")

    def run(self, context: Context) -> Any:
        if self.id.kind not in self.kinds:
            raise InvalidParameter(f"Can't find the element {self.id.uuid} (id) of type {' or '.join(self.kinds)}")
        context.steps.run("configure", lambda: provider.configure_element(context, self.id, self.enabled).id)
        return self.id


class ConfigureVirtualRouterElement(_ConfigureElement):
    """Enables or disables a virtual router element."""

    roles, event, response = ADMINS, "NETWORK.ELEMENT.CONFIGURE", VirtualRouterProviderView


class ConfigureOvsElement(_ConfigureElement):
    """Enables or disables an Open vSwitch element."""

    roles, event, response, kinds = ADMINS, "NETWORK.ELEMENT.CONFIGURE", OvsProviderView, OVS_KINDS


class CreateVirtualRouterElement(AsyncCreateCommand):
    """Adds a virtual router element to a service provider."""

    roles, event, response = ADMINS, "SERVICE.PROVIDER.CREATE", VirtualRouterProviderView
    creates = VirtualRouterElement

    nspid = Entity(NetworkServiceProvider, access=ANY, required=True, help="the service provider")
    providertype = Entity(NetworkServiceProvider, access=ANY, help="a provider of the kind to add; nspid's by default")

    def create(self, context: Context) -> Any:
        kind = ELEMENTS.get((self.providertype or self.nspid).provider_name)
        if kind is None:
            raise InvalidParameter(f"The provider {self.nspid.provider_name} (nspid) has no virtual routers")
        return provider.add_element(context, self.nspid, kind)

    def run(self, context: Context) -> Any:
        return self.created


class _ListElements(ListCommand):
    keywords: ClassVar[tuple[str, ...]] = ("kind",)
    kinds: ClassVar[tuple[str, ...]] = ROUTER_KINDS

    id = Entity(VirtualRouterElement, column="id", help="the element with this ID")
    nspid = Entity(NetworkServiceProvider, column="provider_id", help="elements of this service provider")
    enabled = Flag(column="enabled", help="those that are enabled, or those that are not")

    def filter(self, context: Context, query: Query) -> None:
        query.among("kind", self.kinds)


class ListVirtualRouterElements(_ListElements):
    """Lists virtual router elements."""

    roles, response = ADMINS, VirtualRouterProviderView


class ListOvsElements(_ListElements):
    """Lists Open vSwitch elements."""

    roles, response, kinds = ADMINS, OvsProviderView, OVS_KINDS
