"""Moving Instances between hosts and storage pools, and to other offerings."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, Command
from cloudapi.api.parameters import Entity, Flag, Long, Map, Rows
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import StoragePool
from cloudapi.services.virtual_machine import instance, relocation, scaling
from cloudapi.views.virtual_machine.virtual_machine import VirtualMachineView


class MigrateVirtualMachine(AsyncCommand):
    """Moves a running Instance to another host, or a stopped one to another storage pool."""

    action = "migrating an Instance"
    roles, event, response = ROOT, "VM.MIGRATE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    hostid = Entity(Host, access=ANY, help="the host to move a running Instance to")
    storageid = Entity(StoragePool, access=ANY, help="the storage pool to move a stopped Instance to")
    autoselect = Flag(default=True, since="4.16.0", help="choose the place where none is named")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.virtualmachineid)
        if self.hostid is not None and self.storageid is not None:
            raise InvalidParameter("Only one of hostid and storageid can be specified")
        if self.storageid is not None:
            return relocation.offline(context, machine, self.storageid, self.autoselect)
        return relocation.live(context, machine, self.hostid, self.autoselect)


class MigrateVirtualMachineWithVolume(AsyncCommand):
    """Moves an Instance to another host together with volumes of it."""

    action = "migrating an Instance with volumes of it"
    roles, event, response = ROOT, "VM.MIGRATE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    hostid = Entity(Host, access=ANY, help="the host to move it to")
    migrateto = Rows(help="where volumes go: [0].volume, .pool")
    autoselect = Flag(default=False, since="4.19.0", help="choose the host where none is named")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.virtualmachineid)
        if self.hostid is None and not self.migrateto and not self.autoselect:
            raise InvalidParameter("Either hostid or migrateto must be passed for migrating the VM with volumes")
        if any("volume" not in row or "pool" not in row for row in self.migrateto or []):
            raise InvalidParameter("volume and pool have to be in each row of migrateto")
        targets = {row["volume"]: row["pool"] for row in self.migrateto or []}
        return relocation.with_volumes(context, machine, self.hostid, targets, self.autoselect)


class _Scale:
    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    serviceofferingid = Entity(ServiceOffering, access=USE, required=True, help="its new service offering")
    details = Map(help="cpuNumber, cpuSpeed and memory of a custom offering")
    miniops = Long(since="4.17", help="least operations a second of the root disk, with a custom disk offering")
    maxiops = Long(since="4.17", help="most operations a second of the root disk, with a custom disk offering")
    automigrate = Flag(default=True, since="4.17", help="the root disk may move to another storage pool")
    shrinkok = Flag(default=False, since="4.17", help="the root disk may become smaller")

    def scale(self, context: Context) -> Any:
        return scaling.scale(context, instance.of_user(self.id), self.serviceofferingid, self.details or {},
                             min_iops=self.miniops, max_iops=self.maxiops, auto_migrate=self.automigrate,
                             shrink=self.shrinkok)


class ScaleVirtualMachine(_Scale, AsyncCommand):
    """Gives an Instance another service offering, also while it runs."""

    roles, event, response = EVERYONE, "VM.UPGRADE", VirtualMachineView

    def run(self, context: Context) -> Any:
        return self.scale(context)


class ChangeServiceForVirtualMachine(_Scale, Command):
    """Gives a stopped Instance another service offering."""

    roles, event, response = EVERYONE, "VM.UPGRADE", VirtualMachineView
    atomic = False

    def run(self, context: Context) -> Any:
        if instance.of_user(self.id).state != "Stopped":
            raise InvalidParameter(f"Unable to upgrade Instance {self.id.uuid} in state {self.id.state}; stop it first")
        return self.scale(context)
