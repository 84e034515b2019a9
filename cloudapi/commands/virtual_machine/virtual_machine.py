"""The life of Instances: start, stop, reboot, destroy, recover, expunge, and changes of their properties."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import ADMINS, EVERYONE, ROOT, AsyncCommand, Command, OwnerParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Long, Map, Rows, Text, TextList, Uuid
from cloudapi.commands.virtual_machine import request
from cloudapi.commands.virtual_machine.deployment import USER_DATA_LENGTH
from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter, PermissionDenied
from cloudapi.models.identity import UserData
from cloudapi.models.infrastructure import Cluster, GuestOs, Host, Pod
from cloudapi.models.machine import Machine
from cloudapi.models.network import Network
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import Template, Volume
from cloudapi.placement.demand import Plan
from cloudapi.services.virtual_machine import (
    assignment,
    destruction,
    expunging,
    instance,
    life,
    password,
    relocation,
    reset,
    restoration,
    update,
)
from cloudapi.views.virtual_machine.virtual_machine import VirtualMachineView

# What is left to show of an Instance that is gone.
GONE: dict[str, Any] = {"nic": [], "securitygroup": [], "affinitygroup": [], "tags": []}


class StartVirtualMachine(AsyncCommand):
    """Starts an Instance."""

    roles, event, response = EVERYONE, "VM.START", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    podid = Entity(Pod, access=ANY, help="the pod to start in; for root administrators")
    clusterid = Entity(Cluster, access=ANY, help="the cluster to start in; for root administrators")
    hostid = Entity(Host, access=ANY, since="3.0.1", help="the host to start on; for root administrators")
    considerlasthost = Flag(default=True, since="4.18.0", roles=ROOT, help="prefer the host where it ran last")
    deploymentplanner = Text(since="4.4", roles=ROOT, help="the planner that chooses the host")
    bootintosetup = Flag(since="4.15.0.0", help="start into the setup of the hardware (VMware)")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.id)
        for name in ("podid", "clusterid", "hostid"):
            if getattr(self, name) is not None and not context.caller.is_root_admin:
                raise PermissionDenied(f"Parameter {name} can only be specified by a Root Admin, permission denied")
        if self.deploymentplanner is not None:
            request.check_planner(self.deploymentplanner)
        if self.bootintosetup:
            request.check_setup(machine)
        if self.hostid is not None:
            relocation.check_tags(context, machine, self.hostid)
        plan = Plan(pod_id=getattr(self.podid, "id", None), cluster_id=getattr(self.clusterid, "id", None),
                    host_id=getattr(self.hostid, "id", None), planner=self.deploymentplanner or machine.planner,
                    last_host_id=machine.last_host_id if self.considerlasthost else None)
        try:
            started = instance.start(context, machine, plan)
        except InsufficientCapacity as error:
            error.text = f"Unable to orchestrate the start of VM instance {machine.instance_name}: {error.text}"
            raise
        return with_password(self.response, context, started)


class StopVirtualMachine(AsyncCommand):
    """Stops an Instance."""

    roles, event, response = EVERYONE, "VM.STOP", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    forced = Flag(default=False, help="switch it off, and count it as stopped even where its host does not answer")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.id)
        if self.forced and not context.caller.is_admin and not context.settings.get(
                "allow.user.force.stop.vm", account=context.caller.account_id):
            raise PermissionDenied("Account does not have the permission to force stop the vm.")
        return life.stop(context, machine, forced=self.forced)


class RebootVirtualMachine(AsyncCommand):
    """Reboots an Instance."""

    roles, event, response = EVERYONE, "VM.REBOOT", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    forced = Flag(default=False, since="4.16.0", help="stop it and start it again")
    bootintosetup = Flag(since="4.15.0.0", help="start into the setup of the hardware (VMware)")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.id)
        if self.bootintosetup:
            request.check_setup(machine)
        extra = restoration.reboot(context, machine, forced=self.forced)
        return _with(self.response, context, machine, extra)


class DestroyVirtualMachine(AsyncCommand):
    """Destroys an Instance; it can be recovered until it is expunged."""

    roles, event, response = EVERYONE, "VM.DESTROY", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    expunge = Flag(default=False, since="4.2.1", help="remove it for good at once")
    volumeids = EntityList(Volume, access=OPERATE, since="4.12.0", help="data disks that go with it")
    forced = Flag(default=False, since="4.23.0", roles=ROOT, help="switch it off even where its host does not answer")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.id)
        volumes = self.volumeids or []
        context.steps.run("check", lambda: destruction.check(context, machine, expunge=self.expunge, volumes=volumes))
        left = destruction.destroy(context, machine, expunge=self.expunge, volumes=volumes, forced=self.forced)
        return GONE if left is None else left


class RecoverVirtualMachine(Command):
    """Brings a destroyed Instance back."""

    action = "recovering an Instance"
    roles, event, response = EVERYONE, "VM.RECOVER", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, help="the Instance")

    def run(self, context: Context) -> Any:
        return destruction.recover(context, instance.of_user(self.id))


class ExpungeVirtualMachine(AsyncCommand):
    """Removes a destroyed Instance for good."""

    action = "expunging an Instance"
    roles, event = EVERYONE, "VM.EXPUNGE"

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")

    def run(self, context: Context) -> None:
        context.steps.run("check", lambda: destruction.check_expungeable(context, instance.of_user(self.id)))
        life.expunge(context, self.id)
        context.after.append(lambda: expunging.expunge_destroyed(context))


class UpdateVirtualMachine(Command):
    """Changes properties of an Instance."""

    roles, event, response = EVERYONE, "VM.UPDATE", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, help="the Instance")
    customid = Uuid(since="4.4", roles=ROOT, help="a UUID that it shall have")
    displayname = Text(help="its name for people")
    group = Text(help="the Instance group that it joins")
    haenable = Flag(help="whether it is restarted where its host fails")
    ostypeid = Entity(GuestOs, access=ANY, help="its guest OS")
    userdata = Text(since="4.16.0", length=USER_DATA_LENGTH, help="user data in base64")
    userdataid = Entity(UserData, access=USE, since="4.18", help="registered user data")
    userdatadetails = Map(since="4.18", help="values for the variables of the user data")
    displayvm = Flag(roles=ROOT, help="whether its owner sees it")
    isdynamicallyscalable = Flag(help="whether it can be scaled while it runs")
    name = Text(since="4.4", help="its host name")
    instancename = Text(since="4.4", roles=ROOT, help="its name on the host")
    details = Map(help="details; they replace those that it has")
    securitygroupids = EntityList(access=ANY, help="its security groups")
    securitygroupnames = TextList(help="its security groups by name")
    cleanupdetails = Flag(help="remove its details")
    dhcpoptionsnetworklist = Rows(help="DHCP options by network: [0].networkid, .dhcp:<code>=<value>")
    extraconfig = Text(since="4.12", length=5120, help="additional configuration for the hypervisor, URL encoded")
    deleteprotection = Flag(since="4.20.0", help="keep it from being destroyed")
    leaseduration = Integer(since="4.21.0", help="days until its lease ends; -1 takes it away")
    leaseexpiryaction = Text(since="4.21.0", choices=("STOP", "DESTROY"), help="what happens then")
    cleanupextraconfig = Flag(since="4.23.0", help="remove its additional configuration")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.id)
        if self.securitygroupids or self.securitygroupnames:
            raise InvalidParameter("Unable to change security groups: the zone has none")
        given = {name: getattr(self, name) for name in self.given - {"id"}}
        if "dhcpoptionsnetworklist" in given:
            given["dhcpoptionsnetworklist"] = request.dhcp_options(self.dhcpoptionsnetworklist)
        return update.update(context, machine, given)


class RestoreVirtualMachine(AsyncCommand):
    """Gives an Instance a fresh root disk."""

    action = "restoring an Instance"
    roles, event, response = EVERYONE, "VM.RESTORE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    templateid = Entity(Template, access=USE, help="another template that it is made from")
    diskofferingid = Entity(DiskOffering, access=USE, since="4.19.1", help="another offering of the root disk")
    rootdisksize = Long(since="4.19.1", help="size of the root disk in GiB")
    details = Map(since="4.19.1", help="minIops and maxIops of the root disk")
    expunge = Flag(default=False, since="4.19.1", help="remove the old root disk for good")

    def run(self, context: Context) -> Any:
        machine = instance.of_user(self.virtualmachineid)
        extra = restoration.restore(context, machine, template=self.templateid, offering=self.diskofferingid,
                                    root_gib=self.rootdisksize, details=self.details, expunge=self.expunge)
        return _with(self.response, context, machine, extra)


class AssignVirtualMachine(Command):
    """Gives a stopped Instance to another account."""

    roles, event, response = ADMINS, "VM.MOVE", VirtualMachineView
    subject = "virtualmachineid"

    virtualmachineid = Entity(Machine, access=OPERATE, required=True, help="the Instance")
    account = Text(help="its new account; goes with domainid")
    domainid = OwnerParameters.domainid
    projectid = OwnerParameters.projectid
    networkids = EntityList(Network, access=USE, help="its new networks; the first one is the default")
    securitygroupids = EntityList(access=ANY, help="its new security groups")

    def run(self, context: Context) -> Any:
        from cloudapi.api.ownership import owner_for

        if self.securitygroupids:
            raise InvalidParameter("Cannot move VM with security groups; security group feature is not enabled in this "
                                   "zone.")
        if not self.account and self.projectid is None:
            raise InvalidParameter("account or projectid has to be given")
        owner = owner_for(context, self.account, self.domainid, self.projectid)
        return assignment.assign(context, instance.of_user(self.virtualmachineid), owner, self.networkids or [])


class ResetPasswordForVirtualMachine(AsyncCommand):
    """Gives a stopped Instance a new password."""

    action = "resetting the password of an Instance"
    roles, event, response = EVERYONE, "VM.RESETPASSWORD", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    password = Text(since="4.19.0", secret=True, help="the password; one is made where it is not given")

    def run(self, context: Context) -> Any:
        text = reset.reset_password(context, instance.of_user(self.id), self.password)
        return {**self.response.one(context, self.id), "password": text}


class ResetSSHKeyForVirtualMachine(OwnerParameters, AsyncCommand):
    """Gives a stopped Instance other SSH keys."""

    action = "resetting the SSH keys of an Instance"
    roles, event, response = EVERYONE, "VM.RESETSSHKEY", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, help="the Instance")
    keypair = Text(help="name of an SSH key pair")
    keypairs = TextList(since="4.17", help="names of SSH key pairs")

    def run(self, context: Context) -> Any:
        names = [*([self.keypair] if self.keypair else []), *(self.keypairs or [])]
        owner = instance.owner(self.id) if not self.account and self.projectid is None else self.owner(context)
        text = reset.reset_keys(context, instance.of_user(self.id), owner, names)
        shown = self.response.one(context, self.id)
        return {**shown, "password": text} if text else shown


class ResetUserDataForVirtualMachine(OwnerParameters, Command):
    """Gives a stopped Instance other user data."""

    action = "resetting the user data of an Instance"
    roles, event, response = ROOT, "VM.RESETUSERDATA", VirtualMachineView

    id = Entity(Machine, access=OPERATE, required=True, help="the Instance")
    userdata = Text(length=USER_DATA_LENGTH, help="user data in base64")
    userdataid = Entity(UserData, access=USE, help="registered user data")
    userdatadetails = Map(help="values for the variables of the user data")

    def run(self, context: Context) -> Any:
        return reset.reset_user_data(context, instance.of_user(self.id), self.userdata, self.userdataid,
                                     self.userdatadetails)


def _with(view: Any, context: Context, machine: Machine, extra: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a machine, and what is told this once only."""
    return {**view.one(context, life.again(machine)), **{name: value for name, value in extra.items() if value}}


def with_password(view: Any, context: Context, machine: Machine) -> dict[str, Any]:
    """Return what is shown of a machine, with the password that its guest is about to get."""
    shown: dict[str, Any] = view.one(context, machine)
    text = password.plain(context, life.again(machine))
    return {**shown, "password": text} if text else shown
