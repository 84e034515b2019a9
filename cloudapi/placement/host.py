"""Hosts as placement sees them, and why one does not suit."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cloudapi.models.database import rows
from cloudapi.placement.demand import Demand
from cloudapi.placement.guest import Guest
from cloudapi.placement.tag import tag_refusal

MEMORY, CPU = 0, 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host with its surroundings; memory in bytes, CPU in MHz, `used` includes what is reserved."""

    id: int
    name: str
    pod_id: int
    cluster_id: int
    status: str
    resource_state: str
    hypervisor: str | None
    hypervisor_version: str | None
    arch: str
    cpus: int
    speed: int
    capabilities: str | None
    pod_state: str
    cluster_state: str
    managed_state: str
    guest_os_rule: str | None = None
    os_category_id: int | None = None
    tags: tuple[str, ...] = ()
    tag_is_rule: bool = False
    cpu_total: int = 0
    cpu_used: int = 0
    memory_total: int = 0
    memory_used: int = 0
    guests: int = 0

    def can(self, capability: str) -> bool:
        return bool(self.capabilities and orjson.loads(self.capabilities).get(capability))

    @property
    def can_hvm(self) -> bool:
        return self.can("hvm")


def candidates(zone_id: int, *, cluster_id: int | None = None, pod_id: int | None = None,
               host_id: int | None = None) -> list[Candidate]:
    """Return the hosts of a part of the zone, oldest first, whatever their state."""
    where, values = "h.zone_id = ?", [zone_id]
    for column, value in (("h.cluster_id", cluster_id), ("h.pod_id", pod_id), ("h.id", host_id)):
        if value is not None:
            where += f" AND {column} = ?"
            values.append(value)
    found = rows("SELECT h.id, h.name, h.pod_id, h.cluster_id, h.status, h.resource_state, h.hypervisor_type, "
                 "h.hypervisor_version, h.arch, h.cpus, h.speed, h.capabilities, p.allocation_state, "
                 "c.allocation_state, c.managed_state, h.guest_os_rule, h.os_category_id, "
                 "(SELECT COUNT(*) FROM machine m WHERE m.host_id = h.id AND m.removed IS NULL) FROM host h "
                 f"JOIN pod p ON p.id = h.pod_id JOIN cluster c ON c.id = h.cluster_id WHERE {where} "
                 "AND h.kind = 'Routing' AND h.removed IS NULL ORDER BY h.id", values)
    if not found:
        return []
    ids = [row[0] for row in found]
    marks = ",".join("?" * len(ids))
    capacity = {(host, kind): (total, used) for host, kind, total, used in rows(
        "SELECT host_id, kind, total, used + reserved FROM capacity "
        f"WHERE host_id IN ({marks}) AND kind IN (0, 1)", ids)}
    tags: dict[int, list[str]] = {}
    rules: set[int] = set()
    for host, tag, is_rule in rows(
            f"SELECT host_id, tag, is_rule FROM host_tag WHERE host_id IN ({marks}) ORDER BY id", ids):
        tags.setdefault(host, []).append(tag)
        if is_rule:
            rules.add(host)
    none = (0, 0)
    made = []
    for row in found:
        cpu, memory = capacity.get((row[0], CPU), none), capacity.get((row[0], MEMORY), none)
        cells: list[Any] = list(row[:-1])
        cells += (tuple(tags.get(row[0], ())), row[0] in rules, *cpu, *memory, row[-1])
        made.append(Candidate(*cells))
    return made


def guest_limits() -> dict[tuple[str, str], int]:
    """Return the most machines on a host, by hypervisor and version (`default` for any)."""
    return {(kind, version): limit for kind, version, limit in rows(
        "SELECT hypervisor_type, hypervisor_version, max_guests FROM hypervisor_capability "
        "WHERE max_guests IS NOT NULL AND removed IS NULL")}


def state_refusal(host: Candidate, demand: Demand) -> str | None:
    """Return why the host takes no machine at all now, or None."""
    if host.status != "Up":
        return f"it is in state {host.status}"
    if host.managed_state != "Managed":
        return f"its cluster is {host.managed_state}"
    if demand.on_disabled and host.resource_state in ("Enabled", "Disabled"):
        return None
    if host.resource_state != "Enabled":
        return f"its resource state is {host.resource_state}"
    if host.cluster_state != "Enabled":
        return "its cluster is disabled"
    if host.pod_state != "Enabled":
        return "its pod is disabled"
    return None


