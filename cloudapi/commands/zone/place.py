"""What the commands of zones, pods, clusters and hosts have in common."""

from __future__ import annotations

from cloudapi.api.query import Query, escape_like
from cloudapi.context import ADMIN, RESOURCE_ADMIN
from cloudapi.services.storage import access

INFRASTRUCTURE_ADMINS = (ADMIN, RESOURCE_ADMIN)
ALLOCATION_STATES = ("Enabled", "Disabled")
ARCHITECTURES = ("x86_64", "aarch64")


def filter_access_group(query: Query, kind: str, group: str | None) -> None:
    """Narrow a list to the places that bear a storage access group themselves."""
    if group is None:
        return
    text = escape_like(group)
    query.where("t.id IN (SELECT x.resource_id FROM detail x WHERE x.resource_type = ? AND x.name = ? AND (x.value = ? "
                "OR x.value LIKE ? ESCAPE '!' OR x.value LIKE ? ESCAPE '!' OR x.value LIKE ? ESCAPE '!'))",
                kind, access.NAME, group, f"{text},%", f"%,{text}", f"%,{text},%")
