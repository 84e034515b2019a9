"""Zones. Who may build in one is registered here, as services know nothing of the API."""

from __future__ import annotations

from cloudapi.api.access import may_use
from cloudapi.context import Caller
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone


@may_use(Zone)
def may_use_zone(caller: Caller, zone: Zone) -> bool:
    """A zone is everybody's, or that of one domain and those below it."""
    if zone.domain_id is None:
        return True
    owner = Domain.get_or_none(Domain.id == zone.domain_id)
    return owner is not None and caller.domain_path.startswith(owner.path)
