"""Sums of capacity by zone, pod or cluster: hosts and pools by their rows, addresses and VLANs as they are taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudapi.models.database import rows
from cloudapi.models.network import PhysicalNetwork
from cloudapi.services.capacity import capacity
from cloudapi.services.capacity.capacity import (
    CORES,
    CPU,
    DIRECT_PUBLIC_IP,
    LOCAL_STORAGE,
    MEMORY,
    PRIVATE_IP,
    PUBLIC_IP,
    SECONDARY_STORAGE,
    STORAGE,
    STORAGE_ALLOCATED,
    VLAN,
)

NAMES = {
    MEMORY: "MEMORY", CPU: "CPU", STORAGE: "STORAGE", STORAGE_ALLOCATED: "STORAGE_ALLOCATED",
    PUBLIC_IP: "VIRTUAL_NETWORK_PUBLIC_IP", PRIVATE_IP: "PRIVATE_IP", SECONDARY_STORAGE: "SECONDARY_STORAGE",
    VLAN: "VLAN", DIRECT_PUBLIC_IP: "DIRECT_ATTACHED_PUBLIC_IP", LOCAL_STORAGE: "LOCAL_STORAGE", CORES: "CPU_CORE"}

# The column of the place by which is summed; rows of a place carry those above it as well.
LEVELS = {"zone": "zone_id", "pod": "pod_id", "cluster": "cluster_id"}


@dataclass(slots=True)
class Figure:
    """`total` is what may be given, over-provisioning included; `allocated` what Instances were made with."""

    level: str
    place_id: int
    kind: int
    used: int = 0
    total: int = 0
    allocated: int | None = None
    tag: str | None = None

    @property
    def share(self) -> float:
        return self.used / self.total if self.total else 0.0

    @property
    def percent(self) -> str:
        return decimal(100 * self.share)


def decimal(number: float) -> str:
    """Return a number with at most two decimals: 12.5, 33.33, 0."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


