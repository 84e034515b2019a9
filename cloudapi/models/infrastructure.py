"""Regions, zones, pods, clusters, hosts and their capacity."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Link, Moment, Record, Table


class Region(Table):
    id = peewee.BigIntegerField(primary_key=True)
    name = peewee.CharField(255)
    end_point = peewee.CharField(255)
    created = Moment()


class Zone(Record):
    name = peewee.CharField(255)
    description = peewee.CharField(255, null=True)
    network_type = peewee.CharField(16, default="Advanced")
    dns1 = peewee.CharField(64)
    dns2 = peewee.CharField(64, null=True)
    ip6_dns1 = peewee.CharField(64, null=True)
    ip6_dns2 = peewee.CharField(64, null=True)
    internal_dns1 = peewee.CharField(64)
    internal_dns2 = peewee.CharField(64, null=True)
    guest_cidr = peewee.CharField(64, null=True)
    network_domain = peewee.CharField(255, null=True)
    domain_id = peewee.BigIntegerField(null=True)
    account_id = peewee.BigIntegerField(null=True)
    allocation_state = peewee.CharField(16, default="Disabled")
    security_groups = peewee.BooleanField(default=False)
    local_storage = peewee.BooleanField(default=False)
    zone_token = peewee.CharField(64)
    dhcp_provider = peewee.CharField(64, default="VirtualRouter")
    kind = peewee.CharField(16, default="Core")
    sort_key = peewee.IntegerField(default=0)


class Pod(Record):
    name = peewee.CharField(255)
    zone = Link(Zone)
    gateway = peewee.CharField(64, null=True)
    cidr = peewee.CharField(64, null=True)
    netmask = peewee.CharField(64, null=True)
    allocation_state = peewee.CharField(16, default="Enabled")


class PodIpRange(Table):
    """Addresses of a pod's management network; those `for_system_vms` serve only them."""

    id = peewee.BigAutoField()
    pod = Link(Pod)
    start_ip = peewee.CharField(64)
    end_ip = peewee.CharField(64)
    vlan = peewee.CharField(64, null=True)
    for_system_vms = peewee.BooleanField(default=False)


class PodIpAddress(Table):
    id = peewee.BigAutoField()
    pod = Link(Pod)
    range_id = peewee.BigIntegerField(index=True)
    ip = peewee.CharField(64)
    nic_id = peewee.BigIntegerField(null=True, index=True)
    taken = Moment(null=True)

    class Meta:
        indexes = ((("pod", "ip"), True),)


class Cluster(Record):
    name = peewee.CharField(255)
    zone = Link(Zone)
    pod = Link(Pod)
    hypervisor_type = peewee.CharField(32)
    cluster_type = peewee.CharField(32, default="CloudManaged")
    allocation_state = peewee.CharField(16, default="Enabled")
    managed_state = peewee.CharField(32, default="Managed")
    arch = peewee.CharField(16, default="x86_64")


class Host(Record):
    """A machine that runs Instances (`kind` Routing) or serves secondary storage (SecondaryStorage, …).

    `status` is what the monitor sees (Up, Down, …), `resource_state` what the admin wants (Enabled, Maintenance, …);
    speeds in MHz, memory in bytes.
    """

    name = peewee.CharField(255)
    kind = peewee.CharField(32, default="Routing")
    zone = Link(Zone)
    pod = Link(Pod, null=True)
    cluster = Link(Cluster, null=True)
    hypervisor_type = peewee.CharField(32, null=True)
    hypervisor_version = peewee.CharField(64, null=True)
    url = peewee.CharField(255)
    guid = peewee.CharField(255, null=True, unique=True)
    status = peewee.CharField(32, default="Creating")
    resource_state = peewee.CharField(32, default="Enabled")
    private_ip = peewee.CharField(64, null=True)
    private_mac = peewee.CharField(32, null=True)
    public_ip = peewee.CharField(64, null=True)
    storage_ip = peewee.CharField(64, null=True)
    cpus = peewee.IntegerField(default=0)
    cpu_sockets = peewee.IntegerField(default=1)
    speed = peewee.IntegerField(default=0)
    memory = peewee.BigIntegerField(default=0)
    dom0_memory = peewee.BigIntegerField(default=0)
    arch = peewee.CharField(16, default="x86_64")
    version = peewee.CharField(32, null=True)
    capabilities = Json(null=True)
    last_pinged = Moment(null=True)
    disconnected = Moment(null=True)
    management_server = peewee.CharField(64, null=True)
    os_category_id = peewee.BigIntegerField(null=True)
    guest_os_rule = peewee.CharField(1024, null=True)
    generation = peewee.BigIntegerField(default=0)

    class Meta:
        indexes = ((("status", "kind"), False),)


