"""Whether a disk of an offering would find a place for an Instance."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.placement import pool as pools
from cloudapi.placement.demand import VolumeDemand
from cloudapi.placement.tag import split


def for_machine(context: Context, machine: Machine, offering_ids: Sequence[int]) -> dict[int, bool]:
    """Return for each disk offering whether a pool that the Instance's host reaches takes a disk of it.

    An Instance that never had a host reaches all pools of its zone.
    """
    host = Host.get_or_none(Host.id == (machine.host_id or machine.last_host_id))
    reached = pools.pools_of_zone(machine.zone_id)
    if host is not None:
        reached = pools.reached(reached, host.id, host.cluster_id, host.hypervisor_type)
    found = {}
    for offering in DiskOffering.select().where(DiskOffering.id.in_(list(offering_ids))):
        demand = VolumeDemand(0, offering.name, offering.disk_size, tuple(split(offering.tags)),
                              bool(offering.use_local_storage), encrypt=bool(offering.encrypt),
                              iops=offering.min_iops or 0)
        found[offering.id] = any(pools.refusal(context.settings, pool, demand) is None for pool in reached)
    return found
