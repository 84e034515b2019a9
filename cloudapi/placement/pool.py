"""Storage pools for volumes: which a host reaches, which of them suit, and in which order they are tried."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cloudapi.models.database import rows
from cloudapi.placement import access
from cloudapi.placement.demand import VolumeDemand
from cloudapi.placement.refusal import Refusals
from cloudapi.placement.tag import split, tag_refusal

# Pools of these kinds refuse nothing until they are full, so that more may be promised than they have.
OVERPROVISIONED_POOLS = frozenset({
    "Filesystem", "NetworkFilesystem", "RBD", "SharedMountPoint", "VMFS", "PreSetup", "EXT", "PowerFlex", "Linstor",
    "DatastoreCluster", "StorPool", "FiberChannel"})


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool as placement sees it; sizes in bytes, `allocated` what its volumes may grow to together.

    `iops` are the operations a second that it can do (None for no limit), `iops_promised` those that its volumes have.
    """

    id: int
    name: str
    scope: str
    pod_id: int | None
    cluster_id: int | None
    host_id: int | None
    hypervisor: str | None
    state: str
    tags: frozenset[str]
    tag_is_rule: bool
    kind: str
    capacity: int
    used: int
    allocated: int
    access_groups: tuple[str, ...] = ()
    uuid: str = ""
    iops: int | None = None
    iops_promised: int = 0

    def spans(self, host_id: int, cluster_id: int, hypervisor: str | None) -> bool:
        """Whether a host of this cluster is in the pool's scope."""
        if self.scope == "HOST":
            return self.host_id == host_id
        if self.scope == "CLUSTER":
            return self.cluster_id == cluster_id
        return self.hypervisor in (None, "Any", hypervisor) or hypervisor is None


def pools_of_zone(zone_id: int) -> list[Pool]:
    """Return the zone's pools that are not removed, oldest first."""
    return [Pool(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], frozenset(split(row[8])), bool(row[9]),
                 row[10], row[11], row[12], int(row[13] or 0), tuple(orjson.loads(row[14] or "[]")), row[15], row[16],
                 int(row[17] or 0))
            for row in rows(
                "SELECT p.id, p.name, p.scope, p.pod_id, p.cluster_id, p.host_id, p.hypervisor_type, p.state, p.tags, "
                "p.is_tag_a_rule, p.pool_type, p.capacity_bytes, p.used_bytes, c.used + c.reserved, "
                "p.storage_access_groups, p.uuid, p.capacity_iops, c.iops FROM storage_pool p "
                "LEFT JOIN capacity c ON c.pool_id = p.id WHERE p.zone_id = ? AND p.removed IS NULL "
                "ORDER BY p.id", [zone_id])]


def reached(pools: Sequence[Pool], host_id: int, cluster_id: int, hypervisor: str | None) -> list[Pool]:
    """Return those of the pools that a host of this cluster may use: by their scope and their access groups."""
    found = [pool for pool in pools if pool.spans(host_id, cluster_id, hypervisor)]
    if not any(pool.access_groups for pool in found):
        return found
    groups = access.of_host(host_id)
    return [pool for pool in found if access.allows(pool.access_groups, pool.scope, groups)]


def refusal(settings: Any, pool: Pool, demand: VolumeDemand, beside: tuple[int, int] = (0, 0)) -> str | None:
    """Return why the volume cannot be made on the pool, or None where it can.

    :param beside: `(bytes, IOPS)` that other volumes of the same machine are to have there too.
    """
    size, iops = demand.size + beside[0], demand.iops + beside[1]
    if pool.state != "Up":
        return f"the pool is in state {pool.state}"
    if demand.local != (pool.scope == "HOST"):
        return "the offering asks for local storage" if demand.local else "the offering asks for shared storage"
    reason = tag_refusal(demand.tags, pool.tags, pool.tag_is_rule, "storage")
    if reason:
        return reason
    if not pool.capacity:
        return "the pool's capacity is not known yet"
    limit = settings.get("pool.storage.capacity.disablethreshold", pool=pool.id)
    if pool.used > pool.capacity * limit:
        return f"{pool.used} of its {pool.capacity} bytes are used, more than the threshold of {limit:.0%}"
    times = settings.get("storage.overprovisioning.factor", pool=pool.id) if pool.kind in OVERPROVISIONED_POOLS else 1
    total = int(pool.capacity * times)
    limit = settings.get("pool.storage.allocated.capacity.disablethreshold", pool=pool.id)
    if pool.allocated + size > total * limit:
        return (f"{size} bytes are asked for, {max(0, int(total * limit) - pool.allocated)} of {total} may still be "
                f"allocated below the threshold of {limit:.0%}")
    if demand.iops and pool.iops is not None and pool.iops_promised + iops > pool.iops:
        return f"{iops} IOPS are asked for, {max(0, pool.iops - pool.iops_promised)} of {pool.iops} are free"
    return None


