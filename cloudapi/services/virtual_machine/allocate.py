"""Writing new machines of any kind: the record, its root disk and its NICs, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudapi.context import ROOT_DOMAIN, SYSTEM_ACCOUNT, Context
from cloudapi.models.base import new_uuid, now
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import Network
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Template
from cloudapi.services.volume import disk


def write(**columns: Any) -> Machine:
    """Insert a machine; its instance name, which has its id in it, is to follow by `rename`."""
    columns.setdefault("uuid", new_uuid())
    return Machine.create(instance_name=columns["uuid"], updated=now(), **columns)


def rename(machine: Machine, instance_name: str, **columns: Any) -> None:
    """Give a new machine its name on hosts, and what else depends on its id."""
    values = {"instance_name": instance_name, **columns}
    Machine.update(**values).where(Machine.id == machine.id).execute()
    for name, value in values.items():
        setattr(machine, name, value)


def allocate_system(context: Context, kind: str, name_prefix: str, zone: Zone, offering: ServiceOffering,
                    template: Template, networks: Sequence[tuple[Network, Mapping[str, Any]]] = (), *,
                    account: Account | None = None, ha: bool | None = None, **columns: Any) -> Machine:
    """Write a virtual router or system VM, Stopped, with its root disk and NICs. Within a transaction.

    :param kind: DomainRouter, ConsoleProxy or SecondaryStorageVm.
    :param name_prefix: `r`, `v` or `s`: the name becomes `<prefix>-<id>-<instance.name>`.
    :param networks: each network with the options of its NIC (as `nic.allocate` takes them), in the order of devices.
    :param account: the owner; the system where it is None.
    """
    from cloudapi.services.nic import nic as nics

    owner = account or Account.get_by_id(SYSTEM_ACCOUNT)
    machine = write(
        kind=kind, name="", display_name=None, account_id=owner.id,
        domain_id=owner.domain_id if account is not None else ROOT_DOMAIN, zone=zone.id, template=template.id,
        guest_os=template.guest_os_id, service_offering=offering.id, hypervisor_type=template.hypervisor_type,
        cpu=offering.cpu or 1, speed=offering.speed or 500, memory=offering.memory or 512, arch=template.arch,
        limit_cpu_use=offering.limit_cpu_use, ha_enabled=offering.offer_ha if ha is None else ha, vm_type=kind,
        **columns)
    name = f"{name_prefix}-{machine.id}-{context.settings.get('instance.name')}"
    rename(machine, name, name=name)
    gigabytes = int(context.settings.get("systemvm.root.disk.size"))
    disk.allocate(context, owner, zone=zone, kind=disk.ROOT, name=f"ROOT-{machine.id}",
                  offering=DiskOffering.get_by_id(offering.disk_offering_id), template=template, machine=machine,
                  size=gigabytes << 30 if gigabytes > 0 else None)
    for network, options in networks:
        nics.allocate(context, machine, network, **options)
    return machine
