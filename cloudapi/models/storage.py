"""Storage pools, image stores, templates and volumes."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Link, Moment, Owned, Record, Table
from cloudapi.models.infrastructure import Cluster, GuestOs, Pod, Zone
from cloudapi.models.offering import DiskOffering


class StoragePool(Record):
    """Primary storage; sizes in bytes. `scope` is ZONE, CLUSTER or HOST."""

    name = peewee.CharField(255)
    zone = Link(Zone)
    pod = Link(Pod, null=True)
    cluster = Link(Cluster, null=True)
    host_id = peewee.BigIntegerField(null=True, index=True)
    scope = peewee.CharField(16, default="CLUSTER")
    pool_type = peewee.CharField(32)
    url = peewee.TextField()
    host_address = peewee.CharField(255, null=True)
    path = peewee.CharField(255, null=True)
    port = peewee.IntegerField(default=0)
    user_info = peewee.CharField(255, null=True)
    state = peewee.CharField(32, default="Up")
    provider = peewee.CharField(255, default="DefaultPrimary")
    hypervisor_type = peewee.CharField(32, null=True)
    capacity_bytes = peewee.BigIntegerField(default=0)
    used_bytes = peewee.BigIntegerField(default=0)
    capacity_iops = peewee.BigIntegerField(null=True)
    used_iops = peewee.BigIntegerField(null=True)
    tags = peewee.CharField(4096, default="")
    is_tag_a_rule = peewee.BooleanField(default=False)
    managed = peewee.BooleanField(default=False)
    capabilities = Json(default=dict)
    storage_access_groups = Json(default=list)


class PoolHost(Table):
    """A host to which a pool is attached."""

    id = peewee.BigAutoField()
    pool = Link(StoragePool)
    host_id = peewee.BigIntegerField(index=True)

    class Meta:
        indexes = ((("pool", "host_id"), True),)


class PoolStop(Table):
    """A machine that was stopped for a pool's maintenance, to be started when that ends."""

    id = peewee.BigAutoField()
    pool = Link(StoragePool)
    machine_id = peewee.BigIntegerField()

    class Meta:
        indexes = ((("pool", "machine_id"), True),)


class ImageStore(Record):
    """Secondary storage; `role` is Image, or ImageCache for a staging store. Credentials are sealed in Detail."""

    name = peewee.CharField(255)
    zone = Link(Zone, null=True)
    url = peewee.TextField()
    protocol = peewee.CharField(32)
    provider = peewee.CharField(64)
    scope = peewee.CharField(16, default="ZONE")
    role = peewee.CharField(16, default="Image")
    readonly = peewee.BooleanField(default=False)
    capacity_bytes = peewee.BigIntegerField(default=0)
    used_bytes = peewee.BigIntegerField(default=0)


class Template(Owned):
    """A template or, with format ISO, an ISO image.

    `template_type` is USER, SYSTEM, ROUTING, BUILTIN, PERHOST or VNF.
    """

    name = peewee.CharField(255, index=True)
    unique_name = peewee.CharField(255)
    display_text = peewee.CharField(4096, null=True)
    url = peewee.TextField(null=True)
    format = peewee.CharField(16)
    hypervisor_type = peewee.CharField(32, null=True)
    template_type = peewee.CharField(16, default="USER")
    guest_os = Link(GuestOs, null=True)
    bits = peewee.IntegerField(default=64)
    bootable = peewee.BooleanField(default=True)
    is_public = peewee.BooleanField(default=False)
    featured = peewee.BooleanField(default=False)
    extractable = peewee.BooleanField(default=False)
    cross_zones = peewee.BooleanField(default=False)
    password_enabled = peewee.BooleanField(default=False)
    ssh_key_enabled = peewee.BooleanField(default=False)
    requires_hvm = peewee.BooleanField(default=True)
    dynamically_scalable = peewee.BooleanField(default=False)
    direct_download = peewee.BooleanField(default=False)
    deploy_as_is = peewee.BooleanField(default=False)
    for_cks = peewee.BooleanField(default=False)
    checksum = peewee.CharField(255, null=True)
    template_tag = peewee.CharField(255, null=True)
    arch = peewee.CharField(16, default="x86_64")
    size = peewee.BigIntegerField(null=True)
    state = peewee.CharField(16, default="Active")
    source_template_id = peewee.BigIntegerField(null=True)
    parent_template_id = peewee.BigIntegerField(null=True)
    user_data_id = peewee.BigIntegerField(null=True)
    user_data_policy = peewee.CharField(16, null=True)
    sort_key = peewee.IntegerField(default=0)


