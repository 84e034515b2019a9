"""The end of machines: their disks, NICs and rows, and the periodic work that gets to those which were destroyed."""

from __future__ import annotations

import logging

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.models.base import now
from cloudapi.models.common import ResourceTag
from cloudapi.models.database import transact
from cloudapi.models.machine import AffinityGroupMember, Machine, MachineKeyPair, MachineStatistics
from cloudapi.models.storage import Volume
from cloudapi.services import detail
from cloudapi.services.volume import disk
from cloudapi.states.base import transition

log = logging.getLogger(__name__)


def expunge(context: Context, machine: Machine) -> None:
    """Remove a machine for good: it is stopped, its root disk and NICs go, data disks stay and are detached. In steps.

    System VMs and routers take all of their disks with them. Safe to repeat; one that is removed already stays so.
    """
    from cloudapi.services.nic import nic as nics
    from cloudapi.services.virtual_machine import life, spec

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
    for nic in spec.nics_of(machine):
        nics.remove(context, nic)
    context.steps.run(f"expunged {machine.uuid}", lambda: _end(machine.id))


def _begin(machine_id: int) -> None:
    from cloudapi.services.capacity import capacity

    machine = Machine.get_by_id(machine_id)
    if machine.removed is None:
        transition(machine, "ExpungeOperation", updated=now())
        capacity.release_reservation(machine_id)


def _end(machine_id: int) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.removed is not None:
        return
    for volume in disk.of_machine(machine, "Allocated", "Ready", "Uploaded"):
        Volume.update(vm_id=None, device_id=None, attached=None).where(Volume.id == volume.id).execute()
    detail.remove(machine)
    ResourceTag.delete().where(ResourceTag.resource_type == "UserVm", ResourceTag.resource_id == machine_id).execute()
    for table in (AffinityGroupMember, MachineKeyPair):
        table.delete().where(table.machine == machine_id).execute()
    MachineStatistics.delete().where(MachineStatistics.machine_id == machine_id).execute()
    Machine.update(removed=now(), user_data=None, password=None, vnc_password=None).where(
        Machine.id == machine_id).execute()


def expunge_destroyed(context: Context) -> None:
    """Expunge the Instances that were destroyed longer ago than `expunge.delay`, and those that failed to be made."""
    before = now() - int(context.settings.get("expunge.delay")) * 1000
    waiting = Machine.alive(
        Machine.kind == "User",
        (Machine.state.in_(("Destroyed", "Expunging")) & (Machine.destroyed <= before))
        | ((Machine.state == "Error") & (Machine.updated <= before))).order_by(Machine.id)
    for machine in list(waiting):
        _expunge_one(context, machine)


def _expunge_one(context: Context, machine: Machine) -> None:
    """Expunge one machine under its lock; one that another job holds is left for the next time."""
    import dataclasses

    from cloudapi.jobs import locks
    from cloudapi.jobs.steps import Steps

    holder = f"expunge {machine.uuid}"
    if not locks.try_take([locks.key(machine)], holder):
        return
    own = dataclasses.replace(context, steps=Steps(holder))
    try:
        expunge(own, machine)
        transact(lambda: events.completed(context, "VM.EXPUNGE", f"Expunging VM {machine.uuid}", machine))
    except ApiError as error:
        own.steps.unwind()
        log.warning("machine %s is not expunged: %s", machine.uuid, error.text)
    finally:
        transact(lambda: locks.release(holder))
        locks.announce()
