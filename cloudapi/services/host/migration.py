"""Which hosts a running machine could be moved to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import PoolHost, Volume
from cloudapi.placement import host as placement
from cloudapi.placement.deployment import suitable_hosts


@dataclass(frozen=True, slots=True)
class Targets:
    """`ids` are those of all hosts that come into question, in order.

    :ivar refusals: why a host does not suit; a suitable one has none.
    :ivar storage_motion: the hosts that cannot reach the machine's disks, which would have to move along.
    """

    ids: list[int] = field(default_factory=list)
    refusals: dict[int, str | None] = field(default_factory=dict)
    storage_motion: set[int] = field(default_factory=set)


def _without_disks(machine: Machine, ids: list[int]) -> set[int]:
    """Return the hosts to which a pool of the machine's disks is not attached."""
    pools = {row.pool_id for row in Volume.alive(Volume.vm_id == machine.id, Volume.pool.is_null(False))}
    attached = {(row.pool_id, row.host_id) for row in PoolHost.select().where(PoolHost.pool.in_(list(pools) or [0]))}
    return {host_id for host_id in ids if any((pool_id, host_id) not in attached for pool_id in pools)}


def targets(context: Context, machine: Machine) -> Targets:
    """Return the hosts of the machine's cluster, or of its zone where its hypervisor moves disks along.

    :raises InvalidParameter: the machine does not run, or its hypervisor does not migrate.
    """
    from cloudapi.services.virtual_machine import demand, motion
    from cloudapi.services.volume import hypervisor

    if machine.state != "Running" or machine.host_id is None:
        raise InvalidParameter(f"VM is not Running, unable to migrate the vm with specified id (virtualmachineid) "
                               f"{machine.uuid}")
    source: Host = machine.host
    capabilities: dict[str, Any] = source.capabilities or {}
    if not capabilities.get("live_migration"):
        raise InvalidParameter(f"virtualmachineid: hypervisor {source.hypervisor_type} of VM {machine.uuid} does not "
                               "migrate running Instances")
    anywhere = hypervisor.moves_disks(source)
    found = [candidate for candidate in placement.candidates(
        source.zone_id, cluster_id=None if anywhere else source.cluster_id)
        if candidate.id != source.id and candidate.hypervisor == source.hypervisor_type]
    without = _without_disks(machine, [candidate.id for candidate in found])
    near = [candidate for candidate in found if candidate.id not in without]
    far = [candidate for candidate in found if candidate.id in without]
    refusals = suitable_hosts(context, demand.of(context, machine), near)
    refusals.update(suitable_hosts(context, demand.of(context, machine, volumes=False), far, storage=False))
    if anywhere:
        mapper = motion.Mapper(context, machine)
        refusals.update({candidate.id: mapper.refusal(candidate.id, candidate.cluster_id, candidate.hypervisor)
                         for candidate in far if refusals[candidate.id] is None})
    else:
        refusals.update({candidate.id: refusals[candidate.id] or "it does not reach the disks" for candidate in far})
    return Targets([candidate.id for candidate in found], refusals, without if anywhere else set())
