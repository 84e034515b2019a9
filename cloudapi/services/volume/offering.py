"""Whether volumes of a disk offering may be made in a zone."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.infrastructure import Zone
from cloudapi.models.offering import DiskOffering


def check_zone(context: Context, zone: Zone) -> None:
    """:raises PermissionDenied: the zone is disabled, and the caller is no root admin."""
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.uuid}")


def check_local(offering: DiskOffering, zone: Zone) -> None:
    """:raises InvalidParameter: the offering wants local storage, which the zone has not enabled."""
    if offering.use_local_storage and not zone.local_storage:
        raise InvalidParameter("Zone is not configured to use local storage but volume's disk offering "
                               f"{offering.name} uses it")
