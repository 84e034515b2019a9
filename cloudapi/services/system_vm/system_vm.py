"""Console proxies and secondary storage VMs: every enabled zone has one of each, made and started by the system."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter, ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine, Router
from cloudapi.models.network import Network, TrafficType
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import StoragePool, Template
from cloudapi.services.host import agent
from cloudapi.services.storage import store
from cloudapi.services.template import image
from cloudapi.services.virtual_machine import allocate, background, life

log = logging.getLogger(__name__)

CONSOLE_PROXY, SECONDARY_STORAGE = "ConsoleProxy", "SecondaryStorageVm"
# How the API names the kinds, in its answers and its filter.
TYPES = {CONSOLE_PROXY: "consoleproxy", SECONDARY_STORAGE: "secondarystoragevm"}
EVENTS = {CONSOLE_PROXY: "PROXY", SECONDARY_STORAGE: "SSVM"}
# Why a stopped one is left alone: somebody wanted it so.
BY_ADMIN = "stopped by an administrator"
# Milliseconds until one that could not be started is tried again.
RETRY = 15_000


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    prefix: str
    setting: str
    offering: str


KINDS = (Kind(SECONDARY_STORAGE, "s", "secstorage.service.offering", "Cloud.com-SecondaryStorage"),
         Kind(CONSOLE_PROXY, "v", "consoleproxy.service.offering", "Cloud.com-ConsoleProxy"))


def of_system(machine: Machine) -> Machine:
    """Return the machine.

    :raises InvalidParameter: it is no console proxy and no secondary storage VM.
    """
    if machine.kind not in TYPES:
        raise InvalidParameter(f"unable to find a system vm with id {machine.uuid}")
    return machine


def event_type(machine: Machine, of_secondary_storage: str) -> str:
    """Return the event type that a system VM of this kind has where a secondary storage VM has the given one."""
    return f"{EVENTS.get(machine.kind, 'SSVM')}.{of_secondary_storage.partition('.')[2]}"


def keep(context: Context) -> None:
    """Make and start what is missing, zone by zone. Periodic work; one zone's trouble does not keep the others."""
    for zone in Zone.alive(Zone.allocation_state == "Enabled", Zone.kind == "Core").order_by(Zone.id):
        host = _host(zone, context)
        if host is None or not _storage(zone):
            continue
        try:
            template = image.system_template(zone, host.hypervisor_type or "")
        except ResourceUnavailable:
            continue
        for kind in KINDS:
            try:
                _keep(context, zone, kind, template)
            except ApiError as error:
                log.warning("zone %s has no %s: %s", zone.name, kind.name, error.text)


def _host(zone: Zone, context: Context) -> Host | None:
    """Return a host that could run a system VM; its hypervisor decides the template."""
    wanted = context.settings.get("system.vm.default.hypervisor")
    where = [Host.zone == zone.id, Host.kind == "Routing", Host.status == "Up", Host.resource_state == "Enabled"]
    if wanted and wanted != "Any":
        where.append(Host.hypervisor_type == wanted)
    return Host.alive(*where).order_by(Host.id).first()


def _storage(zone: Zone) -> bool:
    """Whether the zone has primary storage and an image store."""
    return (store.image_store(zone) is not None
            and StoragePool.alive(StoragePool.zone == zone.id, StoragePool.state == "Up").exists())


def _keep(context: Context, zone: Zone, kind: Kind, template: Template) -> None:
    found = Machine.alive(Machine.zone == zone.id, Machine.kind == kind.name,
                          Machine.state.not_in(("Destroyed", "Expunging"))).order_by(Machine.id).first()
    if found is None:
        if kind.name == CONSOLE_PROXY or store.image_store(zone) is not None:
            found = transact(lambda: _create(context, zone, kind, template))
            log.info("zone %s gets %s %s", zone.name, kind.name, found.name)
            background.submit(context, "startSystemVm", found)
        return
    if found.state == "Stopped" and found.stop_reason != BY_ADMIN and (found.updated or 0) < now() - RETRY:
        transact(lambda: Machine.update(updated=now()).where(Machine.id == found.id).execute())
        background.submit(context, "startSystemVm", found)


