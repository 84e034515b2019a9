"""What hypervisors allow of volumes, by the capabilities that the administrator keeps."""

from __future__ import annotations

from typing import Any

from cloudapi.models.infrastructure import Host, HypervisorCapability
from cloudapi.models.machine import Machine

MOST_DATA_VOLUMES = 6
ANY_VERSION = "default"


def capability(hypervisor: str | None, version: str | None) -> HypervisorCapability:
    """Return the capabilities of a hypervisor in a version, else in its default version, else of none."""
    found = {row.hypervisor_version: row for row in HypervisorCapability.alive(
        HypervisorCapability.hypervisor_type == hypervisor,
        HypervisorCapability.hypervisor_version.in_((version or ANY_VERSION, ANY_VERSION)))}
    return found.get(version or ANY_VERSION) or found.get(ANY_VERSION) or HypervisorCapability(
        hypervisor_type=hypervisor or "", hypervisor_version=ANY_VERSION, max_data_volumes=MOST_DATA_VOLUMES)


def of_host(host: Host) -> HypervisorCapability:
    return capability(host.hypervisor_type, host.hypervisor_version)


def can(host: Host, capability: str) -> bool:
    """Whether the host's agent reported a capability (a flag of agents' `Capabilities`)."""
    reported: dict[str, Any] = host.capabilities or {}
    return bool(reported.get(capability))


def moves_disks(host: Host) -> bool:
    """Whether disks of the Instances that run on the host can move to other pools."""
    return bool(of_host(host).storage_motion) and can(host, "storage_migration")


def most_data_volumes(machine: Machine) -> int:
    """Return how many data volumes can be attached to a machine, by the host that it runs or last ran on."""
    host = Host.get_or_none(Host.id == (machine.host_id or machine.last_host_id))
    found = capability(machine.hypervisor_type, None) if host is None else of_host(host)
    return found.max_data_volumes if found.max_data_volumes and found.max_data_volumes > 0 else MOST_DATA_VOLUMES
