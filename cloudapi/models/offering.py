"""Service, disk and network offerings."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Record, Table


class DiskOffering(Record):
    """The storage part of an offering; sizes in bytes, rates in operations or bytes a second.

    A service offering has one of its own (`compute_only`) for the root disk.
    """

    name = peewee.CharField(255)
    unique_name = peewee.CharField(255, null=True, unique=True)
    display_text = peewee.CharField(4096, null=True)
    state = peewee.CharField(16, default="Active")
    disk_size = peewee.BigIntegerField(default=0)
    is_custom = peewee.BooleanField(default=False)
    compute_only = peewee.BooleanField(default=False)
    use_local_storage = peewee.BooleanField(default=False)
    provisioning_type = peewee.CharField(16, default="thin")
    display = peewee.BooleanField(default=True)
    tags = peewee.CharField(4096, default="")
    sort_key = peewee.IntegerField(default=0)
    is_custom_iops = peewee.BooleanField(null=True)
    min_iops = peewee.BigIntegerField(null=True)
    max_iops = peewee.BigIntegerField(null=True)
    hypervisor_snapshot_reserve = peewee.IntegerField(null=True)
    cache_mode = peewee.CharField(16, default="none")
    encrypt = peewee.BooleanField(default=False)
    disk_size_strictness = peewee.BooleanField(default=False)
    rates = Json(null=True)
    storage_policy = peewee.CharField(64, null=True)


class ServiceOffering(Record):
    """Null `cpu`, `speed` or `memory` means that the deployer chooses; speed in MHz, memory in MiB, rate in Mbit/s."""

    name = peewee.CharField(255)
    unique_name = peewee.CharField(255, null=True, unique=True)
    display_text = peewee.CharField(4096, null=True)
    state = peewee.CharField(16, default="Active")
    cpu = peewee.IntegerField(null=True)
    speed = peewee.IntegerField(null=True)
    memory = peewee.IntegerField(null=True)
    network_rate = peewee.IntegerField(null=True)
    offer_ha = peewee.BooleanField(default=False)
    limit_cpu_use = peewee.BooleanField(default=False)
    is_volatile = peewee.BooleanField(default=False)
    host_tag = peewee.CharField(255, null=True)
    default_use = peewee.BooleanField(default=False)
    system_use = peewee.BooleanField(default=False)
    vm_type = peewee.CharField(32, null=True)
    deployment_planner = peewee.CharField(255, null=True)
    dynamic_scaling = peewee.BooleanField(default=True)
    disk_offering_id = peewee.BigIntegerField(index=True)
    disk_offering_strictness = peewee.BooleanField(default=False)
    display = peewee.BooleanField(default=True)
    sort_key = peewee.IntegerField(default=0)
    lease_duration = peewee.IntegerField(null=True)
    lease_expiry_action = peewee.CharField(16, null=True)
    gpu_count = peewee.IntegerField(null=True)


class OfferingScope(Table):
    """Where an offering is for sale: a row per domain, per zone; none means everywhere.

    `offering_type` is ServiceOffering, DiskOffering, NetworkOffering or VpcOffering.
    """

    id = peewee.BigAutoField()
    offering_type = peewee.CharField(32)
    offering_id = peewee.BigIntegerField()
    domain_id = peewee.BigIntegerField(null=True)
    zone_id = peewee.BigIntegerField(null=True)

    class Meta:
        indexes = ((("offering_type", "offering_id"), False),)


class NetworkOffering(Record):
    """`services` maps each service to its providers, `capabilities` each service to its capability values."""

    name = peewee.CharField(255)
    unique_name = peewee.CharField(255, null=True, unique=True)
    display_text = peewee.CharField(4096, null=True)
    state = peewee.CharField(16, default="Disabled")
    availability = peewee.CharField(16, default="Optional")
    guest_type = peewee.CharField(16, null=True)
    traffic_type = peewee.CharField(16, default="Guest")
    is_default = peewee.BooleanField(default=False)
    system_only = peewee.BooleanField(default=False)
    specify_vlan = peewee.BooleanField(default=False)
    specify_ip_ranges = peewee.BooleanField(default=False)
    specify_as_number = peewee.BooleanField(default=False)
    conserve_mode = peewee.BooleanField(default=True)
    is_persistent = peewee.BooleanField(default=False)
    for_vpc = peewee.BooleanField(default=False)
    redundant_router = peewee.BooleanField(default=False)
    egress_default_policy = peewee.BooleanField(default=False)
    keepalive = peewee.BooleanField(default=False)
    max_connections = peewee.IntegerField(null=True)
    network_rate = peewee.IntegerField(null=True)
    multicast_rate = peewee.IntegerField(null=True)
    service_offering_id = peewee.BigIntegerField(null=True)
    tags = peewee.CharField(4096, default="")
    internet_protocol = peewee.CharField(16, default="IPv4")
    network_mode = peewee.CharField(16, null=True)
    routing_mode = peewee.CharField(16, null=True)
    supports_public_access = peewee.BooleanField(default=False)
    enabled_for_display = peewee.BooleanField(default=True)
    services = Json(default=dict)
    capabilities = Json(default=dict)
    sort_key = peewee.IntegerField(default=0)
