"""What the API shows of Instances."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Given, Page, View, stamp
from cloudapi.models.base import now
from cloudapi.models.identity import Account, Domain, User, UserData
from cloudapi.models.machine import AffinityGroup, InstanceGroup, Machine
from cloudapi.models.storage import Template
from cloudapi.views.common import ProjectOwnedView, Tags, pretty_path
from cloudapi.views.nic.nic import NicView
from cloudapi.views.virtual_machine import loader as loaders
from cloudapi.views.zone.place import HasAnnotations

DAY = 86_400_000


class AttachedIsoView(View):
    name = "iso"

    id = Given("ID of the ISO", type="string")
    name_ = Given("name of the ISO", type="string")
    displaytext = Given("text of the ISO", type="string")
    deviceseq = Given("the drive that it is in", type="integer")
    bootable = Given("whether the Instance can boot from it", type="boolean")


class SecurityGroupView(View):
    name = "securitygroup"

    id = Given("ID of the security group", type="string")
    name_ = Given("name of the security group", type="string")
    description = Given("what it is for", type="string")
    account = Given("account that owns it", type="string")
    projectid = Given("ID of the project that owns it", type="string")
    project = Given("name of the project that owns it", type="string")
    domainid = Given("ID of its domain", type="string")
    domain = Given("name of its domain", type="string")
    domainpath = Given("path of its domain", type="string", since="4.19.2.0")
    ingressrule = Given("rules for what comes in", type="set")
    egressrule = Given("rules for what goes out", type="set")
    tags = Given("tags of the group", type="set")
    virtualmachinecount = Given("how many Instances are in it", type="integer", since="4.6.0")
    virtualmachineids = Given("IDs of the Instances in it", type="set", since="4.6.0")


class MemberGroupView(View):
    """An affinity group as it is shown with its members."""

    record, name = AffinityGroup, "affinitygroup"
    links = {"account_": ("account_id", Account)}

    id = Column("uuid", "ID of the affinity group")
    name_ = Column("name", "name of the affinity group")
    description = Column("description", "what it is for")
    account = Column("account_.account_name", "account that owns it")
    type = Column("kind", "affinity or anti-affinity")


class VnfNicView(View):
    name = "vnfnic"

    deviceid = Given("place of the NIC", type="long")
    name_ = Given("name of the NIC", type="string")
    required = Given("whether the appliance needs it", type="boolean")
    management = Given("whether the appliance is managed through it", type="boolean")
    description = Given("what it is for", type="string")
    networkid = Given("ID of its network", type="string")
    networkname = Given("name of its network", type="string")


def control_state(status: str | None, resource_state: str | None) -> str | None:
    """Return whether the host can be controlled, as clients know it."""
    if status is None:
        return None
    if resource_state == "Maintenance":
        return "Maintenance"
    if status != "Up":
        return "Offline"
    return "Enabled" if resource_state == "Enabled" else "Disabled"


def days_left(expiry: int | None, action: str | None) -> int | None:
    """Return the days until a lease ends, by the date."""
    return None if expiry is None or action is None else max(0, expiry // DAY - now() // DAY)


def load_affinity(page: Page) -> dict[int, list[dict[str, Any]]]:
    members = loaders.affinity_members(page)
    groups = sorted({group for _, group in members})
    shown = dict(zip(groups, MemberGroupView.render(page.context, groups), strict=True))
    found: dict[int, list[dict[str, Any]]] = {}
    for machine_id, group in members:
        found.setdefault(machine_id, []).append(shown[group])
    return found


def load_nics(page: Page) -> dict[int, list[dict[str, Any]]]:
    owners = loaders.nic_owners(page)
    found: dict[int, list[dict[str, Any]]] = {}
    for (_, machine_id), shown in zip(owners, NicView.render(page.context, [nic for nic, _ in owners]), strict=True):
        shown.pop("virtualmachineid", None)
        found.setdefault(machine_id, []).append(shown)
    return found


def _stat(key: str, help: str) -> Batch:
    kind = "string" if key == "cpuused" else "long"
    return Batch(loaders.statistics, help, key=key, type=kind, detail="stats")


class VirtualMachineView(ProjectOwnedView, View):
    record, name = Machine, "virtualmachine"
    links = {"account_": ("account_id", Account), "domain_": ("domain_id", Domain), "user_": ("user_id", User),
             "group_": ("group_id", InstanceGroup), "iso_": ("iso_id", Template), "data_": ("user_data_id", UserData)}

    id = Column("uuid", "ID of the Instance")
    name_ = Column("name", "host name of the Instance")
    displayname = Computed(lambda shown, name: shown or name, "display_name", "name", help="name for people",
                           type="string")
    account = Column("account_.account_name", "account that owns it")
    userid = Column("user_.uuid", "ID of the user who deployed it")
    username = Column("user_.username", "name of the user who deployed it")
    domainid = Column("domain_.uuid", "ID of the account's domain")
    domain = Column("domain_.name", "name of the account's domain")
    domainpath = Column("domain_.path", "path of the account's domain", convert=pretty_path, since="4.19.2.0")
    created = Column("created", "when it was made")
    lastupdated = Column("updated", "when its state changed last", since="4.16.0")
    state = Column("state", "its state")
    haenable = Column("ha_enabled", "whether it is restarted where its host fails")
    groupid = Column("group_.uuid", "ID of its Instance group", detail="group")
    group = Column("group_.name", "name of its Instance group", detail="group")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    hostid = Column("host.uuid", "ID of the host that it runs on", admin=True)
    hostname = Column("host.name", "name of the host that it runs on", admin=True)
    hostcontrolstate = Computed(control_state, "host.status", "host.resource_state", type="string",
                                help="whether its host can be controlled")
    templateid = Column("template.uuid", "ID of its template", detail="tmpl")
    templatename = Column("template.name", "name of its template", detail="tmpl")
    templatetype = Column("template.template_type", "kind of its template", since="4.19.0", detail="tmpl")
    templateformat = Column("template.format", "format of its template", since="4.19.1", detail="tmpl")
    templatedisplaytext = Column("template.display_text", "text of its template", detail="tmpl")
    passwordenabled = Column("template.password_enabled", "whether its template takes a new password", detail="tmpl")
    isoid = Column("iso_.uuid", "ID of the ISO in its drive", detail="iso")
    isoname = Column("iso_.name", "name of the ISO in its drive", detail="iso")
    isodisplaytext = Column("iso_.display_text", "text of the ISO in its drive", detail="iso")
    isos = Computed(loaders.isos, "iso_.uuid", "iso_.name", "iso_.display_text", "iso_.bootable", type="list",
                    nested=AttachedIsoView, since="4.23.0", detail="iso", help="the ISOs in its drives")
    isomaxcount = Batch(loaders.iso_limit, "how many ISOs it can have", type="integer", since="4.23.0", detail="iso")
    serviceofferingid = Column("service_offering.uuid", "ID of its service offering", detail="servoff")
    serviceofferingname = Column("service_offering.name", "name of its service offering", detail="servoff")
    diskofferingid = Batch(loaders.disk_offering, "ID of the disk offering of its data disk", key="id", type="string",
                           since="4.4", detail="diskoff")
    diskofferingname = Batch(loaders.disk_offering, "name of the disk offering of its data disk", key="name",
                             type="string", since="4.4", detail="diskoff")
    gpucardid = Given("ID of its GPU card", type="string", since="4.21")
    gpucardname = Given("name of its GPU card", type="string", since="4.21")
    vgpuprofileid = Given("ID of its vGPU profile", type="string", since="4.21")
    vgpuprofilename = Given("name of its vGPU profile", type="string", since="4.21")
    videoram = Given("memory of its GPU", type="long")
    maxheads = Given("screens of its GPU", type="long")
    maxresolutionx = Given("width of its GPU's screens", type="long")
    maxresolutiony = Given("height of its GPU's screens", type="long")
    gpucount = Column("service_offering.gpu_count", "how many GPUs it has", since="4.21",
                      detail=("servoff", "stats"))
    backupofferingid = Given("ID of its backup offering", type="string", since="4.14")
    backupofferingname = Given("name of its backup offering", type="string", since="4.14")
    backupprovider = Given("who makes its backups", type="string", since="4.23.0")
    forvirtualnetwork = Batch(loaders.virtual_network, "whether its default network is an isolated one",
                              type="boolean")
    cpunumber = Column("cpu", "its CPU cores", detail=("servoff", "stats"))
    cpuspeed = Column("speed", "speed of each core in MHz", detail=("servoff", "stats"))
    memory = Column("memory", "its memory in MiB", detail=("servoff", "stats"))
    vgpu = Given("kind of its vGPU", type="string", since="4.4")
    cpuused = _stat("cpuused", "how busy its CPU is")
    networkkbsread = _stat("networkkbsread", "KiB that came in over its NICs since the sample before")
    networkkbswrite = _stat("networkkbswrite", "KiB that went out over its NICs since the sample before")
    diskkbsread = _stat("diskkbsread", "KiB read from its disks since the sample before")
    diskkbswrite = _stat("diskkbswrite", "KiB written to its disks since the sample before")
    memorykbs = _stat("memorykbs", "memory that it has, in KiB")
    memoryintfreekbs = _stat("memoryintfreekbs", "memory that the guest has free, in KiB")
    memorytargetkbs = _stat("memorytargetkbs", "memory that it is meant to have, in KiB")
    diskioread = _stat("diskioread", "reads from its disks since the sample before")
    diskiowrite = _stat("diskiowrite", "writes to its disks since the sample before")
    guestosid = Column("guest_os.uuid", "ID of its guest OS")
    rootdeviceid = Batch(loaders.root_disk, "place of its root disk", key="device", type="long", detail="volume")
    rootdevicetype = Batch(loaders.root_disk, "kind of its root disk", key="type", type="string", detail="volume")
    pooltype = Batch(loaders.root_disk, "kind of the pool that its root disk lies on", key="pool", type="string",
                     since="4.16")
    securitygroup = Computed(lambda _: [], "id", type="set", nested=SecurityGroupView, detail="secgrp",
                             help="its security groups")
    password = Given("its new password, shown once", type="string", secret=True)
    nic = Batch(load_nics, "its NICs", default=[], type="set", nested=NicView, detail="nics")
    hypervisor = Column("hypervisor_type", "its hypervisor")
    ipaddress = Batch(loaders.default_address, "address of its default NIC", type="string")
    publicipid = Batch(loaders.public_address, "ID of the public address that leads to it", key="id", type="string")
    publicip = Batch(loaders.public_address, "the public address that leads to it", key="ip", type="string")
    instancename = Column("instance_name", "its name on the host", since="3.0.1", admin=True)
    details = Batch(loaders.details, "its details", key="details", type="map", since="4.2.1")
    readonlydetails = Batch(loaders.details, "details that users cannot change", key="readonly", type="string",
                            since="4.16.0")
    alloweddetails = Given("details that its template allows", type="string", since="4.22.1")
    keypairs = Batch(loaders.key_pairs, "names of its SSH key pairs", type="string")
    affinitygroup = Batch(load_affinity, "its affinity groups", default=[], type="set", nested=MemberGroupView,
                          detail="affgrp")
    displayvm = Column("display", "whether its owner sees it", admin=True)
    isdynamicallyscalable = Column("dynamically_scalable", "whether it can be scaled while it runs")
    deleteprotection = Column("delete_protection", "whether it is kept from being destroyed", since="4.20.0")
    servicestate = Given("state of the service that it is part of", type="string")
    ostypeid = Column("guest_os.uuid", "ID of its guest OS", since="4.4")
    osdisplayname = Column("guest_os.display_name", "name of its guest OS", since="4.13.2")
    bootmode = Column("boot_mode", "legacy or secure", convert=str.lower)
    boottype = Column("boot_type", "Bios or Uefi", convert=str.capitalize)
    receivedbytes = Batch(loaders.traffic, "bytes that came in over its NICs", key="received", type="long")
    sentbytes = Batch(loaders.traffic, "bytes that went out over its NICs", key="sent", type="long")
    icon = Given("its icon", type="resourceiconresponse", since="4.16.0")
    autoscalevmgroupid = Given("ID of its autoscaling group", type="string", since="4.18.0")
    autoscalevmgroupname = Given("name of its autoscaling group", type="string", since="4.18.0")
    userdata = Batch(loaders.user_data, "its user data in base64, where asked for", type="string", since="4.18.0.0")
    userdataid = Column("data_.uuid", "ID of its registered user data", since="4.18.0")
    userdataname = Column("data_.name", "name of its registered user data", since="4.18.0")
    userdatapolicy = Column("template.user_data_policy", "whether its template's user data may be replaced",
                            since="4.18.0")
    userdatadetails = Column("user_data_details", "values for the variables of its user data", since="4.18.0")
    vnfnics = Given("NICs that its VNF template names", type="list", since="4.19.0", nested=VnfNicView)
    vnfdetails = Given("details of its VNF template", type="map", since="4.19.0")
    vmtype = Computed(lambda kind: kind or "UserVm", "vm_type", type="string", since="4.20.0",
                      help="what it serves for")
    arch = Column("arch", "its CPU architecture", since="4.20.1", admin=True)
    leaseduration = Computed(days_left, "lease_expiry", "lease_action", type="integer", since="4.21.0",
                             help="days that are left of its lease")
    leaseexpirydate = Computed(lambda expiry, action: stamp(expiry) if expiry and action else None, "lease_expiry",
                               "lease_action", type="date", since="4.21.0", help="when its lease ends")
    leaseexpiryaction = Column("lease_action", "what happens when its lease ends", since="4.21.0")
    tags = Tags("UserVm")
    hasannotations = HasAnnotations()
    jobid = Batch(loaders.jobs, "ID of the job that works on it", key="id", type="string")
    jobstatus = Batch(loaders.jobs, "status of the job that works on it", key="status", type="integer")
