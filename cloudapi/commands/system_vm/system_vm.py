"""Console proxies and secondary storage VMs, for administrators."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Map, Text
from cloudapi.api.query import Query
from cloudapi.context import ADMIN, RESOURCE_ADMIN, SYSTEM_USER, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Host, Pod, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import StoragePool
from cloudapi.services.system_vm import system_vm
from cloudapi.services.virtual_machine import relocation, scaling
from cloudapi.views.system_vm.system_vm import SystemVmView

STATES = ("Stopped", "Starting", "Running", "Stopping", "Migrating", "Destroyed", "Expunging", "Error", "Unknown",
          "Shutdown")


class ListSystemVms(ListCommand):
    """Lists console proxies and secondary storage VMs."""

    roles, response = (ADMIN, RESOURCE_ADMIN), SystemVmView
    keywords = ("name", "state")

    id = Entity(Machine, column="id", minus_one=True, removed=True, help="the system VM with this ID")
    name = Text(column="name", help="the system VM of this name")
    state = Text(choices=STATES, column="state", help="those in this state")
    systemvmtype = Text(choices=tuple(system_vm.TYPES.values()), help="consoleproxy or secondarystoragevm")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="those of this zone")
    podid = Entity(Pod, column="pod_id", minus_one=True, help="those of this pod")
    hostid = Entity(Host, column="host_id", minus_one=True, help="those on this host")
    storageid = Entity(StoragePool, since="3.0.1", minus_one=True, help="those with volumes on this storage pool")
    arch = Text(since="4.20.1", column="arch", help="those of this CPU architecture")

    def filter(self, context: Context, query: Query) -> None:
        kinds = [kind for kind, name in system_vm.TYPES.items() if self.systemvmtype in (None, name)]
        query.among("kind", kinds)
        if self.storageid is not None:
            number = self.storageid if isinstance(self.storageid, int) else self.storageid.id
            query.where("t.id IN (SELECT v.vm_id FROM volume v WHERE v.pool_id = ? AND v.removed IS NULL)", number)


class _OfSystemVm(AsyncCommand):
    id = Entity(Machine, access=ANY, required=True, lock=True, help="the system VM")

    def event_type(self, context: Context) -> str | None:
        """Return the type of the kind of system VM; what the system begins by itself is no event until it is done."""
        if context.caller.user_id == SYSTEM_USER:
            return None
        return system_vm.event_type(self.id, str(self.event))


class StartSystemVm(_OfSystemVm):
    """Starts a system VM."""

    roles, event, response = ROOT, "SSVM.START", SystemVmView

    def run(self, context: Context) -> Any:
        return system_vm.start(context, system_vm.of_system(self.id))


class StopSystemVm(_OfSystemVm):
    """Stops a system VM; it stays so until it is started."""

    roles, event, response = ROOT, "SSVM.STOP", SystemVmView

    forced = Flag(default=False, help="switch it off, and count it as stopped even where its host does not answer")

    def run(self, context: Context) -> Any:
        return system_vm.stop(context, system_vm.of_system(self.id), self.forced)


class RebootSystemVm(_OfSystemVm):
    """Reboots a system VM."""

    roles, event, response = ROOT, "SSVM.REBOOT", SystemVmView

    forced = Flag(default=False, since="4.16.0", help="stop it and start it again")

    def run(self, context: Context) -> Any:
        return system_vm.reboot(context, system_vm.of_system(self.id), self.forced)


class DestroySystemVm(_OfSystemVm):
    """Removes a system VM for good; its zone gets a new one."""

    roles, event, response = ROOT, "SSVM.DESTROY", SystemVmView

    def run(self, context: Context) -> Any:
        return system_vm.destroy(context, system_vm.of_system(self.id))


class MigrateSystemVm(AsyncCommand):
    """Moves a running system VM to another host, or a stopped one to another storage pool."""

    action = "migrating a system VM"
    roles, event, response = ROOT, "VM.MIGRATE", SystemVmView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=ANY, required=True, lock=True, help="the system VM or virtual router")
    hostid = Entity(Host, access=ANY, help="the host to move it to")
    storageid = Entity(StoragePool, access=ANY, since="4.16.0", help="the storage pool to move it to")
    autoselect = Flag(default=True, since="4.16.0", help="choose the place where none is named")

    def run(self, context: Context) -> Any:
        machine = self.virtualmachineid
        if machine.kind == "User":
            raise InvalidParameter(f"unable to find a system vm with id {machine.uuid}: virtualmachineid")
        if self.hostid is not None and self.storageid is not None:
            raise InvalidParameter("Only one of hostid and storageid can be specified")
        if self.storageid is not None:
            return relocation.offline(context, machine, self.storageid, self.autoselect)
        return relocation.live(context, machine, self.hostid, self.autoselect)


class PatchSystemVm(AsyncCommand):
    """Brings the software of a running system VM or virtual router up to date."""

    action = "patching a system VM"
    roles, event = ROOT, "LIVE.PATCH.SYSTEM.VM"
    since = "4.17.0"

    id = Entity(Machine, access=ANY, lock=True, help="the system VM or virtual router")
    forced = Flag(default=False, help="also where it is up to date already: its services start again")

    def run(self, context: Context) -> Any:
        if self.id is None or self.id.kind == "User":
            raise InvalidParameter("Unable to patch: id has to be that of a system VM or virtual router")
        return {"displaytext": system_vm.patch(context, self.id, self.forced)}


class _Scale:
    id = Entity(Machine, access=ANY, required=True, lock=True, help="the system VM or virtual router")
    serviceofferingid = Entity(ServiceOffering, access=ANY, required=True, help="its new system offering")
    details = Map(help="cpuNumber, cpuSpeed and memory of a custom offering")

    def scale(self, context: Context) -> Any:
        if self.id.kind == "User":
            raise InvalidParameter(f"unable to find a system vm with id {self.id.uuid}")
        return scaling.scale(context, self.id, self.serviceofferingid, self.details or {})


class ScaleSystemVm(_Scale, AsyncCommand):
    """Gives a system VM another service offering, also while it runs."""

    roles, event, response = ROOT, "VM.UPGRADE", SystemVmView

    def run(self, context: Context) -> Any:
        return self.scale(context)


class ChangeServiceForSystemVm(_Scale, Command):
    """Gives a stopped system VM another service offering."""

    roles, event, response = ROOT, "VM.UPGRADE", SystemVmView
    atomic = False

    def run(self, context: Context) -> Any:
        if self.id.state != "Stopped":
            raise InvalidParameter(f"Unable to upgrade system VM {self.id.uuid} in state {self.id.state}; stop it "
                                   "first")
        return self.scale(context)