def ordered(settings: Any, pools: Sequence[Pool], account_id: int | None) -> list[Pool]:
    """Return the pools in the order of `volume.allocation.algorithm`, the account's `preferred.storage.pool` first."""
    algorithm = settings.get("volume.allocation.algorithm")
    found = list(pools)
    if algorithm == "random":
        random.shuffle(found)
    elif algorithm == "firstfitleastconsumed":
        found.sort(key=lambda pool: pool.allocated / pool.capacity if pool.capacity else 1.0)
    elif algorithm == "userdispersing" and account_id is not None and found:
        marks = ",".join("?" * len(found))
        held = dict(rows(f"SELECT pool_id, COUNT(*) FROM volume WHERE account_id = ? AND removed IS NULL "
                         f"AND pool_id IN ({marks}) GROUP BY pool_id", [account_id, *[pool.id for pool in found]]))
        found.sort(key=lambda pool: held.get(pool.id, 0))
    preferred = settings.get("preferred.storage.pool", account=account_id)
    return sorted(found, key=lambda pool: pool.uuid != preferred) if preferred else found


def suitable_pools(context: Any, demand: VolumeDemand, *, zone_id: int, host_id: int, cluster_id: int,
                   hypervisor: str | None = None, account_id: int | None = None, avoid: Collection[int] = (),
                   refusals: Refusals | None = None, known: Sequence[Pool] | None = None) -> list[Pool]:
    """Return the pools on which a volume can be made for a machine on this host, best first.

    :param known: the zone's pools, where the caller has read them already.
    :param refusals: gets the reason of each pool that the host reaches and that does not suit.
    """
    found = []
    for pool in reached(pools_of_zone(zone_id) if known is None else known, host_id, cluster_id, hypervisor):
        if pool.id in avoid:
            continue
        reason = refusal(context.settings, pool, demand)
        if reason is None:
            found.append(pool)
        elif refusals is not None:
            refusals.add(pool.name, f"{demand.name}: {reason}")
    return ordered(context.settings, found, account_id)


def assign(context: Any, demands: Sequence[VolumeDemand], pools: Sequence[Pool], *, host_id: int, cluster_id: int,
           hypervisor: str | None, account_id: int, plan_pool: int | None = None, avoid: Collection[int] = (),
           ) -> tuple[dict[int, int], str | None]:
    """Choose pools for all volumes of a machine on one host, together.

    :returns: the pool of each volume that has none yet, and why it cannot be done (None where it can).
    """
    usable = reached(pools, host_id, cluster_id, hypervisor)
    by_id = {pool.id: pool for pool in usable}
    chosen: dict[int, int] = {}
    asked: dict[int, tuple[int, int]] = {}
    for demand in demands:
        if demand.pool_id is not None:
            present = by_id.get(demand.pool_id)
            if present is None:
                return {}, f"the host does not reach the pool of volume {demand.name}"
            if present.state != "Up":
                return {}, f"volume {demand.name} lies on pool {present.name}, which is in state {present.state}"
            continue
        reasons = []
        for pool in suitable_order(context, usable, account_id, avoid):
            if plan_pool is not None and pool.id != plan_pool:
                continue
            size, iops = asked.get(pool.id, (0, 0))
            reason = refusal(context.settings, pool, demand, (size, iops))
            if reason is None:
                chosen[demand.volume_id] = pool.id
                asked[pool.id] = (size + demand.size, iops + demand.iops)
                break
            reasons.append(f"pool {pool.name}: {reason}")
        else:
            return {}, f"no storage pool for volume {demand.name} ({'; '.join(reasons) or 'the host reaches none'})"
    return chosen, None


def suitable_order(context: Any, pools: Sequence[Pool], account_id: int, avoid: Collection[int]) -> list[Pool]:
    """Return the pools in the order to try them: local, cluster-wide, zone-wide, each kind in the setting's order.

    The account's preferred one is before all.
    """
    rank = {"HOST": 0, "CLUSTER": 1}
    preferred = context.settings.get("preferred.storage.pool", account=account_id)
    return sorted(ordered(context.settings, [pool for pool in pools if pool.id not in avoid], account_id),
                  key=lambda pool: (bool(preferred) and pool.uuid != preferred, rank.get(pool.scope, 2)))
