"""Destroying Instances, bringing them back, and who may expunge them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.jobs import locks
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.machine import Machine
from cloudapi.models.storage import Volume
from cloudapi.services.account import cleanup
from cloudapi.services.network import network as networks
from cloudapi.services.virtual_machine import count, expunging, life
from cloudapi.services.volume import disk, removal
from cloudapi.states.base import transition

ENDED = ("Destroyed", "Expunging")


def may_expunge(context: Context) -> bool:
    """Whether the caller may expunge and recover: administrators, others where their setting and role say so."""
    return context.caller.is_admin or bool(
        context.settings.get("allow.user.expunge.recover.vm", account=context.caller.account_id))


def check_expunge(context: Context) -> None:
    """:raises PermissionDenied: the caller may not expunge."""
    if not may_expunge(context):
        raise PermissionDenied("Expunging a vm can only be done by an Admin. Or when the allow.user.expunge.recover.vm "
                               "key is set.")
    registry, permissions = context.installation.registry, context.installation.permissions
    command = registry.get("expungeVirtualMachine")
    if command is not None and not permissions.allowed(context.caller, command):
        raise PermissionDenied("Account does not have permission for expunging.")


def check(context: Context, machine: Machine, *, expunge: bool = False, volumes: Sequence[Volume] = ()) -> None:
    """Refuse to destroy an Instance. Reads only.

    :raises InvalidParameter: it is protected, or a volume is not one of its data disks.
    :raises PermissionDenied: the caller may not expunge.
    """
    if machine.delete_protection:
        raise InvalidParameter(f"Instance [id = {machine.uuid}, name = {machine.name}] has delete protection enabled "
                               "and cannot be deleted.")
    if expunge:
        check_expunge(context)
    wrong = [volume.uuid for volume in volumes if volume.vm_id != machine.id or volume.kind != disk.DATADISK]
    if wrong:
        raise InvalidParameter("The following supplied volumes are not DATADISK attached to the VM: "
                               + ", ".join(wrong))
    kept = [volume.uuid for volume in volumes if volume.delete_protection]
    if kept:
        raise InvalidParameter(f"Volumes have delete protection enabled and cannot be deleted: {', '.join(kept)}")


def destroy(context: Context, machine: Machine, *, expunge: bool = False, volumes: Sequence[Volume] = (),
            forced: bool = False) -> Machine | None:
    """Stop an Instance and mark it destroyed, or (`expunge`) remove it for good. In steps. None where it is gone.

    :param volumes: data disks that go with it.
    :param forced: switch it off, and go on where its host does not answer.
    """
    found = life.again(machine)
    if found.removed is not None:
        return None
    if found.state in ("Running", "Starting", "Stopping", "Migrating"):
        hard = forced or bool(context.settings.get("vm.destroy.forcestop"))
        life.stop(context, found, forced=hard)
    context.steps.run(f"destroy {machine.uuid}", lambda: _mark(context, machine.id))
    context.steps.settle()
    for volume in volumes:
        context.steps.run(f"give up volume {volume.uuid}", lambda volume=volume: _give_up(context, volume.id))
    if expunge:
        expunging.expunge(context, machine)
        for volume in volumes:
            disk.remove(context, Volume.get_by_id(volume.id))
        return None
    return life.again(machine)


def _mark(context: Context, machine_id: int) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.state in ENDED:
        return
    if machine.state == "Stopped" and not count.only_running(context):
        count.give_back(context, machine)
    moment = now()
    transition(machine, "DestroyRequested", updated=moment, destroyed=moment)
    from cloudapi.services.capacity import capacity

    capacity.release_reservation(machine_id)
    if context.settings.get("destroy.root.volume.on.vm.destruction", domain=machine.domain_id):
        for volume in disk.of_machine(machine, "Allocated", "Ready"):
            if volume.kind == disk.ROOT:
                removal.destroy(context, volume)


def _give_up(context: Context, volume_id: int) -> None:
    """A data disk that goes with its Instance: detached and destroyed."""
    volume = Volume.get_by_id(volume_id)
    if volume.state not in ("Allocated", "Ready", "Uploaded"):
        return
    removal.destroy(context, volume)
    Volume.update(vm_id=None, device_id=None, attached=None).where(Volume.id == volume_id).execute()


def recover(context: Context, machine: Machine) -> Machine:
    """Bring a destroyed Instance back, Stopped. Within a transaction.

    :raises InvalidParameter: it is not destroyed, or is being expunged.
    :raises PermissionDenied: the caller may not.
    :raises ResourceLimitExceeded: its owner has no room for it any more.
    """
    if not may_expunge(context):
        raise PermissionDenied("Recovering a vm can only be done by an Admin. Or when the "
                               "allow.user.expunge.recover.vm key is set.")
    if machine.state != "Destroyed":
        raise InvalidParameter(f"Unable to recover the vm {machine.uuid} because it is not in the correct state. "
                               f"current state: {machine.state}")
    if not count.only_running(context):
        count.take(context, machine)
    for volume in disk.of_machine(machine, "Destroy"):
        if volume.kind == disk.ROOT:
            disk.count(context, volume)
            transition(volume, "RecoverRequested")
    transition(machine, "RecoveryRequested", updated=now(), destroyed=None)
    return machine


def check_expungeable(context: Context, machine: Machine) -> None:
    """:raises InvalidParameter: the Instance was not destroyed before. :raises PermissionDenied: the caller may not."""
    if context.caller.user_id != context.installation.callers.system().user_id:
        check_expunge(context)
    if machine.state not in (*ENDED, "Error"):
        raise InvalidParameter(f"Please destroy vm with specified vmId before expunging: {machine.uuid} is in state "
                               f"{machine.state}")


@cleanup.register(10, "Instances")
def remove_of_account(context: Context, account: Account) -> None:
    """Remove all Instances of an account, running ones included."""
    for machine in list(Machine.alive(Machine.account_id == account.id, Machine.kind == "User").order_by(Machine.id)):
        # A job that works on it, its deployment perhaps, comes to its end first.
        with locks.hold([locks.key(machine)], networks.holder(context),
                        float(context.settings.get("network.lock.timeout"))):
            destroy(context, machine, expunge=True, forced=True)
