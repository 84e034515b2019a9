"""Another service offering, or another size of a custom one, for machines of any kind: stopped or running."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InsufficientCapacity, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.placement import deployment
from cloudapi.placement.demand import Plan
from cloudapi.placement.tag import split
from cloudapi.services import detail
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.virtual_machine import count, demand, life, migration, size, spec
from cloudapi.services.volume import disk, resize
from cloudapi.states.base import TransitionRefused

SCALABLE = frozenset({"XenServer", "VMware", "KVM", "Simulator"})


def check(context: Context, machine: Machine, offering: ServiceOffering, details: Mapping[str, str]) -> size.Size:
    """Return the size that the machine would have. Reads only.

    :raises InvalidParameter: the offering, or the change, is not possible.
    :raises PermissionDenied: running machines are not scaled in this zone.
    """
    if machine.state not in ("Running", "Stopped"):
        raise InvalidParameter(f"Unable to upgrade Instance {machine.uuid} in state {machine.state}; it has to be "
                               "Running or Stopped")
    if offering.state != "Active":
        raise InvalidParameter(f"Unable to upgrade Instance {machine.uuid} with an inactive service offering "
                               f"{offering.uuid}")
    if bool(offering.system_use) != (machine.kind != "User"):
        raise InvalidParameter("isSystem property is different for current service offering and new service offering")
    if machine.kind != "User" and offering.vm_type not in (None, machine.kind):
        raise InvalidParameter(f"Service offering {offering.uuid} is for {offering.vm_type}, not for {machine.kind}")
    chosen = size.of(context, offering, _with_present(machine, offering, details))
    current: ServiceOffering = machine.service_offering
    same = (chosen.cpu, chosen.speed, chosen.memory) == (machine.cpu, machine.speed, machine.memory)
    if offering.id == current.id and same:
        raise InvalidParameter(f"Not upgrading Instance {machine.uuid} since it already has the requested service "
                               f"offering ({offering.name})")
    _check_disks(context, machine, current, offering)
    if machine.state == "Running":
        _check_running(context, machine, current, offering, chosen)
    return chosen


def _with_present(machine: Machine, offering: ServiceOffering, details: Mapping[str, str]) -> dict[str, str]:
    """Within the same custom offering, what is not given stays as it is."""
    given = dict(size.given(details))
    if offering.id == machine.service_offering_id and size.is_dynamic(offering) and given:
        present = {size.CPU: (offering.cpu, machine.cpu), size.SPEED: (offering.speed, machine.speed),
                   size.MEMORY: (offering.memory, machine.memory)}
        for name, (fixed, value) in present.items():
            if fixed is None:
                given.setdefault(name, str(value))
    return given


def _check_disks(context: Context, machine: Machine, current: ServiceOffering, offering: ServiceOffering) -> None:
    old: DiskOffering = DiskOffering.get_by_id(current.disk_offering_id)
    new: DiskOffering = DiskOffering.get_by_id(offering.disk_offering_id)
    if bool(old.use_local_storage) != bool(new.use_local_storage):
        raise InvalidParameter("Unable to upgrade Instance, cannot switch between local storage and shared storage "
                               "service offerings")
    missing = set(split(old.tags)) - set(split(new.tags))
    if missing and not context.settings.get("allow.diskoffering.change.during.scale.vm", zone=machine.zone_id):
        raise InvalidParameter(f"Unable to upgrade Instance {machine.uuid}: the new offering has not the storage tags "
                               f"{','.join(sorted(missing))} of the current one")
    if bool(current.disk_offering_strictness) != bool(offering.disk_offering_strictness):
        raise InvalidParameter("Unable to Scale VM, since disk offering strictness flag is not same for new service "
                               "offering and old service offering")
    if current.disk_offering_strictness and old.id != new.id:
        raise InvalidParameter("Unable to Scale VM, since disk offering id associated with the old service offering is "
                               "not same for new service offering")


def _check_running(context: Context, machine: Machine, current: ServiceOffering, offering: ServiceOffering,
                   chosen: size.Size) -> None:
    if not context.settings.get("enable.dynamic.scale.vm", zone=machine.zone_id):
        raise PermissionDenied("Dynamically scaling Instances is disabled for this zone, please contact your admin.")
    if machine.hypervisor_type not in SCALABLE:
        raise InvalidParameter(f"Scaling a running Instance is not supported by {machine.hypervisor_type}")
    if machine.kind == "User" and not machine.dynamically_scalable:
        raise InvalidParameter(f"Unable to Scale VM: instance {machine.uuid} is not dynamically scalable")
    if bool(current.dynamic_scaling) != bool(offering.dynamic_scaling):
        raise InvalidParameter("Unable to Scale VM: since dynamic scaling enabled flag is not same for new service "
                               "offering and old service offering")
    before = (machine.cpu, machine.speed, machine.memory)
    after = (chosen.cpu, chosen.speed, chosen.memory)
    if any(new < old for new, old in zip(after, before, strict=True)):
        raise InvalidParameter("Scaling down is not supported while the VM is running. The new service offering "
                               f"(memory {after[2]}, speed {after[1]}, cores {after[0]}) is less than the current one")
    if after == before:
        raise InvalidParameter("While the VM is running, scaling to a service offering with the same attributes "
                               "(memory, CPU speed and vCPUs) as the current one is not supported")
    if not context.settings.get("allow.different.host.tags.offerings.for.vm.scale"):
        missing = set(split(current.host_tag)) - set(split(offering.host_tag))
        if missing:
            raise InvalidParameter(f"Unable to Scale VM: the new offering has not the host tags "
                                   f"{','.join(sorted(missing))} of the current one")


def scale(context: Context, machine: Machine, offering: ServiceOffering, details: Mapping[str, str], *,
          min_iops: int | None = None, max_iops: int | None = None, auto_migrate: bool = True,
          shrink: bool = False) -> Machine:
    """Give a machine an offering: at once where it runs, for its next start where it is stopped. In steps.

    :param auto_migrate: its root disk may move where it has to change its offering.
    :raises InsufficientCapacity: neither its host nor another one has the room.
    """
    wanted: dict[str, Any] = context.steps.run(
        f"check scaling of {machine.uuid}", lambda: _plan(context, machine.id, offering, details))
    found = life.again(machine)
    if wanted["running"] and wanted["delta"] != [0, 0, 0]:
        found = _make_room(context, found, wanted)
        host = Host.get_by_id(found.host_id)
        before = (found.cpu, found.speed, found.memory)
        context.steps.remote(
            f"scale {machine.uuid} on its host",
            lambda request_id: _scale_on(context, found, host, tuple(wanted["size"]), request_id),
            undo=lambda _: _scale_on(context, found, host, before, None))
    context.steps.run(f"scaled {machine.uuid}", lambda: _apply(context, machine.id, offering.id, wanted))
    _change_disk(context, life.again(machine), offering, min_iops, max_iops, auto_migrate, shrink)
    return life.again(machine)


def _plan(context: Context, machine_id: int, offering: ServiceOffering, details: Mapping[str, str]) -> dict[str, Any]:
    machine = Machine.get_by_id(machine_id)
    chosen = check(context, machine, offering, details)
    delta = [chosen.cpu - machine.cpu, chosen.cpu * chosen.speed - machine.cpu * machine.speed,
             chosen.memory - machine.memory]
    return {"size": [chosen.cpu, chosen.speed, chosen.memory], "delta": delta, "running": machine.state == "Running"}


def _make_room(context: Context, machine: Machine, wanted: dict[str, Any]) -> Machine:
    """Take the difference on the machine's host, or move the machine to one that has it."""
    taken = context.steps.run(f"take more for {machine.uuid}", lambda: _take_more(machine.id, wanted["delta"]),
                              undo=lambda done: _give_more(done, wanted["delta"]))
    if taken["host"] is not None:
        return machine
    if not context.settings.get("auto.migrate.vm.on.live.scale.insufficient.capacity",
                                cluster=Host.get_by_id(machine.host_id).cluster_id):
        raise InsufficientCapacity(f"Unable to scale VM {machine.uuid}: its host has not the room",
                                   refusals=((Host.get_by_id(machine.host_id).name, "too little is free"),))
    source = Host.get_by_id(machine.host_id)
    needed = demand.of(context, machine, size=tuple(wanted["size"]))
    place = deployment.find(context, needed, Plan(cluster_id=source.cluster_id, avoid_hosts={
        source.id: "the machine runs there, and there is no room for it to grow"}))
    migration.migrate(context, machine, Host.get_by_id(place.host_id))
    moved = life.again(machine)
    again = context.steps.run(f"take more for {machine.uuid} there", lambda: _take_more(machine.id, wanted["delta"]),
                              undo=lambda done: _give_more(done, wanted["delta"]))
    if again["host"] is None:
        raise InsufficientCapacity(f"Unable to scale VM {machine.uuid}: its new host has not the room any more")
    return moved