def _create(context: Context, zone: Zone, kind: Kind, template: Template) -> Machine:
    machine = allocate.allocate_system(context, kind.name, kind.prefix, zone, _offering(context, kind), template,
                                       _networks(context, zone))
    events.completed(context, f"{EVENTS[kind.name]}.CREATE",
                     f"creating {kind.name} {machine.name} ({machine.uuid})", machine)
    return machine


def _offering(context: Context, kind: Kind) -> ServiceOffering:
    """Return the offering that the setting names, else the system's own."""
    chosen = context.settings.get(kind.setting)
    if chosen:
        found = ServiceOffering.alive(ServiceOffering.uuid == chosen, ServiceOffering.system_use == True).first()  # noqa: E712
        if found is not None:
            return found
        log.warning("setting %s names no system offering", kind.setting)
    local = "-Local" if context.settings.get("system.vm.use.local.storage") else ""
    return ServiceOffering.get(ServiceOffering.unique_name == kind.offering + local)


def _networks(context: Context, zone: Zone) -> list[tuple[Network, dict[str, bool]]]:
    """Return the networks of a system VM in the order of its devices: control, management, public, storage."""
    from cloudapi.services.network import system

    found: list[tuple[Network, dict[str, bool]]] = [
        (system.of(context, zone, system.CONTROL), {}), (system.of(context, zone, system.MANAGEMENT), {})]
    if zone.network_type != "Basic":
        found.append((system.of(context, zone, system.PUBLIC), {"default": True}))
    if _carries_storage(zone):
        found.append((system.of(context, zone, system.STORAGE), {}))
    return found


def _carries_storage(zone: Zone) -> bool:
    from cloudapi.services.network import system

    return system.physical_network(zone.id, system.STORAGE) is not None and TrafficType.alive(
        TrafficType.traffic_type == system.STORAGE).exists()


def start(context: Context, machine: Machine) -> Machine:
    """Start a system VM. In steps.

    :raises InvalidParameter: its zone is disabled, or it is not stopped.
    """
    found = life.again(machine)
    if found.state == "Running":
        return found
    if Zone.get_by_id(found.zone_id).allocation_state != "Enabled" and not context.caller.is_root_admin:
        raise InvalidParameter(f"Zone of system VM {found.uuid} is disabled")
    started = life.start(context, found)
    if context.start_event_id is None:
        context.steps.run(f"event of the start of {machine.uuid}", lambda: events.completed(
            context, event_type(machine, "SSVM.START"), f"starting {machine.kind} {machine.name} ({machine.uuid})",
            machine))
    return started


def stop(context: Context, machine: Machine, forced: bool) -> Machine:
    stopped = life.stop(context, machine, forced=forced)
    context.steps.run(f"keep {machine.uuid} stopped", lambda: Machine.update(stop_reason=BY_ADMIN).where(
        Machine.id == machine.id, Machine.state == "Stopped").execute())
    return stopped


def reboot(context: Context, machine: Machine, forced: bool) -> Machine:
    return life.reboot(context, machine, forced=forced)


def destroy(context: Context, machine: Machine) -> Machine:
    """Remove a system VM for good; the zone gets a new one. In steps."""
    life.expunge(context, machine)
    return life.again(machine)


def patch(context: Context, machine: Machine, forced: bool) -> str:
    """Bring the software inside a running system VM or router up to date. In steps; returns what was done.

    :param forced: also where it is: its services start again, and a router is told its configuration again.
    :raises InternalError: it does not run, or its host refuses.
    """
    current: Machine = Machine.get_by_id(machine.id)
    if current.state != "Running" or current.host_id is None:
        raise InternalError(f"Unable to patch SystemVM: {machine.name} ({machine.uuid}) as it is not in Running state. "
                            "Please destroy and recreate the SystemVM.")
    host = Host.get_by_id(current.host_id)
    report = context.steps.remote(f"patch {machine.uuid}", lambda request: agent.call(
        context, host, "instance.patch", {"instance": machine.uuid, "force": forced}, request_id=request))
    router = Router.get_or_none(Router.machine_id == machine.id)
    if router is not None and router.network_id is not None:
        from cloudapi.services.network import restart

        restart.tell(context, router, again=report["patched"])
    if not report["patched"]:
        return f"No change in the software, not patching systemVM {machine.name}: it has {report['version']}"
    return f"Successfully patched systemVM {machine.name}"
