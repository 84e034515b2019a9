"""The disks of machines: allocated with the machine, made on a pool when it first starts, given to hosts as specs.

This is what other areas call; `place` chooses pools, `removal` takes volumes away again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import Snapshot, StoragePool, Template, Volume
from cloudapi.placement.demand import VolumeDemand
from cloudapi.services import detail
from cloudapi.services.account import limit
from cloudapi.services.capacity import capacity
from cloudapi.services.host import agent
from cloudapi.services.volume import place, removal
from cloudapi.states.base import transition

ROOT, DATADISK = "ROOT", "DATADISK"
FORMATS = {"XenServer": "VHD", "VMware": "OVA"}
UPLOADS = frozenset({"NotUploaded", "UploadInProgress", "UploadOp", "Uploaded", "UploadError", "UploadAbandoned",
                     "Copying"})
RATES = ("bytes_read_rate", "bytes_write_rate", "iops_read_rate", "iops_write_rate")

choose_pool = place.take
remove = removal.remove


def allocate(context: Context, owner: Account, *, zone: Zone, kind: str, name: str, offering: DiskOffering,
             size: int | None = None, template: Template | None = None, machine: Machine | None = None,
             device_id: int | None = None, min_iops: int | None = None, max_iops: int | None = None,
             snapshot: Snapshot | None = None, display: bool = True, uuid: str | None = None) -> Volume:
    """Write a volume in state Allocated, without a pool, and count it. Within the caller's transaction.

    :param kind: ROOT or DATADISK.
    :param size: bytes; where it is None, the offering's. A root disk is never less than its template.
    :param template: what a root disk is made from; with an ISO the disk stays blank and remembers the ISO.
    :param machine: the machine that it belongs to from the start; volumes of system VMs and routers count nowhere.
    :param device_id: its place; where it is None, 0 for a root disk and the next free one of the machine for others.
    :param min_iops: where it is None, the offering's; `max_iops` likewise.
    :raises ResourceLimitExceeded: the owner's limit of volumes or of primary storage.
    """
    iso = template is not None and template.format == "ISO"
    wanted = int(size if size is not None else offering.disk_size)
    if template is not None and not iso:
        wanted = max(wanted, template.size or 0)
    hypervisor = machine.hypervisor_type if machine is not None else None
    values: dict[str, Any] = {} if uuid is None else {"uuid": uuid}
    volume = Volume.create(
        **values, account_id=owner.id, domain_id=owner.domain_id, name=name, zone=zone.id, kind=kind, size=wanted,
        vm_id=None if machine is None else machine.id, device_id=_device(machine, kind, device_id),
        disk_offering=offering.id, template=None if template is None or iso else template.id,
        iso_id=template.id if template is not None and iso else None,
        snapshot_id=None if snapshot is None else snapshot.id, format=FORMATS.get(hypervisor or "", "QCOW2"),
        hypervisor_type=hypervisor, provisioning_type=offering.provisioning_type,
        min_iops=offering.min_iops if min_iops is None else min_iops,
        max_iops=offering.max_iops if max_iops is None else max_iops, attached=None if machine is None else now(),
        recreatable=machine is not None and kind == ROOT and machine.kind != "User", display=display)
    count(context, volume, owner=owner)
    return volume


def _device(machine: Machine | None, kind: str, device_id: int | None) -> int | None:
    if device_id is not None or machine is None:
        return device_id
    return 0 if kind == ROOT else next_device(machine)


def next_device(machine: Machine) -> int:
    """Return the lowest free place for a data disk; 0 is the root's and 3 the ISO drive's."""
    used = {volume.device_id for volume in of_machine(machine)}
    return next(number for number in range(1, len(used) + 3) if number not in used and number != 3)


def of_machine(machine: Machine, *states: str) -> list[Volume]:
    """Return the volumes of a machine by their places, those in these states where any are named."""
    where = [Volume.vm_id == machine.id]
    where += [Volume.state.in_(states)] if states else [Volume.state.not_in(("Destroy", "Expunging", "Expunged"))]
    return list(Volume.alive(*where).order_by(Volume.device_id, Volume.id))


def counted(volume: Volume) -> bool:
    """Whether the volume counts to its owner's resources: shown, and no disk of a system VM or router."""
    if not volume.display:
        return False
    return volume.vm_id is None or Machine.get_by_id(volume.vm_id).kind == "User"


