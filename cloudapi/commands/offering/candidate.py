"""Conditions on lists of service offerings: those that an Instance could change to, or that reach some size."""

from __future__ import annotations

from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.infrastructure import Host, HostTag
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement.tag import split

# The details that limit what a deployer may choose of a column.
LIMITS = {"cpu": "cpunumber", "memory": "memory"}


def with_disk(query: Query, column: str, value: object) -> None:
    """Keep offerings whose root disks' offering has this value."""
    query.where(f"t.disk_offering_id IN (SELECT d.id FROM disk_offering d WHERE d.{column} = ?)", value)


def limit(column: str, bound: str) -> str:
    """Return SQL of the limit (`min` or `max`) that an offering sets for the column, as a number or null."""
    return ("(SELECT MAX(CAST(l.value AS DECIMAL)) FROM detail l WHERE l.resource_type = 'ServiceOffering' "
            f"AND l.resource_id = t.id AND l.name = '{bound}{LIMITS[column]}')")


def reaching(query: Query, column: str, wanted: int) -> None:
    """Keep offerings that have so much of the column or more, or where the deployer can choose so much."""
    query.where(f"(t.{column} >= ? OR (t.{column} IS NULL AND ({limit(column, 'max')} IS NULL "
                f"OR {limit(column, 'max')} >= ?)))", wanted, wanted)


def for_machine(context: Context, query: Query, machine: Machine) -> None:
    """Keep offerings to which an Instance could change as it is: its storage, its host's tags, and while it runs
    not less than it has.
    """
    present = ServiceOffering.get_by_id(machine.service_offering_id)
    disk = DiskOffering.get_by_id(present.disk_offering_id)
    if present.cpu and present.speed and present.memory:
        query.where("t.id <> ?", present.id)
    if present.disk_offering_strictness:
        query.equals("disk_offering_id", present.disk_offering_id)
    query.equals("disk_offering_strictness", bool(present.disk_offering_strictness))
    with_disk(query, "use_local_storage", _on_local_storage(machine, disk))
    with_disk(query, "state", "Active")
    if context.settings.get("match.storage.pool.tags.with.disk.offering"):
        wanted = set(split(disk.tags))
        if wanted:
            query.among("disk_offering_id", [row.id for row in DiskOffering.select(
                DiskOffering.id, DiskOffering.tags).where(DiskOffering.tags != "") if wanted <= set(split(row.tags))])
    if machine.state == "Running":
        reaching(query, "cpu", machine.cpu)
        reaching(query, "memory", machine.memory)
        query.where("(t.speed IS NULL OR t.speed >= ?)", machine.speed)
        query.equals("dynamic_scaling", bool(present.dynamic_scaling))
    _with_host_tags(context, query, machine, present)


def _on_local_storage(machine: Machine, disk: DiskOffering) -> bool:
    """Whether the root volume lies on its host; where it has no place yet, whether it is to."""
    volume = Volume.alive(Volume.vm_id == machine.id, Volume.kind == "ROOT").first()
    if volume is None or volume.pool_id is None:
        return bool(disk.use_local_storage)
    return bool(StoragePool.get_by_id(volume.pool_id).scope == "HOST")


def _with_host_tags(context: Context, query: Query, machine: Machine, present: ServiceOffering) -> None:
    """Keep untagged offerings and those with a tag of the present one, or of the cluster where the setting says so."""
    tags = set(split(present.host_tag))
    host = Host.get_or_none(Host.id == (machine.host_id or machine.last_host_id))
    if host is not None and context.settings.get("allow.different.host.tags.offerings.for.vm.scale"):
        tags |= {row.tag for row in HostTag.select(HostTag.tag).join(Host, on=(HostTag.host == Host.id)).where(
            Host.cluster == host.cluster_id)}
    with_tags(query, tags)


def with_tags(query: Query, tags: set[str]) -> None:
    """Keep offerings without host tags and those with one of these; all where there are none."""
    if tags:
        query.among("id", [row.id for row in ServiceOffering.select(ServiceOffering.id, ServiceOffering.host_tag)
                           if not row.host_tag or tags & set(split(row.host_tag))])
