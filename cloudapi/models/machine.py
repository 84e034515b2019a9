"""Virtual machines: Instances, virtual routers and system VMs in one table, as they share their life."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Link, LongText, Moment, Owned, Table
from cloudapi.models.infrastructure import GuestOs, Host, Zone
from cloudapi.models.network import Network
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import Template


class Machine(Owned):
    """A virtual machine of any kind; `kind` is User, DomainRouter, ConsoleProxy or SecondaryStorageVm.

    `state` is what we want and do (the table of `states/machine.py`), `power_state` what the host reported
    last. `cpu` cores, `speed` MHz, `memory` MiB are those that it was made or scaled to.
    """

    kind = peewee.CharField(32, default="User")
    name = peewee.CharField(255, index=True)
    display_name = peewee.CharField(255, null=True)
    instance_name = peewee.CharField(255, unique=True)
    state = peewee.CharField(16, default="Stopped", index=True)
    power_state = peewee.CharField(16, default="PowerUnknown")
    power_reported = Moment(null=True)
    zone = Link(Zone)
    pod_id = peewee.BigIntegerField(null=True, index=True)
    host = Link(Host, null=True)
    last_host_id = peewee.BigIntegerField(null=True)
    template = Link(Template, null=True)
    iso_id = peewee.BigIntegerField(null=True)
    guest_os = Link(GuestOs, null=True)
    service_offering = Link(ServiceOffering)
    disk_offering_id = peewee.BigIntegerField(null=True)
    hypervisor_type = peewee.CharField(32, null=True)
    cpu = peewee.IntegerField(default=1)
    speed = peewee.IntegerField(default=0)
    memory = peewee.IntegerField(default=0)
    ha_enabled = peewee.BooleanField(default=False)
    limit_cpu_use = peewee.BooleanField(default=False)
    dynamically_scalable = peewee.BooleanField(default=False)
    display = peewee.BooleanField(default=True)
    delete_protection = peewee.BooleanField(default=False)
    user_id = peewee.BigIntegerField(null=True, index=True)
    user_data = LongText(null=True)
    user_data_id = peewee.BigIntegerField(null=True)
    user_data_details = peewee.TextField(null=True)
    password = peewee.TextField(null=True)
    private_ip = peewee.CharField(64, null=True)
    private_mac = peewee.CharField(32, null=True)
    boot_type = peewee.CharField(16, default="Bios")
    boot_mode = peewee.CharField(16, default="Legacy")
    arch = peewee.CharField(16, default="x86_64")
    vm_type = peewee.CharField(32, null=True)
    group_id = peewee.BigIntegerField(null=True, index=True)
    planner = peewee.CharField(255, null=True)
    vnc_password = peewee.TextField(null=True)
    updated = Moment(null=True)
    destroyed = Moment(null=True)
    lease_expiry = Moment(null=True)
    lease_action = peewee.CharField(16, null=True)
    generation = peewee.BigIntegerField(default=0)
    stop_reason = peewee.CharField(255, null=True)

    class Meta:
        indexes = (
            (("kind", "removed", "id"), False),
            (("account_id", "kind", "removed"), False),
            (("host_id", "kind"), False),
        )


class Router(Table):
    """What a virtual router has beyond a machine; `generation` counts the desired states sent to its agent."""

    machine_id = peewee.BigIntegerField(primary_key=True)
    network = Link(Network, null=True)
    vpc_id = peewee.BigIntegerField(null=True, index=True)
    element_id = peewee.BigIntegerField(null=True)
    public_ip = peewee.CharField(64, null=True)
    public_netmask = peewee.CharField(64, null=True)
    guest_ip = peewee.CharField(64, null=True)
    is_redundant = peewee.BooleanField(default=False)
    redundant_state = peewee.CharField(16, default="UNKNOWN")
    role = peewee.CharField(32, default="VIRTUAL_ROUTER")
    template_version = peewee.CharField(32, null=True)
    scripts_version = peewee.CharField(64, null=True)
    software_version = peewee.CharField(32, null=True)
    generation = peewee.BigIntegerField(default=0)


class MachineKeyPair(Table):
    """An SSH key that was given to a machine."""

    id = peewee.BigAutoField()
    machine = Link(Machine)
    name = peewee.CharField(255)
    public_key = peewee.TextField()


class InstanceGroup(Owned):
    name = peewee.CharField(255)


class AffinityGroup(Owned):
    name = peewee.CharField(255)
    kind = peewee.CharField(64)
    description = peewee.CharField(4096, null=True)
    acl_type = peewee.CharField(16, default="Account")


class AffinityGroupMember(Table):
    id = peewee.BigAutoField()
    group = Link(AffinityGroup)
    machine = Link(Machine)
    created = Moment()

    class Meta:
        indexes = ((("group", "machine"), True),)


class _MachineFigures(Table):
    """What a machine has used since its host was asked before: bytes and operations, CPU in percent, memory in KiB."""

    cpu_percent = peewee.FloatField(default=0)
    network_read = peewee.BigIntegerField(default=0)
    network_write = peewee.BigIntegerField(default=0)
    disk_read = peewee.BigIntegerField(default=0)
    disk_write = peewee.BigIntegerField(default=0)
    disk_reads = peewee.BigIntegerField(default=0)
    disk_writes = peewee.BigIntegerField(default=0)
    memory_kib = peewee.BigIntegerField(default=0)
    memory_free_kib = peewee.BigIntegerField(default=0)
    memory_target_kib = peewee.BigIntegerField(default=0)


class MachineStatistics(_MachineFigures):
    """The last sample of a machine, and what its devices had counted then: `{"nics": {UUID: counters}, "disks": …}`."""

    machine_id = peewee.BigIntegerField(primary_key=True)
    sampled = Moment()
    counted = Json(default=dict)


class MachineSample(_MachineFigures):
    """A sample of a machine, kept for the time of the setting `vm.stats.max.retention.time`."""

    id = peewee.BigAutoField()
    machine_id = peewee.BigIntegerField()
    sampled = Moment(index=True)

    class Meta:
        indexes = ((("machine_id", "sampled"), False),)


class MachinePurge(Table):
    """An expunged machine that leaves the database, as its offering says, some time after it was expunged."""

    machine_id = peewee.BigIntegerField(primary_key=True)
    expunged = Moment(index=True)
