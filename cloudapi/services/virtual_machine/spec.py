"""A machine as agents' `InstanceSpec` describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine, MachineKeyPair
from cloudapi.models.storage import Template
from cloudapi.services import detail
from cloudapi.services.virtual_machine import password


def guaranteed(context: Context, host: Host, speed: int, memory: int) -> tuple[int, int]:
    """Return `(MHz for each core, bytes)` that the host sets aside, by the cluster's over-provisioning."""
    settings, cluster = context.settings, host.cluster_id
    bytes_ = memory << 20
    if settings.get("vm.min.cpu.speed.equals.cpu.speed.divided.by.cpu.overprovisioning.factor", cluster=cluster):
        speed = max(1, int(speed / settings.get("cpu.overprovisioning.factor", cluster=cluster)))
    if settings.get("vm.min.memory.equals.memory.divided.by.mem.overprovisioning.factor", cluster=cluster):
        bytes_ = max(1, int(bytes_ / settings.get("mem.overprovisioning.factor", cluster=cluster)))
    return speed, bytes_


def of(context: Context, machine: Machine, host: Host, disks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the `InstanceSpec` of a machine on a host."""
    from cloudapi.services.nic import nic as nics
    from cloudapi.services.template import image

    minimum_speed, minimum_memory = guaranteed(context, host, machine.speed, machine.memory)
    iso = None
    if machine.iso_id is not None:
        iso = image.iso_spec(Template.get_by_id(machine.iso_id), machine.zone_id)
    keys = [row.public_key for row in MachineKeyPair.select().where(MachineKeyPair.machine == machine.id)]
    details = detail.get(machine)
    shown = {name: value or "" for name, value in details.items() if not password.is_secret(name)}
    return {
        "id": machine.uuid, "name": machine.instance_name, "kind": machine.kind, "cpus": machine.cpu,
        "cpu_mhz": machine.speed, "memory_bytes": machine.memory << 20, "cpu_capped": bool(machine.limit_cpu_use),
        "minimum_cpu_mhz": minimum_speed, "minimum_memory_bytes": minimum_memory, "arch": machine.arch,
        "guest_os": machine.guest_os.display_name if machine.guest_os_id is not None else "",
        "boot_type": "UEFI" if machine.boot_type == "UEFI" else "BIOS",
        "boot_mode": "Secure" if machine.boot_mode == "Secure" else "Legacy", "hostname": machine.name,
        "disks": list(disks), "nics": [nics.spec(nic, details) for nic in nics.of_machine(machine)], "iso": iso,
        "user_data": machine.user_data, "password": password.plain(context, machine), "ssh_public_keys": keys,
        "details": shown}
