"""The life of a machine of any kind on hosts: start, stop, reboot, migrate, expunge; as steps with their undo.

A machine has a host exactly while it holds the host's capacity: from the transaction that places it to the one
that stops it. What a failed start has done is undone, host by host, before the next host is tried.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InsufficientCapacity, InvalidParameter, by_code
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.placement import deployment
from cloudapi.placement.demand import Plan
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.virtual_machine import count, demand, expunging, migration, power, resizing, spec
from cloudapi.services.volume import disk
from cloudapi.states.base import TransitionRefused, transition

# Faults of one host, after which another one may do.
OF_A_HOST = (agent.HostUnreachable, agent.HostRefused)

migrate = migration.migrate
expunge = expunging.expunge


def again(machine: Machine) -> Machine:
    """Return the machine as it is in the database now."""
    return Machine.get_by_id(machine.id)


def start(context: Context, machine: Machine, *, plan: Plan | None = None) -> Machine:
    """Start a stopped machine on a host with room for it. In steps, as part of a job or of periodic work.

    The last host is preferred where the plan names it. Hosts that fail are left out until `start.retry` tries are done.

    :raises InsufficientCapacity: no host does; `refusals` says why, host by host, failed ones included.
    """
    wanted = plan or Plan(last_host_id=machine.last_host_id)
    tries = max(1, int(context.settings.get("start.retry")))
    for number in range(1, tries + 1):
        try:
            return _attempt(context, machine, wanted, number)
        except (*OF_A_HOST, InsufficientCapacity) as error:
            host_id = context.steps.recall(_failure(machine, number))["host"]
            if host_id is None or number == tries or wanted.host_id is not None or getattr(error, "exhausted", False):
                # A router for which no host did: another host for the machine itself would not help.
                error.exhausted = True  # type: ignore[union-attr]
                raise
            wanted.avoid_hosts[host_id] = _reason(error)
    raise AssertionError("unreachable")


def _failure(machine: Machine, number: int) -> str:
    return f"start {machine.uuid}: attempt {number} failed"


def _reason(error: ApiError) -> str:
    """Return what a host said, for the list of refusals that root admins see."""
    if isinstance(error, InsufficientCapacity) and error.refusals:
        return "; ".join(reason for _, reason in error.refusals)
    cause = error.__cause__
    return str(getattr(cause, "text", None) or error.text)


def _attempt(context: Context, machine: Machine, plan: Plan, number: int) -> Machine:
    """Try one host. How it failed is on record before it is undone, so that a repetition undoes it again."""
    name = _failure(machine, number)
    before = context.steps.recall(name)
    with context.steps.part(f"start {machine.uuid} #{number}") as part:
        if before is not None:
            part.failure = by_code(before["code"], before["text"])
        own = dataclasses.replace(context, steps=part)
        place: dict[str, Any] = {"host": None}
        try:
            place = part.run("place", lambda: _place(own, machine.id, plan),
                             undo=lambda done: _unplace(own, machine.id, done))
            return _run_on(own, again(machine), place)
        except ApiError as error:
            if before is None:
                failure = {"code": error.code, "text": error.text, "host": place["host"]}
                context.steps.note(name, failure)
            raise


def _place(context: Context, machine_id: int, plan: Plan) -> dict[str, Any]:
    """Find a host, take its capacity and begin to start there: one transaction."""
    machine = Machine.get_by_id(machine_id)
    resizing.catch_up(context, machine)
    needed = demand.of(context, machine)
    while True:
        found = deployment.find(context, needed, plan)
        host = Host.get_by_id(found.host_id)
        if capacity.take_host(host, needed.mhz, needed.memory_bytes, needed.cpu, machine_id=machine.id):
            break
        plan.avoid_hosts[host.id] = "its room was taken in the same moment"
    event = "OperationRetry" if machine.state == "Starting" else "StartRequested"
    transition(machine, event, host=host.id, pod_id=host.pod_id, updated=now(), stop_reason=None)
    if count.only_running(context):
        count.take(context, machine)
    return {"host": host.id, "pools": {str(volume): pool for volume, pool in found.pools.items()}}


def _unplace(context: Context, machine_id: int, place: dict[str, Any]) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.state != "Starting" or machine.host_id != place["host"]:
        return
    give_back(machine)
    if count.only_running(context):
        count.give_back(context, machine)
    transition(machine, "OperationFailed", host=None, power_state="PowerOff", updated=now())


def give_back(machine: Machine, *, keep: bool = False) -> None:
    """Give the capacity of the machine's host back; `keep` reserves it for the machine's next start."""
    if machine.host_id is not None:
        capacity.give_back_host(Host.get_by_id(machine.host_id), machine.cpu * machine.speed, machine.memory << 20,
                                machine.cpu, keep_for=machine.id if keep else None)


def _run_on(context: Context, machine: Machine, place: dict[str, Any]) -> Machine:
    """Bring networks, disks and at last the machine itself up on its host."""
    from cloudapi.services.nic import nic as nics

    host = Host.get_by_id(place["host"])
    nics.prepare(context, machine, host)
    disks = disk.prepare(context, machine, host, {int(volume): pool for volume, pool in place["pools"].items()})
    context.steps.remote("start on host", lambda request_id: _start_on(context, machine, host, disks, request_id),
                         undo=lambda _: _end_on(context, machine, host),
                         undo_attempt=lambda: _end_on(context, machine, host))
    context.steps.run("started", lambda: _started(machine.id))
    return again(machine)


def _start_on(context: Context, machine: Machine, host: Host, disks: list[dict[str, Any]], request_id: str) -> None:
    try:
        agent.call(context, host, "instance.start", {"instance": spec.of(context, machine, host, disks)},
                   request_id=request_id, timeout=float(context.settings.get("wait")))
    except agent.HostRefused as error:
        # It runs already, perhaps here: the answer to an earlier request was lost.
        if error.reason != "already_exists" or not power.runs_on(context, machine, host):
            raise


def _end_on(context: Context, machine: Machine, host: Host) -> None:
    agent.call(context, host, "instance.stop", {"instance": machine.uuid, "force": True})


def _started(machine_id: int) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.state == "Starting":
        moment = now()
        transition(machine, "OperationSucceeded", last_host_id=machine.host_id, power_state="PowerOn",
                   power_reported=moment, updated=moment)


def stop(context: Context, machine: Machine, forced: bool = False) -> Machine:
    """Stop a machine; one that is stopped already stays so. In steps.

    :param forced: switch it off, and count it as stopped even where its host does not answer.
    :raises ApiError: the host did not stop it; the machine counts as running again.
    """
    def begin() -> dict[str, Any]:
        found = again(machine)
        if found.state == "Stopped":
            return {"host": None, "stopped": True}
        if found.state not in ("Running", "Stopping", "Starting", "Migrating"):
            raise InvalidParameter(f"Unable to stop VM {found.uuid}: it is in state {found.state}")
        if found.state in ("Running", "Stopping"):
            transition(found, "StopRequested", updated=now())
        return {"host": found.host_id, "stopped": False}

    begun = context.steps.run(f"begin to stop {machine.uuid}", begin, undo=lambda _: _stop_failed(machine.id))
    if begun["stopped"]:
        return again(machine)
    if begun["host"] is not None:
        host = Host.get_by_id(begun["host"])
        context.steps.remote(f"stop {machine.uuid}",
                             lambda request_id: _stop_on(context, machine, host, forced, request_id))
    context.steps.run(f"stopped {machine.uuid}", lambda: stopped(context, machine.id))
    return again(machine)


def _stop_on(context: Context, machine: Machine, host: Host, forced: bool, request_id: str) -> None:
    try:
        agent.call(context, host, "instance.stop", {"instance": machine.uuid, "force": forced}, request_id=request_id,
                   timeout=float(context.settings.get("wait")))
    except OF_A_HOST:
        if not forced:
            raise


def _stop_failed(machine_id: int) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.state == "Stopping":
        transition(machine, "OperationFailed", updated=now())


def stopped(context: Context, machine_id: int, *, reason: str | None = None, event: str | None = None) -> None:
    """Note that a machine runs no more: it has no host, and its room is kept for its next start. In a transaction.

    :param event: the state's event; what a host reported, where nobody asked for the stop.
    """
    from cloudapi.services.nic import nic as nics

    machine = Machine.get_by_id(machine_id)
    if machine.state == "Stopped":
        return
    moment = now()
    give_back(machine, keep=machine.kind == "User" and int(context.settings.get("capacity.skipcounting.hours")) > 0)
    name = event or ("OperationSucceeded" if machine.state == "Stopping" else "AgentReportStopped")
    if count.only_running(context):
        count.give_back(context, machine)
    transition(machine, name, host=None, last_host_id=machine.host_id or machine.last_host_id, power_state="PowerOff",
               power_reported=moment, updated=moment, stop_reason=reason, password=None)
    nics.release(context, machine)


def reboot(context: Context, machine: Machine, forced: bool = False) -> Machine:
    """Restart a running machine: where it is, or `forced` by a stop and a start.

    :raises InvalidParameter: it does not run.
    """
    found = again(machine)
    if forced:
        stop(context, found, forced=True)
        return start(context, again(machine), plan=Plan(last_host_id=again(machine).last_host_id))
    if found.state != "Running" or found.host_id is None:
        raise InvalidParameter(f"Unable to reboot VM {found.uuid}: it is in state {found.state}, not Running")
    host = Host.get_by_id(found.host_id)
    context.steps.remote(f"reboot {machine.uuid}", lambda request_id: agent.call(
        context, host, "instance.reboot", {"instance": found.uuid, "force": False}, request_id=request_id,
        timeout=float(context.settings.get("wait"))))
    context.steps.run(f"rebooted {machine.uuid}", lambda: _rebooted(machine.id))
    return again(machine)


def _rebooted(machine_id: int) -> None:
    machine = Machine.get_by_id(machine_id)
    if machine.state != "Running":
        raise TransitionRefused(f"VM {machine.uuid} is in state {machine.state} after its reboot")
    Machine.update(updated=now(), power_reported=now()).where(Machine.id == machine_id).execute()
