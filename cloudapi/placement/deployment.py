"""Finding a place: planners order the clusters, hosts are checked one by one, volumes get their pools with the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from cloudapi.errors import InsufficientCapacity
from cloudapi.models.database import rows
from cloudapi.placement import affinity, guest, host, pool
from cloudapi.placement.demand import Demand, Destination, Plan
from cloudapi.placement.planner import Planner, cluster_rooms, named
from cloudapi.placement.refusal import Refusals


class _Search:
    """One search; reads what it needs once."""

    def __init__(self, context: Any, demand: Demand, plan: Plan) -> None:
        self.context, self.demand, self.plan = context, demand, plan
        self.refusals = Refusals()
        self.limits = host.guest_limits()
        self.affinity = affinity.of(demand.machine_id)
        self.guest = guest.of(demand.machine_id)
        self.kept = host.kept_by(demand.machine_id)
        self.pools = pool.pools_of_zone(demand.zone_id) if demand.volumes else []

    def try_host(self, candidate: host.Candidate, planner: Planner | None, *,
                 is_named: bool = False) -> Destination | None:
        """Return the destination on this host, or None after noting the reason."""
        demand = self.demand
        candidate = self.without_own(candidate)
        reason: str | None
        if candidate.id in self.plan.avoid_hosts:
            reason = self.plan.avoid_hosts[candidate.id]
        else:
            reason = (host.refusal(self.context.settings, candidate, demand, self.limits, named=is_named,
                                   guest=self.guest)
                      or (planner.host_refusal(candidate) if planner is not None else None)
                      or self.affinity.refusal(candidate.id))
        if reason is None:
            pools, reason = pool.assign(
                self.context, demand.volumes, self.pools, host_id=candidate.id, cluster_id=candidate.cluster_id,
                hypervisor=candidate.hypervisor, account_id=demand.account_id, plan_pool=self.plan.pool_id,
                avoid=self.plan.avoid_pools)
            if reason is None:
                return Destination(candidate.id, candidate.cluster_id, candidate.pod_id, pools)
        self.refusals.add(candidate.name, reason)
        return None

    def without_own(self, candidate: host.Candidate) -> host.Candidate:
        """Return the host without what the machine itself keeps reserved there."""
        if self.kept is None or self.kept[0] != candidate.id:
            return candidate
        return dataclasses.replace(candidate, cpu_used=candidate.cpu_used - self.kept[1],
                                   memory_used=candidate.memory_used - self.kept[2])

    def on_named_host(self) -> Destination | None:
        found = host.candidates(self.demand.zone_id, host_id=self.plan.host_id)
        if not found:
            self.refusals.add(f"host {self.plan.host_id}", "it is not in the zone")
            return None
        return self.try_host(found[0], None, is_named=True)

    def on_last_host(self, planner: Planner) -> Destination | None:
        if self.plan.last_host_id is None:
            return None
        found = host.candidates(self.demand.zone_id, host_id=self.plan.last_host_id,
                                cluster_id=self.plan.cluster_id, pod_id=self.plan.pod_id)
        if found and self.guest.deters(found[0]):
            return None
        return self.try_host(found[0], planner) if found else None

    def ordered(self, hosts: Sequence[host.Candidate]) -> list[host.Candidate]:
        """Return the hosts in the order of trying: by affinity, then by the guest OS, then by the algorithm."""
        found = host.ordered(self.context.settings, hosts, self.demand.account_id)
        return sorted(found, key=lambda each: (self.affinity.rank(each.id), self.guest.rank(each)))

    def in_clusters(self, planner: Planner) -> Destination | None:
        rooms = cluster_rooms(self.context, self.demand.zone_id, self.plan.pod_id, self.plan.cluster_id)
        for cluster in planner.clusters(rooms, self.refusals):
            for candidate in self.ordered(host.candidates(self.demand.zone_id, cluster_id=cluster.id)):
                destination = self.try_host(candidate, planner)
                if destination is not None:
                    return destination
        return None


def find(context: Any, demand: Demand, plan: Plan) -> Destination:
    """Return the place for a machine. Reads only; what is found has to be taken by the caller.

    :raises InsufficientCapacity: there is none; `refusals` says why, host by host.
    """
    search = _Search(context, demand, plan)
    state = rows("SELECT allocation_state FROM zone WHERE id = ?", [demand.zone_id])
    if state and state[0][0] != "Enabled" and not demand.on_disabled:
        search.refusals.add("zone", "it is disabled")
        raise _refused(demand, search.refusals)
    if plan.host_id is not None:
        destination = search.on_named_host()
        if destination is not None:
            return destination
        if not context.settings.get("allow.deploy.vm.if.deploy.on.given.host.fails"):
            raise _refused(demand, search.refusals)
    planner = named(plan.planner or context.settings.get("vm.deployment.planner"))(context, demand)
    destination = search.on_last_host(planner) or search.in_clusters(planner)
    if destination is None:
        raise _refused(demand, search.refusals)
    return destination


def suitable_hosts(context: Any, demand: Demand, hosts: Sequence[host.Candidate], *,
                   storage: bool = True) -> dict[int, str | None]:
    """Return for each host why the machine cannot be moved there; None where it can. In the order of trying.

    :param storage: its volumes stay where they are, so that the host has to reach their pools.
    """
    search = _Search(context, demand, Plan())
    found: dict[int, str | None] = {}
    for candidate in search.ordered(hosts):
        reason = (host.refusal(context.settings, candidate, demand, search.limits, guest=search.guest)
                  or search.affinity.refusal(candidate.id))
        if reason is None and storage:
            reason = pool.assign(context, demand.volumes, search.pools, host_id=candidate.id,
                                 cluster_id=candidate.cluster_id, hypervisor=candidate.hypervisor,
                                 account_id=demand.account_id)[1]
        found[candidate.id] = reason
    return found


def _refused(demand: Demand, refusals: Refusals) -> InsufficientCapacity:
    kind = "VM instance" if demand.kind == "User" else demand.kind
    return InsufficientCapacity(f"No destination found for a deployment for {kind} {demand.name}: "
                                "no host has room for it", refusals=refusals.listed())
