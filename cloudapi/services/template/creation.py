"""Private templates made of a volume or a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied, UnsupportedAction
from cloudapi.models.common import Detail
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import ImageStore, Snapshot, StoragePool, Template, TemplateStore, TemplateZone, Volume
from cloudapi.services import detail
from cloudapi.services.account import limit
from cloudapi.services.host import agent
from cloudapi.services.storage import pool as pools
from cloudapi.services.storage import store as stores
from cloudapi.services.storage import transfer
from cloudapi.services.template import deletion, download, registration, stock
from cloudapi.states.base import transition

# What hypervisors write volumes as, where the volume itself does not say.
WRITES = {"KVM": "QCOW2", "XenServer": "VHD", "VMware": "OVA", "Hyperv": "VHD", "LXC": "RAW"}
# Passwords are made anew for Instances of the new template.
LEFT_OUT = ("Encrypted.Password", "password")


def allot(context: Context, owner: Account, image: registration.Image, volume: Volume | None,
          snapshot: Snapshot | None, zone: Zone | None) -> Template:
    """Write a template that is to be made. Within a transaction.

    :param image: its name and flags; format, hypervisor and zone come from the source.
    :raises InvalidParameter: not exactly one source, or one that cannot be used now.
    """
    if zone is not None and snapshot is None:
        raise InvalidParameter("Failed to create private template record, zone ID can only be specified together with "
                               "snapshot ID: zoneid, snapshotid")
    if volume is None and snapshot is None:
        raise InvalidParameter("Failed to create private Template record, neither volume ID nor Snapshot ID were "
                               "specified: volumeid, snapshotid")
    if volume is not None and snapshot is not None:
        raise InvalidParameter("Failed to create private Template record, please specify only one of volumeid and "
                               "snapshotid")
    if snapshot is not None:
        _check_snapshot(snapshot, zone)
        origin = Volume.get_by_id(snapshot.volume_id)
    else:
        assert volume is not None
        _check_volume(volume)
        origin = volume
    if DiskOffering.get_by_id(origin.disk_offering_id).encrypt:
        raise UnsupportedAction("Cannot create Templates from encrypted volumes")
    place = zone or Zone.get_by_id(snapshot.zone_id if snapshot is not None else origin.zone_id)
    return _write(context, owner, image, origin, snapshot, place)


def _check_volume(volume: Volume) -> None:
    machine = Machine.get_or_none(Machine.id == volume.vm_id) if volume.vm_id else None
    if machine is not None and machine.state not in ("Stopped", "Destroyed"):
        raise InternalError(f"Unable to create private Template for volume: {volume.uuid}; volume is attached to a "
                            "non-stopped Instance, please stop the Instance first")
    if volume.state != "Ready" or volume.pool_id is None:
        raise InvalidParameter(f"volumeid: volume {volume.uuid} is in state {volume.state}; it must be Ready")


def _check_snapshot(snapshot: Snapshot, zone: Zone | None) -> None:
    if snapshot.state != "BackedUp":
        raise InvalidParameter(f"Snapshot {snapshot.uuid} is not in BackedUp state yet and can't be used for Template "
                               "creation")
    if zone is not None and zone.kind == "Edge":
        raise InvalidParameter("Failed to create private template record, Edge zones do not support template creation "
                               "from snapshots")


def _write(context: Context, owner: Account, image: registration.Image, origin: Volume, snapshot: Snapshot | None,
           zone: Zone) -> Template:
    hypervisor = origin.hypervisor_type or (StoragePool.get_by_id(origin.pool_id).hypervisor_type
                                            if origin.pool_id else None)
    source = Template.get_or_none(Template.id == origin.template_id) if origin.template_id else None
    size = snapshot.size if snapshot is not None else origin.size
    full = replace(
        image, zones=[zone], hypervisor=hypervisor, format=origin.format or WRITES.get(hypervisor or "", "QCOW2"),
        arch=source.arch if source is not None else image.arch,
        extractable=bool(source is not None and source.extractable and source.template_type != "SYSTEM"),
        details={**_inherited(origin, source), **image.details})
    template = registration.write(context, owner, full)
    template.source_template_id = origin.iso_id or origin.template_id
    Template.update(size=size, source_template_id=template.source_template_id).where(
        Template.id == template.id).execute()
    stock.join_zone(template, zone)
    targets = stores.writable(context, zone, size)
    if not targets:
        raise InternalError(f"cannot find an image store for zone {zone.uuid} that has room for the template")
    limit.take(context, owner, "secondary_storage", size)
    copy = download.allot(template, targets[0])
    TemplateStore.update(counted_bytes=size).where(TemplateStore.id == copy.id).execute()
    return template


def _inherited(origin: Volume, source: Template | None) -> Mapping[str, str]:
    """Return the details of the source's own template and, over them, of the Instance that the volume is part of."""
    found: dict[str, str] = {} if source is None else detail.get(source)
    if origin.vm_id is not None:
        found.update({row.name: row.value for row in Detail.select().where(
            Detail.resource_type == "Machine", Detail.resource_id == origin.vm_id, Detail.display == True,  # noqa: E712
            Detail.value.is_null(False))})
    return {name: value for name, value in found.items() if name not in LEFT_OUT}