def count(context: Context, volume: Volume, *, owner: Account | None = None, size: int | None = None) -> None:
    """Count a volume, or `size` bytes more of one that is counted already."""
    if not counted(volume):
        return
    account = owner or owner_of(volume)
    tags = tags_of(context, volume)
    if size is None:
        limit.take_all(context, account, {"volume": 1, "primary_storage": primary_bytes(volume)}, tags=tags)
    else:
        limit.take(context, account, "primary_storage", size, tags=tags)


def owner_of(volume: Volume) -> Account:
    return Account.get_by_id(volume.account_id)


def primary_bytes(volume: Volume) -> int:
    """Return what a volume counts to primary storage: nothing while it is an upload."""
    return 0 if volume.state in UPLOADS else int(volume.size)


def tags_of(context: Context, volume: Volume) -> list[str]:
    """Return the limit tags under which the volume counts as well."""
    return limit.storage_tags(context, DiskOffering.get_by_id(volume.disk_offering_id).tags)


def uncount(context: Context, volume: Volume, *, size: int | None = None) -> None:
    """Count a volume no longer, or `size` bytes of it."""
    if not counted(volume):
        return
    account = owner_of(volume)
    tags = tags_of(context, volume)
    if size is None:
        limit.give_back(account, "volume", 1, tags=tags)
    limit.give_back(account, "primary_storage", primary_bytes(volume) if size is None else size, tags=tags)


def change_offering(context: Context, volume: Volume, offering: DiskOffering) -> None:
    """Give a volume another disk offering, whose tags may count elsewhere. Within a transaction."""
    uncount(context, volume)
    volume.disk_offering_id = offering.id
    count(context, volume)
    Volume.update(disk_offering=offering.id, provisioning_type=offering.provisioning_type).where(
        Volume.id == volume.id).execute()


def demands(machine: Machine) -> tuple[VolumeDemand, ...]:
    """Return what the machine's volumes need of a place."""
    return tuple(place.demand(volume) for volume in of_machine(machine))


def prepare(context: Context, machine: Machine, host: Host,
            pools: Mapping[int, int] | None = None) -> list[dict[str, Any]]:
    """Make the machine's volumes ready for a host: those in state Allocated are made on a pool that the host has.

    In steps; where the job fails later, what was made here is deleted again and its capacity given back.

    :param pools: the pools that placement chose, by volume id; without it they are chosen here.
    :returns: the `DiskSpec` of each volume, by their places.
    :raises InsufficientCapacity: no pool of the host's has room.
    :raises ResourceUnavailable: a volume lies where the host does not reach, or is in the middle of something.
    """
    chosen: dict[str, int] = context.steps.run(
        f"reserve storage for {machine.uuid}", lambda: _reserve(context, machine, host, pools or {}), undo=_let_go)
    for volume_id, pool_id in chosen.items():
        make(context, Volume.get_by_id(int(volume_id)), StoragePool.get_by_id(pool_id), host)
    return specs(context, machine)


def _reserve(context: Context, machine: Machine, host: Host, pools: Mapping[int, int]) -> dict[str, int]:
    chosen = {}
    for volume in of_machine(machine):
        if volume.state == "Allocated":
            named = StoragePool.get_by_id(pools[volume.id]) if volume.id in pools else None
            chosen[str(volume.id)] = reserve(context, volume, host=host, pool=named)
        elif volume.state != "Ready":
            raise ResourceUnavailable(f"Volume {volume.uuid} is in state {volume.state}: the machine cannot use it now")
        elif not place.reaches(host, StoragePool.get_by_id(volume.pool_id)):
            raise ResourceUnavailable(f"Volume {volume.uuid} lies on a storage pool that the host does not reach")
    return chosen


def reserve(context: Context, volume: Volume, *, host: Host | None = None, pool: StoragePool | None = None,
            hypervisor: str | None = None) -> int:
    """Choose the pool of an Allocated volume and begin to make it there. Within a transaction. Returns its id."""
    found = place.take(context, volume, host=host, pool=pool, hypervisor=hypervisor)
    transition(volume, "CreateRequested", pool=found.id, pod_id=found.pod_id,
               hypervisor_type=volume.hypervisor_type or (host.hypervisor_type if host else found.hypervisor_type))
    return int(found.id)


def _let_go(chosen: dict[str, int]) -> None:
    for volume_id in chosen:
        let_go(int(volume_id))