class TemplateZone(Table):
    id = peewee.BigAutoField()
    template = Link(Template)
    zone = Link(Zone)
    created = Moment()
    removed = Moment(null=True)


class TemplateStore(Table):
    """A template (or ISO) on an image store: its download and its copy there."""

    id = peewee.BigAutoField()
    template = Link(Template)
    image_store = Link(ImageStore)
    state = peewee.CharField(32, default="Allocated")
    download_state = peewee.CharField(32, default="NOT_DOWNLOADED")
    download_percent = peewee.IntegerField(default=0)
    error_text = peewee.CharField(512, null=True)
    install_path = peewee.CharField(255, null=True)
    size = peewee.BigIntegerField(default=0)
    physical_size = peewee.BigIntegerField(default=0)
    download_url = peewee.TextField(null=True)
    request_id = peewee.CharField(96, null=True)
    counted_bytes = peewee.BigIntegerField(default=0)
    download_link = peewee.CharField(64, null=True)
    download_url_created = Moment(null=True)
    created = Moment()
    updated = Moment(null=True)

    class Meta:
        indexes = ((("template", "image_store"), True),)


class StoredLink(Table):
    """A link by which a file of an image store can be fetched until it is too old."""

    id = peewee.BigAutoField()
    image_store = Link(ImageStore)
    link = peewee.CharField(64, unique=True)
    url = peewee.TextField()
    created = Moment(index=True)


class TemplatePool(Table):
    """A template's copy on a primary storage pool, from which Instances are cloned."""

    id = peewee.BigAutoField()
    template = Link(Template)
    pool = Link(StoragePool)
    state = peewee.CharField(32, default="Allocated")
    download_state = peewee.CharField(32, default="NOT_DOWNLOADED")
    install_path = peewee.CharField(255, null=True)
    size = peewee.BigIntegerField(default=0)
    marked_for_gc = peewee.BooleanField(default=False)

    class Meta:
        indexes = ((("template", "pool"), True),)


class LaunchPermission(Table):
    """An account that may use a private template."""

    id = peewee.BigAutoField()
    template = Link(Template)
    account_id = peewee.BigIntegerField(index=True)

    class Meta:
        indexes = ((("template", "account_id"), True),)


class Volume(Owned):
    """A disk; `size` in bytes, `kind` ROOT or DATADISK; `device_id` its place on the Instance `vm_id`."""

    name = peewee.CharField(255)
    zone = Link(Zone)
    pod_id = peewee.BigIntegerField(null=True)
    pool = Link(StoragePool, null=True)
    last_pool_id = peewee.BigIntegerField(null=True)
    vm_id = peewee.BigIntegerField(null=True, index=True)
    device_id = peewee.IntegerField(null=True)
    disk_offering = Link(DiskOffering)
    template = Link(Template, null=True)
    iso_id = peewee.BigIntegerField(null=True)
    snapshot_id = peewee.BigIntegerField(null=True)
    kind = peewee.CharField(16, default="DATADISK")
    size = peewee.BigIntegerField(default=0)
    path = peewee.CharField(255, null=True)
    format = peewee.CharField(16, null=True)
    state = peewee.CharField(32, default="Allocated", index=True)
    hypervisor_type = peewee.CharField(32, null=True)
    provisioning_type = peewee.CharField(16, default="thin")
    min_iops = peewee.BigIntegerField(null=True)
    max_iops = peewee.BigIntegerField(null=True)
    attached = Moment(null=True)
    destroyed = Moment(null=True)
    recreatable = peewee.BooleanField(default=False)
    display = peewee.BooleanField(default=True)
    delete_protection = peewee.BooleanField(default=False)
    chain_info = peewee.TextField(null=True)
    external_uuid = peewee.CharField(64, null=True)
    encrypt_format = peewee.CharField(16, null=True)
    generation = peewee.BigIntegerField(default=0)


