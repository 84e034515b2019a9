"""Maintenance of hosts: their Instances are moved away, then nothing runs on them until it is cancelled.

    Enabled -> PrepareForMaintenance -> Maintenance
                      |  an Instance cannot be moved
                      v
               ErrorInMaintenance
"""

from __future__ import annotations

import dataclasses
import logging

from cloudapi.context import Context
from cloudapi.errors import ApiError, InsufficientCapacity, InternalError, InvalidParameter, by_code
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement import host as placement
from cloudapi.placement.deployment import suitable_hosts
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.states.base import may, transition
from cloudapi.states.host import RESOURCE_STATE

log = logging.getLogger(__name__)

MAINTENANCE_STATES = ("Maintenance", "PrepareForMaintenance", "ErrorInMaintenance", "ErrorInPrepareForMaintenance")


def move(host: Host, event: str) -> None:
    """Change the host's resource state, and count its capacity or not. Within a transaction."""
    transition(host, event, machine=RESOURCE_STATE)
    capacity.enable_host(host, host.resource_state == "Enabled")


def on_local_storage(host: Host) -> set[int]:
    """Return the ids of the machines that have disks on the host's own storage."""
    pools = [row.id for row in StoragePool.alive(StoragePool.host_id == host.id, StoragePool.scope == "HOST")]
    if not pools:
        return set()
    return {row.vm_id for row in Volume.alive(Volume.pool.in_(pools), Volume.vm_id.is_null(False))}


def check(context: Context, host: Host) -> None:
    """Refuse maintenance that cannot be begun now.

    :raises InternalError: the state of the host, of another of its cluster, or of one of its Instances forbids it.
    """
    if not may(host, "AdminAskMaintenance", machine=RESOURCE_STATE):
        raise InternalError(f"Host is already in state {host.resource_state}. Cannot recall for maintenance until "
                            "resolved.")
    busy = Host.alive(Host.cluster == host.cluster_id, Host.id != host.id,
                      Host.resource_state.in_(("PrepareForMaintenance", "ErrorInPrepareForMaintenance")))
    if busy.exists():
        raise InternalError("There are other servers attempting migrations for maintenance. Found hosts in "
                            "PrepareForMaintenance OR ErrorInPrepareForMaintenance STATUS in cluster "
                            f"{host.cluster.name}")
    machines = list(Machine.alive(Machine.host == host.id))
    if context.settings.get("host.maintenance.local.storage.strategy") == "Error" \
            and {machine.id for machine in machines} & on_local_storage(host):
        raise InternalError("There are active VMs using the host's local storage pool. Please stop all VMs on this "
                            "host "
                            "that use local storage.")
    for states, reason in (
            (("Migrating",), "Host contains incoming VMs migrating. Please wait for them to complete before putting to "
                             "maintenance."),
            (("Starting", "Stopping"), "Host contains VMs in starting/stopping state. Please wait for them to complete "
                                       "before putting to maintenance."),
            (("Error", "Unknown"), "Host contains VMs in error/unknown/shutdown state. Please fix errors to proceed.")):
        if any(machine.state in states for machine in machines):
            raise InternalError(reason)


def prepare(context: Context, host: Host) -> Host:
    """Move everything away from a host and put it into maintenance. In a job, in steps.

    :raises InternalError: it cannot be begun, or an Instance cannot be moved; the host is in ErrorInMaintenance then.
    """
    def begin() -> str:
        current = Host.get_by_id(host.id)
        check(context, current)
        if current.resource_state == "Degraded":
            move(current, "AdminAskMaintenance")
        elif current.status == "Down" and context.settings.get("set.host.down.to.maintenance", zone=host.zone_id):
            move(current, "AdminAskMaintenance")
            move(current, "InternalEnterMaintenance")
        else:
            move(current, "AdminAskMaintenance")
        return str(current.resource_state)

    if context.steps.run("ask for maintenance", begin, undo=lambda state: _give_up(host)) != "Maintenance":
        failures = _evacuate(context, host)
        if failures:
            raise InternalError(f"Unable to prepare for maintenance host {host.name}: " + "; ".join(failures))
        context.steps.remote("close the host", lambda request_id: agent.call(
            context, host, "host.set_maintenance", {"enabled": True}, request_id=request_id))
        context.steps.run("enter maintenance", lambda: move(Host.get_by_id(host.id), "InternalEnterMaintenance"))
    found: Host = Host.get_by_id(host.id)
    return found


def _give_up(host: Host) -> None:
    """Note that a host could not be emptied or closed. Within a transaction."""
    current = Host.get_by_id(host.id)
    if current.resource_state == "PrepareForMaintenance":
        move(current, "UnableToMaintain")


def _evacuate(context: Context, host: Host) -> list[str]:
    """Move (or stop, where there is nowhere to go) what runs on a host. Returns what could not be moved, and why."""
    failures = []
    uuids = context.steps.run("find what runs", lambda: [
        machine.uuid for machine in Machine.alive(Machine.host == host.id).order_by(Machine.id)])
    for uuid in uuids:
        try:
            _clear(context, Machine.get(Machine.uuid == uuid), host)
        except ApiError as error:
            log.warning("maintenance of host %s: %s cannot be moved: %s", host.name, uuid, error.text)
            failures.append(f"{uuid}: {error.text}")
    return failures


