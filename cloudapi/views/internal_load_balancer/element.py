"""What the API shows of the elements behind internal load balancers."""

from __future__ import annotations

from cloudapi.api.view import Column, View
from cloudapi.models.network import VirtualRouterElement


class InternalLoadBalancerElementView(View):
    record, name = VirtualRouterElement, "internalloadbalancerelement"

    id = Column("uuid", "ID of the element")
    nspid = Column("provider.uuid", "ID of its provider on the physical network")
    enabled = Column("enabled", "whether it is enabled")