@dataclass(slots=True)
class _Sums:
    level: str
    ids: Sequence[int]
    tag: str | None
    found: dict[tuple[int, int], Figure] = field(default_factory=dict)

    def add(self, place_id: int, kind: int, used: Any, total: Any) -> Figure:
        figure = self.found.setdefault((place_id, kind), Figure(self.level, place_id, kind, tag=self.tag))
        figure.used += int(used or 0)
        figure.total += int(total or 0)
        return figure

    def select(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run a SELECT in which `{ids}` stands for the places' ids, which come after the other parameters."""
        return rows(sql.replace("{ids}", ",".join("?" * len(self.ids))), [*parameters, *self.ids])


def figures(level: str, ids: Sequence[int], tag: str | None = None) -> list[Figure]:
    """Return the sums of these zones, pods or clusters, by place and kind.

    :param tag: count only hosts and storage pools that bear it.
    """
    if not ids:
        return []
    sums = _Sums(level, ids, tag)
    column = LEVELS[level]
    _hosts(sums, column)
    _pools(sums, column)
    if tag is None:
        _pool_usage(sums, column)
        if level != "cluster":
            _private_addresses(sums)
        if level == "zone":
            _public_addresses(sums)
            _guest_vlans(sums)
            _secondary_storage(sums)
    _allocated(sums)
    return [sums.found[key] for key in sorted(sums.found)]


def _hosts(sums: _Sums, column: str) -> None:
    times = {CPU: capacity.factors("cpu.overprovisioning.factor", "Cluster"),
             MEMORY: capacity.factors("mem.overprovisioning.factor", "Cluster")}
    tagged, values = "", []
    if sums.tag is not None:
        tagged, values = " AND c.host_id IN (SELECT g.host_id FROM host_tag g WHERE g.tag = ?)", [sums.tag]
    for place_id, cluster_id, kind, used, total in sums.select(
            f"SELECT c.{column}, c.cluster_id, c.kind, SUM(c.used + c.reserved), SUM(c.total) FROM capacity c "
            f"WHERE c.host_id IS NOT NULL AND c.enabled = ?{tagged} AND c.{column} IN ({{ids}}) "
            f"GROUP BY c.{column}, c.cluster_id, c.kind", True, *values):
        factor = times[kind](cluster_id) if kind in times else 1.0
        sums.add(place_id, kind, used, int(total) * factor)


def _pools(sums: _Sums, column: str) -> None:
    factor = capacity.factors("storage.overprovisioning.factor", "StoragePool")
    for place_id, kind, pool_id, pool_type, tags, used, total in sums.select(
            f"SELECT c.{column}, c.kind, p.id, p.pool_type, p.tags, c.used + c.reserved, c.total FROM capacity c "
            f"JOIN storage_pool p ON p.id = c.pool_id WHERE p.removed IS NULL AND c.{column} IN ({{ids}})"):
        if sums.tag is not None and sums.tag not in (tags or "").split(","):
            continue
        times = factor(pool_id) if pool_type in capacity.OVERPROVISIONED_POOLS else 1.0
        sums.add(place_id, kind, used, total * times)


def _pool_usage(sums: _Sums, column: str) -> None:
    for place_id, used, total in sums.select(
            f"SELECT p.{column}, SUM(p.used_bytes), SUM(p.capacity_bytes) FROM storage_pool p WHERE p.removed IS NULL "
            f"AND p.scope <> 'HOST' AND p.{column} IN ({{ids}}) GROUP BY p.{column}"):
        sums.add(place_id, STORAGE, used, total)


def _private_addresses(sums: _Sums) -> None:
    place = "d.zone_id" if sums.level == "zone" else "d.id"
    for place_id, used, total in sums.select(
            f"SELECT {place}, COUNT(a.taken), COUNT(*) FROM pod_ip_address a JOIN pod d ON d.id = a.pod_id "
            f"WHERE d.removed IS NULL AND {place} IN ({{ids}}) GROUP BY {place}"):
        sums.add(place_id, PRIVATE_IP, used, total)


def _public_addresses(sums: _Sums) -> None:
    for zone_id, kind, used, total in sums.select(
            "SELECT r.zone_id, r.kind, SUM(CASE WHEN a.state <> 'Free' THEN 1 ELSE 0 END), COUNT(*) FROM ip_address a "
            "JOIN ip_range r ON r.id = a.ip_range_id WHERE a.removed IS NULL AND r.removed IS NULL "
            "AND r.zone_id IN ({ids}) GROUP BY r.zone_id, r.kind"):
        sums.add(zone_id, PUBLIC_IP if kind == "VirtualNetwork" else DIRECT_PUBLIC_IP, used, total)


def _guest_vlans(sums: _Sums) -> None:
    total: dict[int, int] = defaultdict(int)
    for network in PhysicalNetwork.alive(PhysicalNetwork.zone.in_(list(sums.ids))):
        total[network.zone_id] += sum(last - first + 1 for first, last in network.vlan_ranges or [])
    taken = dict(sums.select("SELECT p.zone_id, COUNT(*) FROM guest_vlan v JOIN physical_network p "
                             "ON p.id = v.physical_network_id WHERE p.removed IS NULL AND p.zone_id IN ({ids}) "
                             "GROUP BY p.zone_id"))
    for zone_id, number in total.items():
        sums.add(zone_id, VLAN, taken.get(zone_id, 0), number)


def _secondary_storage(sums: _Sums) -> None:
    for zone_id, used, total in sums.select(
            "SELECT s.zone_id, SUM(s.used_bytes), SUM(s.capacity_bytes) FROM image_store s WHERE s.removed IS NULL "
            "AND s.role = 'Image' AND s.zone_id IN ({ids}) GROUP BY s.zone_id"):
        sums.add(zone_id, SECONDARY_STORAGE, used, total)


def _allocated(sums: _Sums) -> None:
    """Add what the Instances of the places were made with, those included that are stopped now."""
    if sums.level == "cluster" or sums.tag is not None:
        return
    column = LEVELS[sums.level]
    for place_id, cores, mhz, mib in sums.select(
            f"SELECT m.{column}, SUM(m.cpu), SUM(m.cpu * m.speed), SUM(m.memory) FROM machine m "
            f"WHERE m.removed IS NULL AND m.state NOT IN ('Destroyed', 'Error', 'Expunging') "
            f"AND m.{column} IN ({{ids}}) GROUP BY m.{column}"):
        for kind, amount in ((CORES, cores), (CPU, mhz), (MEMORY, int(mib) << 20)):
            if (place_id, kind) in sums.found:
                sums.found[place_id, kind].allocated = int(amount)


def as_objects(found: Sequence[Figure]) -> dict[int, list[dict[str, Any]]]:
    """Return the figures as the capacity lists inside zones, pods and clusters, by the place's id."""
    shown: dict[int, list[dict[str, Any]]] = {}
    for figure in found:
        item: dict[str, Any] = {"type": figure.kind, "name": NAMES[figure.kind]}
        if figure.allocated is not None:
            item["capacityallocated"] = figure.allocated
        item.update(capacityused=figure.used, capacitytotal=figure.total, percentused=figure.percent)
        shown.setdefault(figure.place_id, []).append(item)
    return shown
