"""What machines count for in their owners' resource limits."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.models.identity import Account
from cloudapi.models.machine import Machine
from cloudapi.services.account import limit

RUNNING = ("Starting", "Running", "Migrating", "Stopping")


def only_running(context: Context) -> bool:
    """Whether stopped machines count for nothing."""
    return bool(context.settings.get("resource.count.running.vms.only"))


def _tags(context: Context, machine: Machine) -> list[str]:
    if not context.settings.get("resource.limit.host.tags"):
        return []
    template = machine.template.template_tag if machine.template_id is not None else None
    return limit.host_tags(context, machine.service_offering.host_tag, template)


def take(context: Context, machine: Machine, *, vm: int = 1, cpu: int | None = None, memory: int | None = None,
         account: Account | None = None) -> None:
    """Count a machine, or more CPU and memory of it. Within a transaction; those of the system count for nothing.

    :raises ResourceLimitExceeded: a limit would be passed.
    """
    if machine.kind != "User" or not machine.display:
        return
    amounts = {"user_vm": vm, "cpu": machine.cpu if cpu is None else cpu,
               "memory": machine.memory if memory is None else memory}
    limit.take_all(context, account or Account.get_by_id(machine.account_id), amounts, tags=_tags(context, machine))


def give_back(context: Context, machine: Machine, *, vm: int = 1, cpu: int | None = None, memory: int | None = None,
              account: Account | None = None) -> None:
    """Count a machine, or some of its CPU and memory, no longer. Within a transaction."""
    if machine.kind != "User" or not machine.display:
        return
    owner = account or Account.get_by_id(machine.account_id)
    tags = _tags(context, machine)
    for kind, amount in (("user_vm", vm), ("cpu", machine.cpu if cpu is None else cpu),
                         ("memory", machine.memory if memory is None else memory)):
        limit.give_back(owner, kind, amount, tags=tags)


def resize(context: Context, machine: Machine, cpu: int, memory: int) -> None:
    """Count a machine with another size than it has. Within a transaction, before the machine is changed.

    :raises ResourceLimitExceeded: a limit would be passed.
    """
    take(context, machine, vm=0, cpu=max(0, cpu - machine.cpu), memory=max(0, memory - machine.memory))
    give_back(context, machine, vm=0, cpu=max(0, machine.cpu - cpu), memory=max(0, machine.memory - memory))


def check_size(context: Context, machine: Machine, cpu: int, memory: int) -> None:
    """:raises ResourceLimitExceeded: a limit would be passed if the machine had this size. Within a transaction."""
    if counted(context, machine):
        more = {"cpu": max(0, cpu - machine.cpu), "memory": max(0, memory - machine.memory)}
        take(context, machine, vm=0, **more)
        give_back(context, machine, vm=0, **more)


def counted(context: Context, machine: Machine) -> bool:
    """Whether the machine counts in the state that it is in."""
    if machine.removed is not None or machine.state in ("Destroyed", "Expunging", "Error"):
        return False
    return machine.state in RUNNING or not only_running(context)
