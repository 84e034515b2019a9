"""What the API shows of a primary storage pool."""

from __future__ import annotations

import re
from typing import Any

from cloudapi.api.view import Batch, Column, Computed, Page, View
from cloudapi.models.database import rows
from cloudapi.models.storage import StoragePool
from cloudapi.services.capacity.capacity import OVERPROVISIONED_POOLS
from cloudapi.views.common import DetailMap, by_resource
from cloudapi.views.zone.place import HasAnnotations

SECRET = re.compile(r"(?i)(password|passwd|secret)=[^&,]*")
# What the only primary storage driver can do with snapshots.
CAPABILITIES = {"VOLUME_SNAPSHOT_QUIESCEVM": "false"}


def without_secrets(text: str) -> str:
    """Return a path or URL without the credentials that SMB shares carry in it."""
    return SECRET.sub("", text)


def load_allocated(page: Page) -> dict[int, int]:
    """Return the bytes given of each pool."""
    marks = ",".join("?" * len(page.ids))
    return {pool_id: int(used) for pool_id, used in rows(
        f"SELECT pool_id, SUM(used + reserved) FROM capacity WHERE pool_id IN ({marks}) GROUP BY pool_id", page.ids)}


def load_factors(page: Page) -> dict[int, str]:
    """Return how many times its size each pool may promise."""
    kinds = page.values("pool_type")
    return {pool_id: str(float(page.context.settings.get("storage.overprovisioning.factor", pool=pool_id)))
            if kinds[pool_id] in OVERPROVISIONED_POOLS else "1" for pool_id in page.ids}


def load_allocated_iops(page: Page) -> dict[int, int]:
    """Return the guaranteed operations a second of the volumes on pools that manage them."""
    marks = ",".join("?" * len(page.ids))
    found = {pool_id: int(total or 0) for pool_id, total in rows(
        f"SELECT pool_id, SUM(min_iops) FROM volume WHERE pool_id IN ({marks}) AND removed IS NULL GROUP BY pool_id",
        page.ids)}
    return {pool_id: found.get(pool_id, 0) for pool_id, managed in page.values("managed").items() if managed}


def load_custom_statistics(page: Page) -> dict[int, dict[str, str]]:
    """Return what managed pools count beside bytes, where the caller asks for it."""
    if not getattr(page.arguments, "storagecustomstats", False):
        return {}
    managed = page.values("managed")
    return {pool_id: {"volumes": str(count)} for pool_id, count in rows(
        f"SELECT pool_id, COUNT(*) FROM volume WHERE pool_id IN ({','.join('?' * len(page.ids))}) "
        "AND removed IS NULL GROUP BY pool_id", page.ids) if managed[pool_id]}


def load_mount_options(page: Page) -> dict[int, str]:
    return {pool_id: value
            for pool_id, name, value in by_resource(page, "detail", "StoragePool", page.ids, "name, value")
            if name == "nfsmountopts" and value}


def load_suitable(page: Page) -> dict[int, bool]:
    """Return which pools a volume may migrate to, where that is what was asked."""
    suitable = getattr(page.arguments, "suitable", None)
    return {} if suitable is None else {pool_id: pool_id in suitable for pool_id in page.ids}


def joined(groups: list[Any]) -> str | None:
    return ",".join(groups) or None


class StoragePoolView(View):
    record, name = StoragePool, "storagepool"

    hasannotations = HasAnnotations()
    id = Column("uuid", "ID of the pool")
    name_ = Column("name", "name of the pool")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone")
    podid = Column("pod.uuid", "ID of its pod")
    podname = Column("pod.name", "name of its pod")
    clusterid = Column("cluster.uuid", "ID of its cluster")
    clustername = Column("cluster.name", "name of its cluster")
    ipaddress = Column("host_address", "host that serves it")
    path = Column("path", "path on that host", convert=without_secrets)
    created = Column("created", "when it was added", type="date")
    type = Column("pool_type", "kind of pool, such as NetworkFilesystem")
    state = Column("state", "Up, Disabled, Maintenance …")
    scope = Column("scope", "ZONE, CLUSTER or HOST")
    hypervisor = Column("hypervisor_type", "hypervisor of its hosts")
    provider = Column("provider", "storage provider")
    capacitybytes = Column("capacity_bytes", "size in bytes", since="4.22.0")
    disksizetotal = Column("capacity_bytes", "size in bytes")
    disksizeallocated = Batch(load_allocated, "bytes given to volumes and templates", default=0, type="long")
    disksizeused = Column("used_bytes", "bytes taken up now")
    capacityiops = Column("capacity_iops", "operations a second that it can do")
    allocatediops = Batch(load_allocated_iops, "operations a second that are promised", needs=("managed",),
                          type="long")
    usediops = Column("used_iops", "operations a second now", since="4.20.1")
    storagecustomstats = Batch(load_custom_statistics, "what managed storage counts beside", needs=("managed",),
                               type="map", since="4.18.1")
    overprovisionfactor = Batch(load_factors, "times its size that it may promise", needs=("pool_type",), type="string",
                                since="4.4")
    tags = Column("tags", "its storage tags")
    istagarule = Column("is_tag_a_rule", "whether the tag is a rule")
    storageaccessgroups = Column("storage_access_groups", "its storage access groups", convert=joined, type="string",
                                 since="4.21.0")
    nfsmountopts = Batch(load_mount_options, "NFS mount options", type="string", since="4.19.1")
    suitableformigration = Batch(load_suitable, "whether the volume asked about may migrate to it", type="boolean")
    storagecapabilities = Computed(lambda known: {**CAPABILITIES, **(known or {})}, "capabilities",
                                   help="what its driver can do", type="map")
    managed = Column("managed", "whether the storage manages its volumes one by one")
    details = DetailMap("StoragePool", "its details")
