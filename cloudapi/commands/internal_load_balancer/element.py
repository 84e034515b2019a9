"""The elements behind internal load balancers."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import ADMINS, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.network import NetworkServiceProvider, VirtualRouterElement
from cloudapi.services.physical_network import provider as providers
from cloudapi.views.internal_load_balancer.element import InternalLoadBalancerElementView

KIND = "InternalLbVm"


class CreateInternalLoadBalancerElement(AsyncCreateCommand):
    """Adds an element to a provider of internal load balancers."""

    roles, event, since = ADMINS, "SERVICE.PROVIDER.CREATE", "4.2.0"
    response = InternalLoadBalancerElementView
    creates = VirtualRouterElement

    nspid = Entity(NetworkServiceProvider, access=ANY, required=True, help="the provider on the physical network")

    def create(self, context: Context) -> VirtualRouterElement:
        return providers.add_element(context, self.nspid, KIND)

    def run(self, context: Context) -> VirtualRouterElement:
        return self.created


class ConfigureInternalLoadBalancerElement(AsyncCommand):
    """Enables or disables an element behind internal load balancers."""

    roles, event, since = ADMINS, "NETWORK.ELEMENT.CONFIGURE", "4.2.0"
    response = InternalLoadBalancerElementView

    id = Entity(VirtualRouterElement, access=ANY, required=True, lock=True, help="the element")
    enabled = Flag(required=True, help="whether it shall be enabled")

    def run(self, context: Context) -> int:
        if self.id.kind != KIND:
            raise InvalidParameter(f"Can't find InternalLbVm element with network service provider id {self.id.uuid} "
                                   "(id) to be used as a provider for this internal load balancer")
        return context.steps.run("configure", lambda: int(
            providers.configure_element(context, self.id, self.enabled).id))


class ListInternalLoadBalancerElements(ListCommand):
    """Lists the elements behind internal load balancers."""

    roles, response, since = ADMINS, InternalLoadBalancerElementView, "4.2.0"
    keywords = ()

    id = Entity(VirtualRouterElement, column="id", minus_one=True, help="the element with this ID")
    nspid = Entity(NetworkServiceProvider, column="provider_id", help="those of this provider")
    enabled = Flag(column="enabled", help="those that are enabled, or are not")

    def filter(self, context: Context, query: Query) -> None:
        query.equals("kind", KIND)
