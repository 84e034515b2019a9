"""The end of machines: their disks, NICs and rows, and the periodic work that gets to those which were destroyed."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.common import ResourceTag
from cloudapi.models.machine import AffinityGroupMember, Machine, MachineKeyPair
from cloudapi.models.storage import Volume
from cloudapi.services import detail
from cloudapi.services.virtual_machine import background, purging, statistics
from cloudapi.services.volume import disk
from cloudapi.states.base import transition


def expunge(context: Context, machine: Machine) -> None:
    """Remove a machine for good: it is stopped, its root disk and NICs go, data disks stay and are detached. In steps.

    System VMs and routers take all of their disks with them. Safe to repeat; one that is removed already stays so.
    """
    from cloudapi.services.virtual_machine import life

    found = Machine.get_by_id(machine.id)
    if found.removed is not None:
        return
    if found.state in ("Running", "Starting", "Stopping", "Migrating"):
        life.stop(context, found, forced=True)
    context.steps.run(f"begin to expunge {machine.uuid}", lambda: _begin(machine.id))
    context.steps.settle()
    for volume in disk.of_machine(machine, "Allocated", "Ready", "Destroy", "Expunging", "Uploaded"):
        if volume.kind == disk.ROOT or machine.kind != "User":
            disk.remove(context, volume)
    context.steps.run(f"expunged {machine.uuid}", lambda: _end(context, machine.id))


def _begin(machine_id: int) -> None:
    from cloudapi.services.capacity import capacity

    machine = Machine.get_by_id(machine_id)
    if machine.removed is None:
        transition(machine, "ExpungeOperation", updated=now())
        capacity.release_reservation(machine_id)


def _end(context: Context, machine_id: int) -> None:
    from cloudapi.services.nic import nic as nics

    machine = Machine.get_by_id(machine_id)
    if machine.removed is not None:
        return
    for nic in nics.of_machine(machine):
        nics.remove(context, nic)
    for volume in disk.of_machine(machine, "Allocated", "Ready", "Uploaded"):
        Volume.update(vm_id=None, device_id=None, attached=None).where(Volume.id == volume.id).execute()
    detail.remove(machine)
    ResourceTag.delete().where(ResourceTag.resource_type == "UserVm", ResourceTag.resource_id == machine_id).execute()
    for table in (AffinityGroupMember, MachineKeyPair):
        table.delete().where(table.machine == machine_id).execute()
    statistics.forget([machine_id])
    purging.expunged(machine)
    Machine.update(removed=now(), user_data=None, password=None, vnc_password=None).where(
        Machine.id == machine_id).execute()


def expunge_destroyed(context: Context) -> None:
    """Begin to expunge Instances that were destroyed longer ago than `expunge.delay`, and those that were never made.

    At most `expunge.workers` at a time; each that ends begins the next.
    """
    free = int(context.settings.get("expunge.workers")) - background.waiting(context, "ExpungeVirtualMachine")
    if free <= 0:
        return
    before = now() - int(context.settings.get("expunge.delay")) * 1000
    due = Machine.alive(
        Machine.kind == "User",
        (Machine.state.in_(("Destroyed", "Expunging")) & (Machine.destroyed <= before))
        | ((Machine.state == "Error") & (Machine.updated <= before))).order_by(Machine.updated, Machine.id)
    for machine in due.limit(free * 4):
        if background.submit(context, "expungeVirtualMachine", machine):
            free -= 1
        if not free:
            return
