"""Planners: in which order the clusters of a zone are tried, and which hosts of a cluster are let in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudapi.errors import InvalidParameter
from cloudapi.models.database import rows
from cloudapi.placement.demand import Demand
from cloudapi.placement.host import Candidate, cpu_weight, machines_of, share
from cloudapi.placement.refusal import Refusals


@dataclass(frozen=True, slots=True)
class ClusterRoom:
    """A cluster and what its hosts have together; CPU in MHz, memory in bytes, over-provisioning included."""

    id: int
    name: str
    pod_id: int
    cpu_total: int
    cpu_used: int
    memory_total: int
    memory_used: int

    def free(self, weight: float) -> float:
        return share(self.cpu_total - self.cpu_used, self.cpu_total, self.memory_total - self.memory_used,
                     self.memory_total, weight)


def cluster_rooms(context: Any, zone_id: int, pod_id: int | None, cluster_id: int | None) -> list[ClusterRoom]:
    """Return the clusters of a zone (or of one pod, or one of them) with their capacity."""
    where, values = "c.zone_id = ? AND c.removed IS NULL", [zone_id]
    if cluster_id is not None:
        where += " AND c.id = ?"
        values.append(cluster_id)
    elif pod_id is not None:
        where += " AND c.pod_id = ?"
        values.append(pod_id)
    sums: dict[tuple[int, int], tuple[int, int]] = {
        (cluster, kind): (int(total or 0), int(used or 0)) for cluster, kind, total, used in rows(
            "SELECT cluster_id, kind, SUM(total), SUM(used + reserved) FROM capacity WHERE zone_id = ? "
            "AND host_id IS NOT NULL AND kind IN (0, 1) GROUP BY cluster_id, kind", [zone_id])}
    found = []
    for identifier, name, pod in rows(
            f"SELECT c.id, c.name, c.pod_id FROM cluster c WHERE {where} ORDER BY c.id", values):
        cpu, memory = sums.get((identifier, 1), (0, 0)), sums.get((identifier, 0), (0, 0))
        found.append(ClusterRoom(
            identifier, name, pod,
            int(cpu[0] * context.settings.get("cpu.overprovisioning.factor", cluster=identifier, zone=zone_id)), cpu[1],
            int(memory[0] * context.settings.get("mem.overprovisioning.factor", cluster=identifier, zone=zone_id)),
            memory[1]))
    return found


def threshold_refusal(settings: Any, cluster: ClusterRoom, demand: Demand) -> str | None:
    """Return why the cluster is too full for anything more, or None."""
    if not settings.get("cluster.threshold.enabled"):
        return None
    for what, total, used, asked in (("cpu", cluster.cpu_total, cluster.cpu_used, demand.mhz),
                                     ("memory", cluster.memory_total, cluster.memory_used, demand.memory_bytes)):
        limit = settings.get(f"cluster.{what}.allocated.capacity.disablethreshold", cluster=cluster.id,
                             zone=demand.zone_id)
        if used + asked > total * limit:
            return (f"with this machine {(used + asked) / total:.0%} of its cluster's {what} would be allocated, "
                    f"more than the threshold of {limit:.0%}" if total else f"its cluster has no {what}")
    return None


class Planner:
    """Base of the planners; the class name is the name that offerings and settings use."""

    heeds_thresholds: ClassVar[bool] = True
    only_hypervisor: ClassVar[str | None] = None

    def __init__(self, context: Any, demand: Demand) -> None:
        self.context, self.demand = context, demand

    def order(self, clusters: Sequence[ClusterRoom]) -> list[ClusterRoom]:
        """Return the clusters in the order of trying: most free capacity first."""
        weight = cpu_weight(self.context.settings)
        found = sorted(clusters, key=lambda cluster: -cluster.free(weight))
        if self.context.settings.get("apply.allocation.algorithm.to.pods"):
            free: dict[int, list[float]] = {}
            for cluster in found:
                free.setdefault(cluster.pod_id, []).append(cluster.free(weight))
            found.sort(key=lambda cluster: -sum(free[cluster.pod_id]) / len(free[cluster.pod_id]))
        return found

    def clusters(self, rooms: Sequence[ClusterRoom], refusals: Refusals) -> list[ClusterRoom]:
        """Return the clusters to try, in order; those over their thresholds are refused."""
        found = []
        for cluster in self.order(rooms):
            reason = threshold_refusal(self.context.settings, cluster, self.demand) if self.heeds_thresholds else None
            if reason is None:
                found.append(cluster)
            else:
                refusals.add(f"cluster {cluster.name}", reason)
        return found

    def host_refusal(self, host: Candidate) -> str | None:
        """Return why the planner keeps the machine off this host, or None."""
        if self.only_hypervisor is not None and host.hypervisor != self.only_hypervisor:
            return f"the planner {type(self).__name__} uses only {self.only_hypervisor} hosts"
        return None


class FirstFitPlanner(Planner):
    """Clusters with most free capacity first."""


class SkipHeuresticsPlanner(FirstFitPlanner):
    """As first fit, but cluster thresholds do not count."""

    heeds_thresholds = False


class UserDispersingPlanner(FirstFitPlanner):
    """Clusters with fewest Instances of the account first, weighed against free capacity."""

    def order(self, clusters: Sequence[ClusterRoom]) -> list[ClusterRoom]:
        held = dict(rows("SELECT h.cluster_id, COUNT(*) FROM machine m JOIN host h ON h.id = m.host_id "
                         "WHERE m.account_id = ? AND m.kind = 'User' AND m.removed IS NULL GROUP BY h.cluster_id",
                         [self.demand.account_id]))
        total = sum(held.values()) or 1
        weight = float(self.context.settings.get("vm.user.dispersion.weight"))
        capacity = cpu_weight(self.context.settings)
        return sorted(super().order(clusters), key=lambda cluster: (
            weight * held.get(cluster.id, 0) / total + (1 - weight) * (1 - cluster.free(capacity))))


class UserConcentratedPodPlanner(FirstFitPlanner):
    """Clusters of the pod that has most Instances of the account first."""

    def order(self, clusters: Sequence[ClusterRoom]) -> list[ClusterRoom]:
        held = machines_of(self.demand.account_id, "pod_id")
        return sorted(super().order(clusters), key=lambda cluster: -held.get(cluster.pod_id, 0))


class ImplicitDedicationPlanner(FirstFitPlanner):
    """Hosts that are empty or run machines of this account alone."""

    def __init__(self, context: Any, demand: Demand) -> None:
        super().__init__(context, demand)
        self.shared = {row[0] for row in rows(
            "SELECT DISTINCT m.host_id FROM machine m WHERE m.host_id IS NOT NULL AND m.removed IS NULL "
            "AND m.zone_id = ? AND m.kind = 'User' AND m.account_id <> ?", [demand.zone_id, demand.account_id])}

    def host_refusal(self, host: Candidate) -> str | None:
        if host.id in self.shared:
            return "Instances of another account run there, the offering asks for hosts of its own"
        return super().host_refusal(host)


class BareMetalPlanner(FirstFitPlanner):
    only_hypervisor = "BareMetal"


class ExternalServerPlanner(FirstFitPlanner):
    only_hypervisor = "External"


PLANNERS: dict[str, type[Planner]] = {kind.__name__: kind for kind in (
    FirstFitPlanner, UserDispersingPlanner, UserConcentratedPodPlanner, ImplicitDedicationPlanner,
    SkipHeuresticsPlanner, BareMetalPlanner, ExternalServerPlanner)}


def named(name: str) -> type[Planner]:
    """Return the planner of this name.

    :raises InvalidParameter: there is none.
    """
    try:
        return PLANNERS[name]
    except KeyError:
        raise InvalidParameter(f"Can't find the deployment planner {name[:80]} (deploymentplanner); there are "
                               f"{', '.join(sorted(PLANNERS))}") from None
