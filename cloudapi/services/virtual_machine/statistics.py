"""What running machines use, as their hosts count it: samples, of which the last one is at hand for lists."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine, MachineSample, MachineStatistics
from cloudapi.models.network import Nic
from cloudapi.services.host import agent

log = logging.getLogger(__name__)

KIB, MINUTE = 1024, 60_000
BATCH = 500
COLUMNS = {"nics": ("network_read", "network_write"), "disks": ("disk_read", "disk_write", "disk_reads", "disk_writes")}


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
    """Write the samples of a host's machines: what their devices have counted since the samples before."""
    moment = now()
    ids = [machine.id for machine in found]
    before = {row.machine_id: row for row in MachineStatistics.select().where(
        MachineStatistics.machine_id.in_(ids or [0]))}
    last, samples = [], []
    for machine, numbers in found.items():
        counted = _counters(numbers)
        sample = {"machine_id": machine.id, "sampled": moment, **_level(numbers),
                  **_since(counted, _comparable(before.get(machine.id), numbers, moment))}
        samples.append(sample)
        last.append({**sample, "counted": counted})
    for begin in range(0, len(samples), BATCH):
        MachineStatistics.put(last[begin:begin + BATCH])
        MachineSample.insert_many(samples[begin:begin + BATCH]).execute()
    _keep_nics(found)


def _keep_nics(found: dict[Machine, dict[str, Any]]) -> None:
    nics = {nic.uuid: nic for nic in Nic.alive(Nic.vm_id.in_([machine.id for machine in found] or [0]))}
    for numbers in found.values():
        for uuid, counted in numbers["nics"].items():
            nic = nics.get(uuid)
            if nic is not None:
                Nic.update(bytes_received=counted["read_bytes"], bytes_sent=counted["write_bytes"]).where(
                    Nic.id == nic.id).execute()


def _counters(numbers: dict[str, Any]) -> dict[str, dict[str, list[int]]]:
    """Return what each device has counted since its machine started, by the columns of a sample."""
    return {"nics": {uuid: [nic["read_bytes"], nic["write_bytes"]] for uuid, nic in numbers["nics"].items()},
            "disks": {uuid: [disk["read_bytes"], disk["write_bytes"], disk["read_operations"], disk["write_operations"]]
                      for uuid, disk in numbers["disks"].items()}}


def _comparable(before: MachineStatistics | None, numbers: dict[str, Any], moment: int) -> dict[str, Any]:
    """Return what had been counted at the sample before; nothing where the machine has started since."""
    if before is None or moment - numbers["uptime_seconds"] * 1000 > before.sampled:
        return {}
    return dict(before.counted)


def _since(counted: dict[str, dict[str, list[int]]], before: dict[str, Any]) -> dict[str, int]:
    """Return what has been counted in addition, over all devices. One that counts less has begun anew."""
    found: dict[str, int] = {}
    for kind, columns in COLUMNS.items():
        sums = [0] * len(columns)
        for uuid, values in counted[kind].items():
            known = before.get(kind, {}).get(uuid, [0] * len(columns))
            for place, (value, earlier) in enumerate(zip(values, known, strict=True)):
                sums[place] += value - earlier if value >= earlier else value
        found.update(zip(columns, sums, strict=True))
    return found


def _level(numbers: dict[str, Any]) -> dict[str, Any]:
    memory, used = numbers["memory_bytes"], numbers["memory_used_bytes"]
    return {"cpu_percent": numbers["cpu_percent"], "memory_kib": memory // KIB,
            "memory_free_kib": max(0, memory - used) // KIB, "memory_target_kib": memory // KIB}


def forget(machine_ids: Sequence[int]) -> None:
    """Remove all samples of machines. Within a transaction."""
    for table in (MachineStatistics, MachineSample):
        table.delete().where(table.machine_id.in_(list(machine_ids))).execute()


def remove_old(context: Context) -> None:
    """Remove the samples that are older than `vm.stats.max.retention.time` says, in minutes; 0 keeps all."""
    minutes = int(context.settings.get("vm.stats.max.retention.time"))
    if minutes <= 0:
        return
    before = now() - minutes * MINUTE
    for table in (MachineSample, MachineStatistics):
        if table.select().where(table.sampled < before).exists():
            transact(lambda table=table: table.delete().where(table.sampled < before).execute())  # type: ignore[misc]