def kind_refusal(host: Candidate, demand: Demand) -> str | None:
    """Return why the host is of the wrong kind for the machine, or None."""
    if demand.hypervisor not in (None, "Any", host.hypervisor):
        return f"its hypervisor is {host.hypervisor}, {demand.hypervisor} is asked for"
    if host.arch != demand.arch:
        return f"its architecture is {host.arch}, {demand.arch} is asked for"
    if demand.uefi and not host.can("uefi"):
        return "it cannot boot with UEFI"
    if host.cpus < demand.cpu:
        return f"it has {host.cpus} CPU cores, {demand.cpu} are asked for"
    if host.speed < demand.speed:
        return f"its CPU runs at {host.speed} MHz, {demand.speed} MHz are asked for"
    return None


def kept_by(machine_id: int) -> tuple[int, int, int] | None:
    """Return `(host id, MHz, bytes)` that a machine keeps reserved from when it was stopped."""
    found = rows("SELECT host_id, cpu_mhz, memory_bytes FROM capacity_reservation WHERE machine_id = ?", [machine_id])
    return (found[0][0], found[0][1], found[0][2]) if found else None


def room_refusal(settings: Any, host: Candidate, demand: Demand, limits: Mapping[tuple[str, str], int]) -> str | None:
    """Return why the host has no room, or None."""
    limit = limits.get((host.hypervisor or "", host.hypervisor_version or ""),
                       limits.get((host.hypervisor or "", "default")))
    if limit is not None and host.guests >= limit:
        return f"it runs {host.guests} machines, its hypervisor allows {limit}"
    total = int(host.cpu_total * settings.get("cpu.overprovisioning.factor", cluster=host.cluster_id))
    if host.cpu_used + demand.mhz > total:
        return f"{demand.mhz} MHz of CPU are asked for, {max(0, total - host.cpu_used)} of {total} are free"
    total = int(host.memory_total * settings.get("mem.overprovisioning.factor", cluster=host.cluster_id))
    if host.memory_used + demand.memory_bytes > total:
        return (f"{demand.memory} MiB of memory are asked for, {max(0, total - host.memory_used) >> 20} "
                f"of {total >> 20} are free")
    return None


def refusal(settings: Any, host: Candidate, demand: Demand, limits: Mapping[tuple[str, str], int], *,
            named: bool = False, guest: Guest | None = None) -> str | None:
    """Return why the machine cannot go to the host, storage apart; None where it can.

    :param named: the caller named the host: of the tags only the strict ones count, and what its guest OS asks for
        does not.
    """
    return (state_refusal(host, demand) or kind_refusal(host, demand)
            or (guest.refusal(host) if guest is not None and not named else None)
            or tag_refusal(demand.strict_tags if named else demand.host_tags, host.tags,
                           host.tag_is_rule and not named, "host")
            or room_refusal(settings, host, demand, limits))


def ordered(settings: Any, hosts: Sequence[Candidate], account_id: int) -> list[Candidate]:
    """Return the hosts in the order of `vm.allocation.algorithm`."""
    algorithm = settings.get("vm.allocation.algorithm")
    found = list(hosts)
    if algorithm == "random":
        random.shuffle(found)
    elif algorithm == "firstfitleastconsumed":
        weight = cpu_weight(settings)
        found.sort(key=lambda host: -share(host.cpu_total - host.cpu_used, host.cpu_total, host.memory_total
                                           - host.memory_used, host.memory_total, weight))
    elif algorithm == "userdispersing" and found:
        held = machines_of(account_id, "host_id")
        found.sort(key=lambda host: held.get(host.id, 0))
    return found


def machines_of(account_id: int, column: str) -> dict[int, int]:
    """Return how many machines of an account there are by `host_id` or `pod_id`."""
    return dict(rows(f"SELECT {column}, COUNT(*) FROM machine WHERE account_id = ? AND kind = 'User' "
                     f"AND removed IS NULL AND {column} IS NOT NULL GROUP BY {column}", [account_id]))


def cpu_weight(settings: Any) -> float:
    """Return how much CPU counts against memory where places are ordered by what is free: 0 to 1."""
    kind = settings.get("host.capacityType.to.order.clusters")
    if kind == "CPU":
        return 1.0
    if kind == "RAM":
        return 0.0
    return float(settings.get("host.capacityType.to.order.clusters.cputomemoryweight"))


def share(cpu_free: float, cpu_total: float, memory_free: float, memory_total: float, weight: float) -> float:
    """Return the free share of a place, CPU and memory weighed."""
    cpu = cpu_free / cpu_total if cpu_total else 0.0
    memory = memory_free / memory_total if memory_total else 0.0
    return weight * cpu + (1 - weight) * memory
