"""Instances of users: what tells them from system VMs and routers, and their start."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.identity import Account
from cloudapi.models.machine import Machine
from cloudapi.placement.demand import Plan
from cloudapi.services.virtual_machine import life


def of_user(machine: Machine) -> Machine:
    """Return the machine.

    :raises InvalidParameter: it is a system VM or router, which have commands of their own.
    """
    if machine.kind != "User":
        raise InvalidParameter(f"unable to find a virtual machine with id {machine.uuid}")
    return machine


def owner(machine: Machine) -> Account:
    return Account.get_by_id(machine.account_id)


def start(context: Context, machine: Machine, plan: Plan) -> Machine:
    """Start a stopped Instance.

    :raises InvalidParameter: it is not stopped.
    :raises PermissionDenied: its owner is disabled.
    """
    def check() -> None:
        found = life.again(machine)
        if found.state == "Running":
            raise InvalidParameter(f"The virtual machine {found.uuid} ({found.name}) is already running")
        if found.state != "Stopped":
            raise InvalidParameter(f"Unable to start VM {found.uuid}: it is in state {found.state}, not Stopped")
        if owner(found).state != "enabled":
            raise PermissionDenied(f"The owner of {found.uuid} is disabled: {owner(found).account_name}")

    context.steps.run("check start", check)
    return life.start(context, machine, plan=plan)
