"""The disks of a new Instance: what it boots from, how large its root disk is, its data disks."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, OfferingScope
from cloudapi.models.storage import Template, Volume
from cloudapi.services.virtual_machine.order import DiskOrder, Order
from cloudapi.services.volume import disk
from cloudapi.services.volume import size as sizes

GIB = 1 << 30
ROOT_SIZE_CHOSEN = frozenset({"KVM", "XenServer", "VMware", "Simulator", "Custom"})


def check(context: Context, order: Order) -> None:
    """Refuse an offering, template, volume or disk offering that cannot be used for the Instance.

    :raises InvalidParameter: with the reason.
    """
    offering, template = order.offering, order.template
    if offering.state != "Active":
        raise InvalidParameter(f"Service offering is inactive: [{offering.uuid}].")
    if offering.system_use:
        raise InvalidParameter(f"Unable to use service offering {offering.uuid}: it is one of system VMs")
    sold_in(order, "ServiceOffering", offering.id, f"service offering {offering.uuid}")
    sources = [source for source in (template, order.volume, order.snapshot) if source is not None]
    if not order.blank and len(sources) != 1:
        raise InvalidParameter("Please provide only one of the following parameters - template ID, volume ID or "
                               "snapshot ID: templateid, volumeid, snapshotid")
    if template is not None:
        check_template(template, order)
    if order.volume is not None or order.snapshot is not None:
        _check_source(order)
    if order.root_offering is not None and offering.disk_offering_strictness:
        raise InvalidParameter(f"Cannot override disk offering id {order.root_offering.uuid} since provided service "
                               "offering is strictly mapped to its disk offering")
    for each in order.disks:
        if each.offering.compute_only:
            raise InvalidParameter(f"The disk offering {each.offering.uuid} provided is directly mapped to a service "
                                   "offering, please provide an individual disk offering")
        if each.offering.state != "Active":
            raise InvalidParameter(f"Disk offering is inactive: {each.offering.uuid}")
        sold_in(order, "DiskOffering", each.offering.id, f"disk offering {each.offering.uuid}")
        _check_local(order, each.offering)
    _check_local(order, root_offering(order))


def sold_in(order: Order, kind: str, offering_id: int, named: str) -> None:
    """Refuse an offering that is for sale in other zones only."""
    zones = {row[0] for row in OfferingScope.select(OfferingScope.zone_id).where(
        OfferingScope.offering_type == kind, OfferingScope.offering_id == offering_id,
        OfferingScope.zone_id.is_null(False)).tuples()}
    if zones and order.zone.id not in zones:
        raise InvalidParameter(f"Unable to use {named} in zone {order.zone.uuid}: it is not available there")


def check_template(template: Template, order: Order) -> None:
    from cloudapi.services.template import image

    if template.template_type in ("SYSTEM", "ROUTING"):
        raise InvalidParameter(f"Unable to use system template {template.uuid} to deploy a user vm")
    if not image.ready(template, order.zone):
        raise InvalidParameter(f"The template {template.uuid} is not available for use in zone {order.zone.uuid}")
    if template.format == "ISO" and not template.bootable:
        raise InvalidParameter(f"Installing from ISO requires an ISO that is bootable: {template.uuid}")


def _check_source(order: Order) -> None:
    """An existing volume or snapshot as the root disk."""
    if order.hypervisor not in (None, "KVM") or (order.volume is not None and order.volume.hypervisor_type != "KVM"):
        raise InvalidParameter("Deploying a virtual machine with existing volume/snapshot is supported only from KVM "
                               "hypervisors")
    volume = order.volume
    if volume is None:
        assert order.snapshot is not None
        if order.snapshot.zone_id != order.zone.id:
            raise InvalidParameter(f"The snapshot {order.snapshot.uuid} does not exist on zone {order.zone.uuid}")
        return
    if volume.zone_id != order.zone.id:
        raise InvalidParameter(f"The volume's zone is not the same as the provided zone {order.zone.uuid}")
    if volume.vm_id is not None:
        raise InvalidParameter(f"The volume {volume.uuid} is already attached to a VM")
    if volume.state != "Ready":
        raise InvalidParameter(f"The volume {volume.uuid} is in state {volume.state}, not Ready")


def _check_local(order: Order, offering: DiskOffering) -> None:
    if offering.use_local_storage and not order.zone.local_storage:
        raise InvalidParameter(f"Zone is not configured to use local storage but disk offering {offering.name} uses it")


def root_offering(order: Order) -> DiskOffering:
    """Return the disk offering of the root disk: for an ISO the one that was given with the deployment."""
    if order.root_offering is not None:
        return order.root_offering
    own: DiskOffering = DiskOffering.get_by_id(order.offering.disk_offering_id)
    if order.template is not None and order.template.format == "ISO":
        if order.disks:
            return order.disks[0].offering
        if not own.disk_size and not order.root_size:
            raise InvalidParameter("Installing from ISO requires a disk offering to be specified for the root disk.")
    return own


def root_size(context: Context, order: Order, offering: DiskOffering, hypervisor: str | None) -> int:
    """Return the bytes of the root disk: its offering's where that fixes one, else those asked for or the template's.

    :raises InvalidParameter: a size that is not positive, or less than the template's.
    """
    asked = order.root_size
    if asked is not None:
        if hypervisor not in ROOT_SIZE_CHOSEN:
            raise InvalidParameter(f"Hypervisor {hypervisor} does not support rootdisksize override")
        if asked <= 0:
            raise InvalidParameter("Root disk size should be a positive number: rootdisksize")
    least = 0
    if order.template is not None and order.template.format != "ISO":
        least = order.template.size or 0
    if offering.disk_size:
        return max(int(offering.disk_size), least)
    if asked is None:
        return least
    size = asked * GIB
    sizes.check_maximum(context, size)
    if size < least:
        raise InvalidParameter(f"rootdisksize override ({asked} GB) is smaller than template size "
                               f"({least / GIB:g} GB): rootdisksize")
    return size


def allocate(context: Context, order: Order, machine: Machine) -> None:
    """Write the root disk and the data disks. Within a transaction."""
    disks = list(order.disks)
    if order.volume is not None:
        Volume.update(vm_id=machine.id, device_id=0, kind=disk.ROOT, attached=machine.created).where(
            Volume.id == order.volume.id).execute()
    elif not order.blank:
        from_iso = order.template is not None and order.template.format == "ISO"
        first: DiskOrder | None = None
        if from_iso and disks and order.root_offering is None:
            first = disks.pop(0)
        offering = root_offering(order)
        size = (sizes.data_size(context, first.offering, first.size) if first is not None
                else root_size(context, order, offering, machine.hypervisor_type))
        disk.allocate(context, order.owner, zone=order.zone, kind=disk.ROOT, name=f"ROOT-{machine.id}",
                      offering=offering, size=size, template=order.template, machine=machine,
                      snapshot=order.snapshot, min_iops=_number(order, "minIops"), max_iops=_number(order, "maxIops"))
    taken = {0, 3}
    for number, each in enumerate(disks, 1):
        if each.device_id is not None and each.device_id in taken:
            raise InvalidParameter(f"The device ID {each.device_id} is used twice or reserved: datadisksdetails")
        minimum, maximum = sizes.iops(each.offering, each.min_iops, each.max_iops)
        size = int(each.offering.disk_size) if each.template is not None else sizes.data_size(
            context, each.offering, each.size)
        made = disk.allocate(context, order.owner, zone=order.zone, kind=disk.DATADISK,
                             name=f"DATA-{machine.id}" if number == 1 else f"DATA-{machine.id}-{number}",
                             offering=each.offering, size=size, template=each.template, machine=machine,
                             device_id=each.device_id, min_iops=minimum, max_iops=maximum)
        taken.add(made.device_id)


def _number(order: Order, name: str) -> int | None:
    value = order.details.get(name)
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise InvalidParameter(f"'{name}' must be a whole number: details") from None