def _clear(context: Context, machine: Machine, host: Host) -> None:
    """Move one machine away, as a part of the job that is undone by itself.

    How it failed is on record before it is undone, so that a repetition of the job undoes it again.
    """
    from cloudapi.services.virtual_machine import life

    name = f"{machine.uuid} cannot be moved"
    before = context.steps.recall(name)
    with context.steps.part(f"move {machine.uuid}") as part:
        if before is not None:
            part.failure = by_code(before["code"], before["text"])
        own = dataclasses.replace(context, steps=part)
        try:
            destination = part.run("choose a host", lambda: _destination(own, machine, host))
            if destination is None:
                life.stop(own, machine, forced=True)
            else:
                life.migrate(own, machine, Host.get_by_id(destination))
        except ApiError as error:
            if before is None:
                context.steps.note(name, {"code": error.code, "text": error.text})
            raise


def _destination(context: Context, machine: Machine, host: Host) -> int | None:
    """Return the id of the host that takes the machine; None where it is to be stopped.

    :raises InsufficientCapacity: other hosts are up, and none suits.
    """
    from cloudapi.services.virtual_machine import demand

    stop_local = context.settings.get("host.maintenance.local.storage.strategy") == "ForceStop"
    if machine.state != "Running" or (stop_local and machine.id in on_local_storage(host)):
        return None
    across = context.settings.get("migrate.vm.across.clusters", zone=host.zone_id)
    found = [candidate for candidate in placement.candidates(
        host.zone_id, cluster_id=None if across else host.cluster_id) if candidate.id != host.id]
    if not any(candidate.status == "Up" and candidate.resource_state == "Enabled" for candidate in found):
        return None
    reasons = suitable_hosts(context, demand.of(context, machine), found)
    for host_id, reason in reasons.items():
        if reason is None:
            return host_id
    names = {candidate.id: candidate.name for candidate in found}
    raise InsufficientCapacity(
        f"No destination found for {machine.instance_name}",
        refusals=tuple((names[host_id], str(reason)) for host_id, reason in reasons.items()))


def cancel(context: Context, host: Host) -> Host:
    """End a host's maintenance: it takes Instances again. In a job, in steps.

    :raises InternalError: it is not in maintenance.
    """
    def end() -> None:
        current = Host.get_by_id(host.id)
        if current.resource_state not in MAINTENANCE_STATES:
            raise InternalError(f"Cannot perform cancelMaintenance when resource state is {current.resource_state}, "
                                f"host: {current.name}")
        move(current, "AdminCancelMaintenance")

    context.steps.run("cancel maintenance", end)
    if host.status == "Up":
        context.steps.remote("open the host", lambda request_id: agent.call(
            context, host, "host.set_maintenance", {"enabled": False}, request_id=request_id))
    found: Host = Host.get_by_id(host.id)
    return found


def declare_degraded(context: Context, host: Host) -> Host:
    """Give up a host that cannot be repaired soon, and what ran on it. In a job, in steps.

    The administrator says that it is dead: its Instances count as stopped, and those with high availability are
    started elsewhere.

    :raises InvalidParameter: it is up, or down for certain.
    :raises InternalError: it is degraded already, or in a state that does not allow it.
    """
    from cloudapi.services.virtual_machine import life

    def declare() -> list[str]:
        current = Host.get_by_id(host.id)
        if current.resource_state == "Degraded":
            raise InternalError(f"Host ({current.name}) was already marked as Degraded.")
        if current.status not in ("Alert", "Disconnected"):
            raise InvalidParameter(f"Cannot perform declare host ({current.name}, id {current.uuid}) as 'Degraded' "
                                   "when "
                                   f"host is in {current.status} status")
        move(current, "DeclareHostDegraded")
        lost = list(Machine.alive(Machine.host == host.id, Machine.state.in_(("Starting", "Running", "Stopping")))
                    .order_by(Machine.id))
        for machine in lost:
            if machine.state == "Running":
                life.stopped(context, machine.id, reason="its host was declared degraded")
        return [machine.uuid for machine in lost if machine.ha_enabled and machine.state == "Running"]

    for uuid in context.steps.run("declare degraded", declare):
        machine = Machine.get(Machine.uuid == uuid)
        try:
            with context.steps.part(f"restart {uuid}") as part:
                life.start(dataclasses.replace(context, steps=part), machine)
        except ApiError as error:
            log.error("%s cannot be restarted after its host %s was lost: %s", uuid, host.name, error.text)
    found: Host = Host.get_by_id(host.id)
    return found


def cancel_degraded(context: Context, host: Host) -> Host:
    """Take a host back that was degraded. Within a step.

    :raises InternalError: it is not.
    """
    if host.resource_state != "Degraded":
        raise InternalError(f"Cannot perform cancelHostAsDegraded on host ({host.name}) when host is in "
                            f"{host.resource_state} state")
    move(host, "EnableDegradedHost")
    return host
