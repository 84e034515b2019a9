"""Deploying Instances."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCreateCommand, OwnerParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Long, Map, Rows, Text, TextList, Uuid
from cloudapi.commands.virtual_machine import request
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, UserData
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.machine import AffinityGroup, Machine
from cloudapi.models.network import Network
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Snapshot, Template, Volume
from cloudapi.placement.demand import Plan
from cloudapi.services.virtual_machine import deployment, life, password, relocation
from cloudapi.services.virtual_machine.order import Order
from cloudapi.services.virtual_machine.update import check_custom_id
from cloudapi.views.virtual_machine.virtual_machine import VirtualMachineView

USER_DATA_LENGTH = 1 << 20
KEYBOARDS = ("de", "de-ch", "es", "fi", "fr", "fr-be", "fr-ch", "is", "it", "jp", "nl-be", "no", "pt", "uk", "us")


class DeployVirtualMachine(OwnerParameters, AsyncCreateCommand):
    """Deploys an Instance: makes it and, unless told otherwise, starts it."""

    roles, event, response = EVERYONE, "VM.CREATE", VirtualMachineView
    creates = Machine

    customid = Uuid(roles=ROOT, help="the UUID that it shall have")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    serviceofferingid = Entity(ServiceOffering, access=USE, required=True, help="its service offering")
    templateid = Entity(Template, access=USE, help="the template or ISO that it is made from")
    volumeid = Entity(Volume, access=OPERATE, since="4.21", help="an existing volume as its root disk")
    snapshotid = Entity(Snapshot, access=OPERATE, since="4.21", help="a snapshot that its root disk is made from")
    blankinstance = Flag(since="4.23.0", roles=ROOT, help="make it without a root disk")
    name = Text(help="its host name")
    displayname = Text(help="its name for people")
    password = Text(since="4.19.0.0", secret=True, help="the guest's password, where the template takes one")
    networkids = EntityList(Network, access=USE, help="its networks; the first one is the default")
    iptonetworklist = Rows(help="networks with addresses: [0].networkid, .ip, .ipv6, .mac")
    nicnetworklist = Rows(since="4.15", help="networks for the NICs of the template: [0].nic, .network")
    ipaddress = Text(help="its address in the default network")
    ip6address = Text(help="its IPv6 address in the default network")
    macaddress = Text(help="MAC address of its default NIC")
    dhcpoptionsnetworklist = Rows(help="DHCP options by network: [0].networkid, .dhcp:<code>=<value>")
    boottype = Text(since="4.14.0.0", choices=deployment.BOOT_TYPES, help="BIOS or UEFI")
    bootmode = Text(since="4.14.0.0", choices=deployment.BOOT_MODES, help="LEGACY or SECURE, with UEFI")
    bootintosetup = Flag(since="4.15.0.0", help="start into the setup of the hardware (VMware)")
    diskofferingid = Entity(DiskOffering, access=USE, help="a data disk; with an ISO the root disk")
    size = Long(help="size of that disk in GiB, where the offering leaves it open")
    rootdisksize = Long(since="4.4", help="size of the root disk in GiB")
    rootdiskkmskeyid = Entity(access=ANY, since="4.23.0", help="the key that encrypts the root disk")
    overridediskofferingid = Entity(DiskOffering, access=USE, since="4.17", help="offering of the root disk")
    datadisksdetails = Rows(since="4.21.0", help="data disks: [0].diskofferingid, .size, .miniops, .maxiops, .deviceid")
    datadiskofferinglist = Rows(since="4.11", help="offerings for the template's data disks: "
                                                   "[0].datadisktemplateid, .diskofferingid")
    group = Text(help="the Instance group that it joins")
    hypervisor = Text(help="the hypervisor, where the template does not say")
    userdata = Text(length=USER_DATA_LENGTH, help="user data in base64")
    userdataid = Entity(UserData, access=USE, since="4.18", help="registered user data")
    userdatadetails = Map(since="4.18", help="values for the variables of the user data")
    keypair = Text(help="name of an SSH key pair")
    keypairs = TextList(since="4.17", help="names of SSH key pairs")
    hostid = Entity(Host, access=ANY, help="the host to start on; for root administrators")
    podid = Entity(Pod, access=ANY, since="4.13", roles=ROOT, help="the pod to start in")
    clusterid = Entity(Cluster, access=ANY, since="4.13", roles=ROOT, help="the cluster to start in")
    deploymentplanner = Text(since="4.4", roles=ROOT, help="the planner that chooses the host")
    securitygroupids = EntityList(access=ANY, help="its security groups")
    securitygroupnames = TextList(help="its security groups by name")
    keyboard = Text(choices=KEYBOARDS, help="layout of its keyboard")
    startvm = Flag(default=True, help="whether it is started")
    affinitygroupids = EntityList(AffinityGroup, access=USE, help="its affinity groups")
    affinitygroupnames = TextList(help="its affinity groups by name")
    displayvm = Flag(default=True, since="4.2", roles=ROOT, help="whether its owner sees it")
    details = Map(since="4.3", help="details; cpuNumber, cpuSpeed and memory of custom offerings among them")
    extraconfig = Text(since="4.12", length=5120, help="additional configuration for the hypervisor, URL encoded")
    copyimagetags = Flag(default=False, since="4.13", help="give it the tags of its template")
    properties = Rows(since="4.15", help="vApp properties of its template: [0].key, .value")
    dynamicscalingenabled = Flag(default=True, since="4.16", help="whether it can be scaled while it runs")
    iothreadsenabled = Flag(help="threads of their own for its disks (KVM)")
    iodriverpolicy = Text(choices=("native", "io_uring", "threads", "storage_specific"),
                          help="driver of its disks (KVM)")
    nicmultiqueuenumber = Integer(since="4.18", minimum=-1, help="queues of its NICs (KVM); -1 as many as cores")
    nicpackedvirtqueuesenabled = Flag(since="4.18", help="packed queues of its NICs (KVM)")
    leaseduration = Integer(since="4.21.0", help="days until its lease ends; -1 for none")
    leaseexpiryaction = Text(since="4.21.0", choices=("STOP", "DESTROY"), help="what happens then")
    externaldetails = Map(since="4.21.0", help="details for an external orchestrator")

    def create(self, context: Context) -> Machine:
        if self.hostid is not None and not context.caller.is_root_admin:
            raise InvalidParameter("Unable to deploy the VM on a host of choice: hostid is for root administrators")
        if self.securitygroupids or self.securitygroupnames:
            raise InvalidParameter("Can't create vm with security groups; security group feature is not enabled per "
                                   "zone")
        if self.deploymentplanner is not None:
            request.check_planner(self.deploymentplanner)
        return deployment.create(context, self.order(context))

    def order(self, context: Context) -> Order:
        """Return what is asked for, put together from all the parameters that say it."""
        owner: Account = self.owner(context)
        details: dict[str, str] = self.details or {}
        return Order(
            owner=owner, zone=self.zoneid, offering=self.serviceofferingid, template=self.templateid,
            volume=self.volumeid, snapshot=self.snapshotid, blank=bool(self.blankinstance),
            uuid=check_custom_id(self.customid) if self.customid else None, name=self.name,
            display_name=self.displayname, password=self.password, hypervisor=request.hypervisor(self.hypervisor),
            nics=request.nics(context, self.zoneid, self.networkids, self.iptonetworklist, self.nicnetworklist),
            ip4=self.ipaddress, ip6=self.ip6address, mac=self.macaddress,
            dhcp_options=request.dhcp_options(self.dhcpoptionsnetworklist), root_offering=self.overridediskofferingid,
            root_size=self.rootdisksize if self.rootdisksize is not None else request.number(details, "rootdisksize"),
            disks=request.disks(context, self.templateid, self.diskofferingid, self.size, self.datadisksdetails,
                                self.datadiskofferinglist),
            details=details, system_details=self.system_details(), user_data=self.userdata,
            user_data_record=self.userdataid, user_data_details=self.userdatadetails,
            key_names=[*([self.keypair] if self.keypair else []), *(self.keypairs or [])],
            affinity_groups=self.affinitygroupids or [], affinity_names=self.affinitygroupnames or [],
            group=self.group, display=self.displayvm, dynamic_scaling=self.dynamicscalingenabled,
            copy_image_tags=self.copyimagetags, boot_type=self.boottype, boot_mode=self.bootmode,
            lease_duration=self.leaseduration, lease_action=self.leaseexpiryaction, extra_config=self.extraconfig,
            planner=self.deploymentplanner)

    def system_details(self) -> dict[str, str]:
        """Return the details that parameters of their own stand for."""
        template, kind = self.templateid, self.hypervisor
        found = request.kvm_details(kind or getattr(template, "hypervisor_type", None), {
            "iothreads": self.iothreadsenabled, "io.policy": self.iodriverpolicy,
            "nic.multiqueue.number": self.nicmultiqueuenumber,
            "nic.packed.virtqueues.enabled": self.nicpackedvirtqueuesenabled})
        if self.keyboard:
            found["keyboard"] = self.keyboard
        found |= request.vapp_properties(template, self.properties)
        found |= {f"External:{name}": value for name, value in (self.externaldetails or {}).items()}
        return found

    def run(self, context: Context) -> Any:
        machine = self.created
        if self.startvm and not self.blankinstance:
            plan = Plan(pod_id=getattr(self.podid, "id", None), cluster_id=getattr(self.clusterid, "id", None),
                        host_id=getattr(self.hostid, "id", None), planner=self.deploymentplanner)
            machine = deployment.start(context, machine, plan, lambda: self._check(context))
        shown = self.response.one(context, machine)
        text = password.plain(context, life.again(machine))
        return {**shown, "password": text} if text else shown

    def _check(self, context: Context) -> None:
        """Refuse what the request asks of the start and the Instance, or the named host, does not allow."""
        if self.bootintosetup:
            request.check_setup(self.created)
        if self.hostid is not None:
            relocation.check_tags(context, self.created, self.hostid)
