"""Moving a running machine to another host, with its disks where they lie or onto other pools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.virtual_machine import power, spec
from cloudapi.services.volume import disk
from cloudapi.states.base import transition


def migrate(context: Context, machine: Machine, host: Host, *,
            disks: list[dict[str, Any]] | None = None, arrived: Callable[[], None] | None = None) -> Machine:
    """Move a running machine to a host. In steps; where it fails, it goes on running where it is.

    :param disks: the disks as they are to be on the destination, where they move as well; they are made there already.
    :param arrived: what has changed as well once it runs there, in the same transaction.
    :raises InsufficientCapacity: the host has not the room.
    """
    from cloudapi.services.nic import nic as nics

    steps, uuid = context.steps, machine.uuid
    begun: dict[str, Any] = steps.run(f"begin to migrate {uuid}", lambda: _begin(machine.id, host),
                                      undo=lambda done: _give_up(machine.id, done))
    source, found = Host.get_by_id(begun["source"]), Machine.get_by_id(machine.id)
    nics.prepare_host(context, found, host)
    described = spec.of(context, found, host, disk.specs(context, found) if disks is None else disks)
    steps.remote(f"prepare {host.uuid} for {uuid}", lambda request_id: agent.call(
        context, host, "instance.prepare_migration", {"instance": described}, request_id=request_id),
        undo=lambda _: _cancel(context, machine, host), undo_attempt=lambda: _cancel(context, machine, host))
    steps.remote(f"migrate {uuid}", lambda request_id: _move(context, machine, source, host, request_id))
    steps.settle()
    steps.run(f"migrated {uuid}", lambda: _finish(machine.id, begun, arrived))
    return Machine.get_by_id(machine.id)


def _begin(machine_id: int, host: Host) -> dict[str, Any]:
    machine = Machine.get_by_id(machine_id)
    if machine.state != "Running" or machine.host_id is None:
        raise InvalidParameter(f"Unable to migrate VM {machine.uuid}: it is in state {machine.state}, not Running")
    if not capacity.take_host(host, machine.cpu * machine.speed, machine.memory << 20, machine.cpu):
        raise InsufficientCapacity(f"Unable to migrate VM {machine.uuid}: the destination has not the room",
                                   refusals=((host.name, "too little CPU or memory is free"),))
    transition(machine, "MigrationRequested", updated=now())
    return {"source": machine.host_id, "destination": host.id}


def _give_up(machine_id: int, begun: Mapping[str, Any]) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.state == "Migrating" and machine.host_id == begun["source"]:
        _give_back(machine, begun["destination"])
        transition(machine, "OperationFailed", updated=now())


def _give_back(machine: Machine, host_id: int) -> None:
    capacity.give_back_host(Host.get_by_id(host_id), machine.cpu * machine.speed, machine.memory << 20, machine.cpu)


def _cancel(context: Context, machine: Machine, host: Host) -> None:
    agent.call(context, host, "instance.cancel_migration", {"instance": machine.uuid})


def _move(context: Context, machine: Machine, source: Host, host: Host, request_id: str) -> None:
    try:
        agent.call(context, source, "instance.migrate", {
            "instance": machine.uuid, "destination": host.uuid, "destination_url": host.url},
            request_id=request_id, timeout=float(context.settings.get("migratewait")))
    except (agent.HostUnreachable, agent.HostRefused):
        # The answer may be lost, the move done.
        if not power.runs_on(context, machine, host):
            raise


def _finish(machine_id: int, begun: Mapping[str, Any], arrived: Callable[[], None] | None) -> None:
    machine = Machine.get_by_id(machine_id)
    if arrived is not None:
        arrived()
    if machine.state == "Migrating":
        _give_back(machine, begun["source"])
        moment = now()
        destination = Host.get_by_id(begun["destination"])
        transition(machine, "OperationSucceeded", host=destination.id, pod_id=destination.pod_id,
                   last_host_id=destination.id, power_state="PowerOn", power_reported=moment, updated=moment)
