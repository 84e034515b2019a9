"""Service and disk offerings."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import may_use
from cloudapi.context import Caller
from cloudapi.models.offering import DiskOffering, NetworkOffering, ServiceOffering
from cloudapi.services.offering.scope import usable_in


@may_use(ServiceOffering)
@may_use(DiskOffering)
@may_use(NetworkOffering)
def may_use_offering(caller: Caller, offering: Any) -> bool:
    """Whoever an offering is for may use it: everybody, or the domains that it names with those below them."""
    return usable_in(offering, caller.domain_path)
