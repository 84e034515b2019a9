"""What running machines use, as their hosts count it."""

from __future__ import annotations

import logging
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine, MachineStatistics
from cloudapi.models.network import Nic
from cloudapi.services.host import agent

log = logging.getLogger(__name__)

KIB = 1024


def collect(context: Context) -> None:
    """Ask every host that is up for the numbers of its machines and keep them."""
    only_users = bool(context.settings.get("vm.stats.user.vm.only"))
    for host in list(Host.alive(Host.kind == "Routing", Host.status == "Up")):
        where = [Machine.host == host.id, Machine.state == "Running"]
        if only_users:
            where.append(Machine.kind == "User")
        machines = {machine.uuid: machine for machine in Machine.alive(*where)}
        if not machines:
            continue
        try:
            answer = agent.call(context, host, "instance.statistics", {"instances": list(machines)},
                                timeout=agent.statistics_timeout(context, host))
        except ApiError as error:
            log.info("no statistics from host %s: %s", host.name, error.text)
            continue
        found = {machines[uuid]: numbers for uuid, numbers in answer["instances"].items() if uuid in machines}
        transact(lambda found=found: _keep(found))  # type: ignore[misc]


def _keep(found: dict[Machine, dict[str, Any]]) -> None:
    moment = now()
    nics = {nic.uuid: nic for nic in Nic.alive(Nic.vm_id.in_([machine.id for machine in found] or [0]))}
    for machine, numbers in found.items():
        _keep_one(machine, numbers, moment)
        for uuid, counted in numbers["nics"].items():
            nic = nics.get(uuid)
            if nic is not None:
                Nic.update(bytes_received=counted["read_bytes"], bytes_sent=counted["write_bytes"]).where(
                    Nic.id == nic.id).execute()


def _keep_one(machine: Machine, numbers: dict[str, Any], moment: int) -> None:
    disks, nics = list(numbers["disks"].values()), list(numbers["nics"].values())

    def total(items: list[dict[str, int]], name: str) -> int:
        return sum(item[name] for item in items)

    values = {
        "cpu_percent": numbers["cpu_percent"], "network_read_kib": total(nics, "read_bytes") // KIB,
        "network_write_kib": total(nics, "write_bytes") // KIB, "disk_read_kib": total(disks, "read_bytes") // KIB,
        "disk_write_kib": total(disks, "write_bytes") // KIB, "disk_reads": total(disks, "read_operations"),
        "disk_writes": total(disks, "write_operations"), "memory_kib": numbers["memory_bytes"] // KIB,
        "memory_free_kib": max(0, numbers["memory_bytes"] - numbers["memory_used_bytes"]) // KIB,
        "memory_target_kib": numbers["memory_bytes"] // KIB, "sampled": moment}
    changed = MachineStatistics.update(**values).where(MachineStatistics.machine_id == machine.id).execute()
    if not changed:
        MachineStatistics.create(machine_id=machine.id, **values)