def _take_more(machine_id: int, delta: list[int]) -> dict[str, int | None]:
    machine = Machine.get_by_id(machine_id)
    if machine.state != "Running":
        raise TransitionRefused(f"VM {machine.uuid} is in state {machine.state}, it cannot be scaled now")
    taken = capacity.take_host(Host.get_by_id(machine.host_id), delta[1], delta[2] << 20, delta[0])
    return {"host": machine.host_id if taken else None}


def _give_more(taken: dict[str, int | None], delta: list[int]) -> None:
    if taken["host"] is not None:
        capacity.give_back_host(Host.get_by_id(taken["host"]), delta[1], delta[2] << 20, delta[0])


def _scale_on(context: Context, machine: Machine, host: Host, wanted: tuple[Any, ...], request_id: str | None) -> None:
    cpu, speed, memory = wanted
    minimum_speed, minimum_memory = spec.guaranteed(context, host, speed, memory)
    agent.call(context, host, "instance.scale", {"instance": machine.uuid, "size": {
        "cpus": cpu, "cpu_mhz": speed, "memory_bytes": memory << 20, "minimum_cpu_mhz": minimum_speed,
        "minimum_memory_bytes": minimum_memory}}, request_id=request_id)


def _apply(context: Context, machine_id: int, offering_id: int, wanted: dict[str, Any]) -> None:
    machine = Machine.get_by_id(machine_id)
    offering = ServiceOffering.get_by_id(offering_id)
    cpu, speed, memory = wanted["size"]
    if count.counted(context, machine):
        count.resize(context, machine, cpu, memory)
    if machine.state == "Stopped":
        capacity.release_reservation(machine_id)
    Machine.update(service_offering=offering_id, cpu=cpu, speed=speed, memory=memory, updated=now(),
                   limit_cpu_use=offering.limit_cpu_use,
                   ha_enabled=offering.offer_ha and (machine.ha_enabled or not machine.service_offering.offer_ha),
                   dynamically_scalable=machine.dynamically_scalable and offering.dynamic_scaling,
                   generation=Machine.generation + 1).where(Machine.id == machine_id).execute()
    if size.is_dynamic(offering):
        detail.put(machine, {size.CPU: cpu, size.SPEED: speed, size.MEMORY: memory})
    else:
        detail.remove(machine, *size.NAMES)


def _change_disk(context: Context, machine: Machine, offering: ServiceOffering, min_iops: int | None,
                 max_iops: int | None, auto_migrate: bool, shrink: bool) -> None:
    """Give the root disk the new offering's disk offering, where the zone's setting says so."""
    if not context.settings.get("allow.diskoffering.change.during.scale.vm", zone=machine.zone_id):
        return
    new = DiskOffering.get_by_id(offering.disk_offering_id)
    for volume in disk.of_machine(machine, "Allocated", "Ready"):
        if volume.kind != disk.ROOT or volume.disk_offering_id == new.id:
            continue
        if not new.disk_size:
            context.steps.run(f"offering of volume {volume.uuid}",
                              functools.partial(disk.change_offering, context, volume, new))
            continue
        try:
            resize.change(context, volume, new, None, min_iops, max_iops, shrink=shrink, migrate_allowed=auto_migrate)
        except ApiError as error:
            error.text = f"Instance {machine.uuid} is scaled, its root disk is not: {error.text}"
            raise