class VolumeStatistics(Table):
    """What hosts reported of a volume last: bytes that it takes up and its size; reads and writes since the start."""

    volume_id = peewee.BigIntegerField(primary_key=True)
    physical_size = peewee.BigIntegerField(default=0)
    virtual_size = peewee.BigIntegerField(default=0)
    read_bytes = peewee.BigIntegerField(default=0)
    write_bytes = peewee.BigIntegerField(default=0)
    reads = peewee.BigIntegerField(default=0)
    writes = peewee.BigIntegerField(default=0)
    sampled = Moment()


class VolumeSample(Table):
    """What an Instance has read from and written to a volume since its host was asked before.

    Kept where `vm.disk.stats.retention.enabled` says so, for the time of `vm.disk.stats.max.retention.time`.
    """

    id = peewee.BigAutoField()
    volume_id = peewee.BigIntegerField()
    read_bytes = peewee.BigIntegerField()
    write_bytes = peewee.BigIntegerField()
    reads = peewee.BigIntegerField()
    writes = peewee.BigIntegerField()
    sampled = Moment(index=True)

    class Meta:
        indexes = ((("volume_id", "sampled"), False),)


class VolumeStore(Table):
    """A volume on an image store: an upload, or an extracted copy with its link.

    `counted_bytes` is what it counts to its owner's secondary storage; `link` names the link that `download_url` is.
    """

    id = peewee.BigAutoField()
    volume = Link(Volume)
    image_store = Link(ImageStore)
    state = peewee.CharField(32, default="Allocated")
    download_state = peewee.CharField(32, default="NOT_DOWNLOADED")
    download_percent = peewee.IntegerField(default=0)
    error_text = peewee.CharField(512, null=True)
    install_path = peewee.CharField(255, null=True)
    url = peewee.TextField(null=True)
    checksum = peewee.CharField(255, null=True)
    size = peewee.BigIntegerField(default=0)
    physical_size = peewee.BigIntegerField(default=0)
    download_url = peewee.TextField(null=True)
    download_url_created = Moment(null=True)
    link = peewee.CharField(64, null=True)
    counted_bytes = peewee.BigIntegerField(default=0)
    request_id = peewee.CharField(96, null=True)
    created = Moment()


class SnapshotPolicy(Owned):
    """When snapshots of a volume are taken by the clock, and how many are kept; one for each interval.

    `interval_type` is HOURLY, DAILY, WEEKLY or MONTHLY, `schedule` in CloudStack's form, such as `MM:HH`.
    """

    volume = Link(Volume)
    interval_type = peewee.CharField(16)
    schedule = peewee.CharField(64)
    timezone = peewee.CharField(64)
    maximum = peewee.IntegerField()
    display = peewee.BooleanField(default=True)
    next_run = Moment(null=True)

    class Meta:
        indexes = ((("volume", "interval_type"), False),)


class Snapshot(Owned):
    """A volume as it was; `kind` is MANUAL or the interval of a policy.

    It lies on the volume's pool (`pool_id`, `primary_path`) and, once it was backed up, on an image store as well.
    `counted_bytes` is what it counts to its owner's secondary storage (`on_secondary`) or else primary storage.
    """

    name = peewee.CharField(255)
    volume = Link(Volume)
    zone = Link(Zone)
    disk_offering_id = peewee.BigIntegerField(null=True)
    state = peewee.CharField(32, default="Allocated")
    kind = peewee.CharField(16, default="MANUAL")
    location = peewee.CharField(16, default="SECONDARY")
    size = peewee.BigIntegerField(default=0)
    physical_size = peewee.BigIntegerField(default=0)
    parent_id = peewee.BigIntegerField(null=True)
    policy_id = peewee.BigIntegerField(null=True)
    hypervisor_type = peewee.CharField(32, null=True)
    pool_id = peewee.BigIntegerField(null=True)
    image_store_id = peewee.BigIntegerField(null=True)
    primary_path = peewee.CharField(255, null=True)
    secondary_path = peewee.CharField(255, null=True)
    min_iops = peewee.BigIntegerField(null=True)
    max_iops = peewee.BigIntegerField(null=True)
    counted_bytes = peewee.BigIntegerField(default=0)
    on_secondary = peewee.BooleanField(default=True)
    async_backup = peewee.BooleanField(default=False)