def let_go(volume_id: int) -> None:
    """Undo `reserve`: the volume is Allocated again, without a pool."""
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Creating":
        capacity.give_back_pool(volume.pool, volume.size, volume.min_iops or 0)
        transition(volume, "OperationFailed", pool=None, pod_id=None, path=None)


def make(context: Context, volume: Volume, pool: StoragePool, host: Host) -> None:
    """Make a reserved volume on its pool through the host; its template is copied there first. In steps."""
    from cloudapi.services.template import image

    source = None
    if volume.template_id is not None:
        template = Template.get_by_id(volume.template_id)
        image.prepare_on_pool(context, template, pool, host)
        source = {"kind": "template", "id": template.uuid, "pool": pool.uuid}
    arguments = {"volume": spec_of_new(volume, pool), "source": source}
    report = context.steps.remote(
        f"make volume {volume.uuid}", lambda request_id: made(context, host, "volume.create", arguments, request_id),
        undo=lambda _: unmake(context, volume, pool), undo_attempt=lambda: unmake(context, volume, pool))
    context.steps.run(f"finish volume {volume.uuid}", lambda: finish(context, volume.id, report),
                      undo=lambda _: unfinish(volume.id))


def spec_of_new(volume: Volume, pool: StoragePool) -> dict[str, Any]:
    """Return agents' `VolumeSpec`."""
    return {"id": volume.uuid, "pool": pool.uuid, "size_bytes": volume.size, "format": volume.format or "QCOW2",
            "provisioning": volume.provisioning_type, "minimum_iops": volume.min_iops or None,
            "maximum_iops": volume.max_iops or None}


def made(context: Context, host: Host, verb: str, arguments: dict[str, Any], request_id: str,
         timeout: float | None = None) -> dict[str, Any]:
    """Call a verb that makes a volume; one that the host has made already, before an answer was lost, is described."""
    try:
        return agent.call(context, host, verb, arguments, request_id=request_id, timeout=timeout)
    except agent.HostRefused as error:
        if error.reason != "already_exists":
            raise
        new = arguments["volume"]
        return agent.call(context, host, "volume.describe", {"pool": new["pool"], "volume": new["id"]})


def unmake(context: Context, volume: Volume, pool: StoragePool) -> None:
    agent.call(context, place.host_of(context, pool), "volume.delete", {"pool": pool.uuid, "volume": volume.uuid})


def finish(context: Context, volume_id: int, report: Mapping[str, Any]) -> None:
    """The volume is on its pool: Ready, with its path and the size that it really has."""
    volume = Volume.get_by_id(volume_id)
    more = report["size_bytes"] - volume.size
    if more > 0:  # an image turned out to be larger than was said
        count(context, volume, size=more)
        if not capacity.take_pool(volume.pool, more):
            raise InsufficientCapacity(f"Volume {volume.uuid} is {more} bytes larger than its pool has room for")
    transition(volume, "OperationSucceeded", path=report["path"], size=report["size_bytes"], format=report["format"])


def unfinish(volume_id: int) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Ready":
        transition(volume, "CreateRequested", path=None)


def specs(context: Context, machine: Machine) -> list[dict[str, Any]]:
    """Return the `DiskSpec` of each of the machine's volumes that lie on a pool, by their places."""
    details = detail.get(machine)
    return [spec(context, volume, machine, details) for volume in of_machine(machine) if volume.pool_id is not None]


def spec(context: Context, volume: Volume, machine: Machine,
         details: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a volume as agents' `DiskSpec`; rates come from the offering, else from the settings.

    :param details: those of the machine, where the caller has read them already.
    """
    offering = DiskOffering.get_by_id(volume.disk_offering_id)
    controllers = detail.get(machine) if details is None else details
    bus = controllers.get("rootDiskController" if volume.kind == ROOT else "dataDiskController") or ""
    return {"volume": volume.uuid, "pool": StoragePool.get_by_id(volume.pool_id).uuid, "device": volume.device_id or 0,
            "kind": volume.kind, "bus": bus, "cache": offering.cache_mode or "none", **rates(context, offering)}


def rates(context: Context, offering: DiskOffering) -> dict[str, int]:
    given: dict[str, Any] = offering.rates or {}
    return {name: int(given.get(name) or context.settings.get(f"vm.disk.throttling.{name}") or 0) for name in RATES}
