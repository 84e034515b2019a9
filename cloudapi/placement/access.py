"""Storage access groups: which hosts may use which pools.

A group set on a zone, pod or cluster goes for every host below. A host reaches the pools that bear one of its
groups, and those that bear none.
"""

from __future__ import annotations

from collections.abc import Collection

from cloudapi.models.database import rows

NAME = "storageaccessgroups"


def split(text: str | None) -> list[str]:
    """Return the groups that a detail of a zone, pod, cluster or host holds."""
    return [name for name in (text or "").split(",") if name]


def of_host(host_id: int) -> set[str]:
    """Return the groups of a host: its own and those of its cluster, pod and zone."""
    found: set[str] = set()
    for cluster_id, pod_id, zone_id in rows("SELECT cluster_id, pod_id, zone_id FROM host WHERE id = ?", [host_id]):
        for place in (("Host", host_id), ("Cluster", cluster_id), ("Pod", pod_id), ("Zone", zone_id)):
            for (text,) in rows("SELECT value FROM detail WHERE resource_type = ? AND resource_id = ? AND name = ?",
                                [*place, NAME]):
                found.update(split(text))
    return found


def allows(pool_groups: Collection[str], scope: str, host_groups: Collection[str]) -> bool:
    """Whether a host may use a pool; local storage is its host's whatever the groups."""
    return not pool_groups or scope == "HOST" or not set(pool_groups).isdisjoint(host_groups)