def make(context: Context, template: Template, volume: Volume | None, snapshot: Snapshot | None) -> TemplateZone:
    """Copy the volume or snapshot to secondary storage; a job's work. Where it fails, the template is gone again."""
    copy = TemplateStore.get(TemplateStore.template == template.id)
    context.steps.run("begin", lambda: _begin(copy.id), undo=lambda _: deletion.forget(context, template.id))
    store = ImageStore.get_by_id(copy.image_store_id)

    def clear(*_: Any) -> None:
        stores.call(context, store, "secondary.delete", {"path": copy.install_path})

    report = context.steps.remote("copy", lambda request_id: _bring(context, template, copy, store, volume, snapshot,
                                                                    request_id), undo=clear, undo_attempt=clear)
    context.steps.run("end", lambda: download.arrived(context, copy.id, report))
    return TemplateZone.get(TemplateZone.template == template.id)


def _begin(copy_id: int) -> None:
    transition(TemplateStore.get_by_id(copy_id), "CreateOnlyRequested", download_state="DOWNLOAD_IN_PROGRESS")


def _bring(context: Context, template: Template, copy: TemplateStore, store: ImageStore, volume: Volume | None,
           snapshot: Snapshot | None, request_id: str) -> dict[str, Any]:
    if snapshot is not None and snapshot.image_store_id is not None:
        wait = float(context.settings.get("create.private.template.from.snapshot.wait"))
        return transfer.copy(context, ImageStore.get_by_id(snapshot.image_store_id), snapshot.secondary_path, store,
                             copy.install_path, copy.request_id, request_id, wait)
    origin = volume if volume is not None else Volume.get_by_id(snapshot.volume_id if snapshot is not None else None)
    pool = StoragePool.get_by_id(origin.pool_id)
    name = "snapshot" if snapshot is not None else "volume"
    return agent.call(context, pools.host_for(pool), "volume.copy_to_secondary", {
        "pool": pool.uuid, "volume": origin.uuid, "store": stores.reference(store), "path": copy.install_path,
        "format": template.format, "snapshot": snapshot.uuid if snapshot is not None else None},
        request_id=request_id, timeout=float(context.settings.get(f"create.private.template.from.{name}.wait")))


def check_bare_metal(context: Context, machine: Machine | None, url: str | None) -> None:
    """Refuse the parameters by which a template is made of a physical machine."""
    if machine is not None or url is not None:
        if not context.caller.is_admin:
            raise PermissionDenied("virtualmachineid and url are for administrators")
        raise UnsupportedAction("virtualmachineid and url make a template of a bare-metal machine: this hypervisor is "
                                "not managed here")
