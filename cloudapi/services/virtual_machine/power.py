"""What hosts report of their machines, against what the database says of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from cloudapi import events
from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.services.host import agent

log = logging.getLogger(__name__)

ON, OFF = "PowerOn", "PowerOff"


def runs_on(context: Context, machine: Machine, host: Host) -> bool:
    """Ask a host whether the machine runs there; False also where the host does not answer."""
    try:
        report = agent.call(context, host, "instance.describe", {"instance": machine.uuid})
    except (agent.HostUnreachable, agent.HostRefused):
        return False
    return bool(report["state"] == ON)


def report(context: Context, host: Host, instances: Mapping[str, str], *, asked: int) -> None:
    """Follow a host's power report. Called by the host monitor.

    A machine that runs by the database and not on its host has stopped by itself; one in the middle of something
    is left to the job that has it in hand. One that is stopped by the database and runs is followed too.

    :param instances: the power state by machine UUID, of all machines on the host.
    :param asked: when the host was asked (ms): what has changed here since is not judged by an older report.
    """
    known = list(Machine.alive((Machine.host == host.id) | Machine.uuid.in_(list(instances) or [""])))
    seen = now()
    for machine in known:
        state = instances.get(machine.uuid)
        if machine.updated is not None and machine.updated >= asked:
            continue
        if machine.host_id == host.id and machine.state == "Running":
            if state == ON:
                continue
            transact(lambda machine=machine: _gone(context, machine, host))  # type: ignore[misc]
        elif machine.state == "Stopped" and machine.host_id is None and state == ON:
            transact(lambda machine=machine: _appeared(context, machine, host))  # type: ignore[misc]
    present = [machine.id for machine in known if instances.get(machine.uuid) == ON and machine.host_id == host.id]
    if present:
        transact(lambda: Machine.update(power_state=ON, power_reported=seen).where(Machine.id.in_(present)).execute())


def _gone(context: Context, machine: Machine, host: Host) -> None:
    """The guest has shut itself down, or its host has lost it."""
    from cloudapi.services.virtual_machine import life

    current = Machine.get_by_id(machine.id)
    if current.state != "Running" or current.host_id != host.id or current.generation != machine.generation:
        return
    life.stopped(context, machine.id, reason="the host reported that it has stopped", event="FollowAgentPowerOffReport")
    events.completed(context, "VM.STOP", f"stopping Instance {current.uuid}: host {host.uuid} reports it off", current)
    log.info("machine %s is off on host %s; it counts as stopped now", current.uuid, host.name)


def _appeared(context: Context, machine: Machine, host: Host) -> None:
    """A machine that counts as stopped runs: take the room that it has already and follow."""
    from cloudapi.services.capacity import capacity
    from cloudapi.states.base import transition

    current = Machine.get_by_id(machine.id)
    if current.state != "Stopped" or current.host_id is not None or current.generation != machine.generation:
        return
    if not capacity.take_host(host, current.cpu * current.speed, current.memory << 20, current.cpu,
                              machine_id=current.id):
        log.error("machine %s runs on host %s, which has no room for it", current.uuid, host.name)
        return
    moment = now()
    transition(current, "FollowAgentPowerOnReport", host=host.id, pod_id=host.pod_id, last_host_id=host.id,
               power_state=ON, power_reported=moment, updated=moment)
    events.completed(context, "VM.START", f"starting Instance {current.uuid}: host {host.uuid} reports it on", current)