class HostStatistics(Table):
    """The load that a host reported last: CPU in percent, memory in bytes, network in KiB since its start."""

    host_id = peewee.BigIntegerField(primary_key=True)
    cpu_percent = peewee.FloatField(default=0)
    load_average = peewee.FloatField(default=0)
    memory_used = peewee.BigIntegerField(default=0)
    network_read_kib = peewee.BigIntegerField(default=0)
    network_write_kib = peewee.BigIntegerField(default=0)
    sampled = Moment()


class HostTag(Table):
    id = peewee.BigAutoField()
    host = Link(Host)
    tag = peewee.CharField(255, index=True)
    is_rule = peewee.BooleanField(default=False)
    implicit = peewee.BooleanField(default=False)


class Capacity(Table):
    """What a host or a storage pool can give of one kind, and what is given (`used`) or kept back (`reserved`).

    `kind` is CloudStack's number (0 memory in bytes, 1 CPU in MHz, 3 allocated storage in bytes, 90 cores).
    `total` is the physical amount; over-provisioning multiplies it where it is compared. `iops` are the operations a
    second that a pool has promised to its volumes.
    """

    id = peewee.BigAutoField()
    kind = peewee.IntegerField()
    zone_id = peewee.BigIntegerField(index=True)
    pod_id = peewee.BigIntegerField(null=True)
    cluster_id = peewee.BigIntegerField(null=True, index=True)
    host_id = peewee.BigIntegerField(null=True)
    pool_id = peewee.BigIntegerField(null=True)
    total = peewee.BigIntegerField(default=0)
    used = peewee.BigIntegerField(default=0)
    reserved = peewee.BigIntegerField(default=0)
    iops = peewee.BigIntegerField(default=0)
    enabled = peewee.BooleanField(default=True)

    class Meta:
        indexes = ((("host_id", "kind"), False), (("pool_id", "kind"), False))


class CapacityReservation(Table):
    """What a stopped machine keeps of its last host's capacity, so that it can be started there again."""

    machine_id = peewee.BigIntegerField(primary_key=True)
    host_id = peewee.BigIntegerField(index=True)
    cpu_mhz = peewee.BigIntegerField()
    memory_bytes = peewee.BigIntegerField()
    cores = peewee.IntegerField()
    since = Moment()


class GuestOsCategory(Record):
    name = peewee.CharField(255)
    featured = peewee.BooleanField(default=False)
    sort_key = peewee.IntegerField(default=0)


class GuestOs(Record):
    category = Link(GuestOsCategory)
    display_name = peewee.CharField(255, index=True)
    is_user_defined = peewee.BooleanField(default=False)
    for_display = peewee.BooleanField(default=True)


class GuestOsMapping(Record):
    """What a hypervisor calls a guest OS."""

    guest_os = Link(GuestOs)
    hypervisor_type = peewee.CharField(32)
    hypervisor_version = peewee.CharField(32)
    os_name = peewee.CharField(255)
    is_user_defined = peewee.BooleanField(default=False)


class HypervisorCapability(Record):
    hypervisor_type = peewee.CharField(32)
    hypervisor_version = peewee.CharField(32)
    max_guests = peewee.BigIntegerField(null=True)
    max_data_volumes = peewee.IntegerField(default=6)
    max_hosts_per_cluster = peewee.IntegerField(null=True)
    security_groups = peewee.BooleanField(default=False)
    storage_motion = peewee.BooleanField(default=False)
    vm_snapshots = peewee.BooleanField(default=False)
