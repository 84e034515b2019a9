"""NICs of Instances."""

from __future__ import annotations

from typing import Any

from cloudapi.api import access
from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Map, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.machine import Machine
from cloudapi.models.network import Network, Nic, NicSecondaryIp
from cloudapi.services.nic import change, dhcp_option
from cloudapi.views.nic.nic import NicSecondaryIpView, NicView
from cloudapi.views.virtual_machine.virtual_machine import VirtualMachineView


def is_instance(machine: Machine) -> None:
    """:raises InvalidParameter: the machine is a router or system VM."""
    if machine.kind != "User":
        raise InvalidParameter(f"Unable to find a virtual machine with id {machine.uuid}")


def machine_of(context: Context, nic: Nic) -> Machine:
    """Return the Instance of a NIC that the caller may operate."""
    machine = Machine.get_by_id(nic.vm_id)
    is_instance(machine)
    access.check(context, machine, OPERATE)
    return machine


class ListNics(ListCommand):
    """Lists the NICs of a machine."""

    roles, response = EVERYONE, NicView
    keywords, order = ("ip4", "mac_address"), "t.device_id"

    nicid = Entity(Nic, column="id", help="the NIC with this ID")
    virtualmachineid = Entity(Machine, access=OPERATE, required=True, column="vm_id", help="the machine")
    networkid = Entity(Network, access=USE, column="network_id", help="those in this network")
    fordisplay = Flag(since="4.4", roles=ROOT, help="those of machines that users see, or of the others")

    def filter(self, context: Context, query: Query) -> None:
        if self.fordisplay is not None and bool(self.virtualmachineid.display) != self.fordisplay:
            query.nothing()


class AddNicToVirtualMachine(AsyncCommand):
    """Adds a NIC to an Instance."""

    roles, event, response = EVERYONE, "NIC.CREATE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, check=is_instance, help="the Instance")
    networkid = Entity(Network, access=USE, required=True, help="the network")
    ipaddress = Text(help="exactly this address")
    macaddress = Text(help="exactly this MAC address")
    dhcpoptions = Map(help="further DHCP options, by number or name")

    def run(self, context: Context) -> Any:
        change.add(context, self.virtualmachineid, self.networkid, ip=self.ipaddress, mac=self.macaddress,
                   dhcp_options=dhcp_option.parse(self.dhcpoptions) if self.dhcpoptions else None)
        return self.virtualmachineid


class RemoveNicFromVirtualMachine(AsyncCommand):
    """Removes a NIC from an Instance."""

    roles, event, response = EVERYONE, "NIC.DELETE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, check=is_instance, help="the Instance")
    nicid = Entity(Nic, access=ANY, required=True, help="the NIC")

    def run(self, context: Context) -> Any:
        change.remove(context, self.virtualmachineid, self.nicid)
        return self.virtualmachineid


class UpdateDefaultNicForVirtualMachine(AsyncCommand):
    """Lets the default route of an Instance lead through another NIC."""

    action = "updating the default NIC of an Instance"
    roles, event, response = EVERYONE, "NIC.UPDATE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, check=is_instance, help="the Instance")
    nicid = Entity(Nic, access=ANY, required=True, help="the NIC")

    def run(self, context: Context) -> Any:
        change.make_default(context, self.virtualmachineid, self.nicid)
        return self.virtualmachineid


class UpdateVmNic(AsyncCommand):
    """Brings the link of a NIC up or down."""

    action = "updating a NIC"
    roles, event, response, subject = EVERYONE, "NIC.UPDATE", NicView, "nicid"

    nicid = Entity(Nic, access=ANY, required=True, lock=True, help="the NIC")
    enabled = Flag(help="whether the link is to be up")

    def run(self, context: Context) -> Any:
        machine = machine_of(context, self.nicid)
        if self.enabled is None:
            return self.nicid
        return change.switch(context, machine, self.nicid, self.enabled)


class UpdateVmNicIp(AsyncCommand):
    """Gives a NIC of a stopped Instance another address."""

    roles, event, response, subject = EVERYONE, "NET.IPASSIGN", VirtualMachineView, "nicid"

    nicid = Entity(Nic, access=ANY, required=True, lock=True, help="the NIC")
    ipaddress = Text(help="exactly this address; any where it is not given")

    def run(self, context: Context) -> Any:
        machine = machine_of(context, self.nicid)
        change.change_ip(context, machine, self.nicid, self.ipaddress)
        return machine


class AddIpToNic(AsyncCreateCommand):
    """Gives a NIC a further address."""

    roles, event, response = EVERYONE, "NIC.SECONDARY.IP.ASSIGN", NicSecondaryIpView
    creates = NicSecondaryIp

    nicid = Entity(Nic, access=ANY, required=True, help="the NIC")
    ipaddress = Text(help="exactly this address; any where it is not given")
    description = Text(length=2048, help="what it is for")

    def create(self, context: Context) -> Any:
        machine_of(context, self.nicid)
        return change.add_secondary(context, self.nicid, self.ipaddress, self.description)

    def run(self, context: Context) -> Any:
        return change.finish_secondary(context, self.created)


class RemoveIpFromNic(AsyncCommand):
    """Takes a further address away from a NIC."""

    roles, event = EVERYONE, "NIC.SECONDARY.IP.UNASSIGN"

    id = Entity(NicSecondaryIp, access=OPERATE, required=True, lock=True, help="the address on the NIC")

    def run(self, context: Context) -> None:
        change.remove_secondary(context, self.id)
