"""The size of an Instance with a custom offering, changed by its details: at once where it does not run, else at its
next start.

What a running machine has stays until then, so that its host's capacity and its owner's counts tell what is used.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, ResourceLimitExceeded
from cloudapi.models.base import now
from cloudapi.models.machine import Machine
from cloudapi.models.offering import ServiceOffering
from cloudapi.services import detail
from cloudapi.services.capacity import capacity
from cloudapi.services.virtual_machine import count, size
from cloudapi.states.base import TransitionRefused

AT_ONCE = ("Stopped", "Destroyed")


def change(context: Context, machine: Machine, details: Mapping[str, str]) -> dict[str, str]:
    """Give an Instance the size that these details name. Within a transaction. Returns the details to keep.

    :raises InvalidParameter: its offering is not custom or does not allow the size, or a limit of its owner does not.
    """
    given = size.given(details)
    if not given:
        return {}
    offering: ServiceOffering = machine.service_offering
    if not size.is_dynamic(offering):
        raise InvalidParameter("CPU number, Memory and CPU speed cannot be updated for a non-dynamic offering: details")
    chosen = size.of(context, offering, _whole(machine, offering, given))
    try:
        if machine.state in AT_ONCE:
            _apply(context, machine, chosen)
        else:
            count.check_size(context, machine, chosen.cpu, chosen.memory)
    except ResourceLimitExceeded as error:
        raise InvalidParameter(error.text) from error
    return _details(chosen)


def catch_up(context: Context, machine: Machine) -> None:
    """Give an Instance that is about to start the size that its details have named since. Within a transaction.

    :raises ResourceLimitExceeded: its owner may not have as much any more.
    """
    offering: ServiceOffering = machine.service_offering
    if machine.kind != "User" or machine.state != "Stopped" or not size.is_dynamic(offering):
        return
    named = size.given(detail.get(machine))
    present = _details(size.Size(machine.cpu, machine.speed, machine.memory))
    wanted = {**present, **named}
    if wanted != present:
        _apply(context, machine, size.Size(*(int(wanted[name]) for name in size.NAMES)))


def _whole(machine: Machine, offering: ServiceOffering, given: Mapping[str, str]) -> dict[str, str]:
    """What is not given is as named before; what the offering fixes may be sent along as it is."""
    named = {**_details(size.Size(machine.cpu, machine.speed, machine.memory)), **size.given(detail.get(machine)),
             **given}
    fixed = {size.CPU: offering.cpu, size.SPEED: offering.speed, size.MEMORY: offering.memory}
    return {name: value for name, value in named.items()
            if fixed[name] is None or (name in given and value != str(fixed[name]))}


def _details(chosen: size.Size) -> dict[str, str]:
    return {size.CPU: str(chosen.cpu), size.SPEED: str(chosen.speed), size.MEMORY: str(chosen.memory)}


def _apply(context: Context, machine: Machine, chosen: size.Size) -> None:
    if (chosen.cpu, chosen.speed, chosen.memory) == (machine.cpu, machine.speed, machine.memory):
        return
    if count.counted(context, machine):
        count.resize(context, machine, chosen.cpu, chosen.memory)
    capacity.release_reservation(machine.id)
    changed = Machine.update(cpu=chosen.cpu, speed=chosen.speed, memory=chosen.memory, updated=now(),
                             generation=Machine.generation + 1).where(
        Machine.id == machine.id, Machine.state == machine.state).execute()
    if not changed:
        raise TransitionRefused(f"VM {machine.uuid} is not in state {machine.state} any more")
    machine.cpu, machine.speed, machine.memory = chosen.cpu, chosen.speed, chosen.memory
