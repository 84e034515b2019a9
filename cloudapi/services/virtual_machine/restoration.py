"""A new root disk for an Instance, from its template or another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering, ServiceOffering
from cloudapi.models.storage import Template, Volume
from cloudapi.placement import deployment as placement
from cloudapi.placement.demand import Plan
from cloudapi.services.template import image
from cloudapi.services.virtual_machine import demand, deployment, life, password
from cloudapi.services.volume import disk, removal
from cloudapi.services.volume import size as sizes

GIB = 1 << 30


def restore(context: Context, machine: Machine, *, template: Template | None = None,
            offering: DiskOffering | None = None, root_gib: int | None = None,
            details: Mapping[str, str] | None = None, expunge: bool = False) -> dict[str, Any]:
    """Give an Instance a fresh root disk; one that runs is stopped and started again. In steps.

    :param expunge: remove the old disk for good; else it stays, detached and destroyed, and can be recovered.
    :returns: `password`, where the guest gets a new one.
    :raises InvalidParameter: the template, the offering or the size does not do.
    :raises InsufficientCapacity: no host fits the machine with the new template; nothing has changed then.
    """
    planned: dict[str, Any] = context.steps.run(
        f"check restoring {machine.uuid}", lambda: check(context, machine.id, template, offering, root_gib, details))
    if planned["running"]:
        life.stop(context, life.again(machine))
    done: dict[str, Any] = context.steps.run(
        f"new root disk of {machine.uuid}", lambda: _replace(context, machine.id, planned))
    context.steps.settle()
    if expunge and done["old"] is not None:
        disk.remove(context, Volume.get_by_id(done["old"]))
    if planned["running"]:
        try:
            life.start(context, life.again(machine), plan=Plan(last_host_id=life.again(machine).last_host_id))
        except InsufficientCapacity as error:
            error.text = f"Unable to create a deployment for {machine.instance_name}: {error.text}"
            raise
    return {"password": password.plain(context, life.again(machine))} if done["password"] else {}


def reboot(context: Context, machine: Machine, forced: bool = False) -> dict[str, Any]:
    """Restart a running Instance; one of a volatile offering gets a fresh root disk. In steps.

    :param forced: by a stop and a start, which a fresh disk needs in any case.
    :returns: `password`, where the guest gets a new one with its disk.
    :raises InvalidParameter: it does not run.
    """
    def discards() -> bool:
        found = life.again(machine)
        if found.state != "Running":
            raise InvalidParameter(f"Unable to reboot VM {found.uuid}: it is in state {found.state}, not Running")
        return bool(found.service_offering.is_volatile)

    if context.steps.run(f"check rebooting {machine.uuid}", discards):
        return restore(context, machine)
    life.reboot(context, machine, forced=forced)
    return {}


def check(context: Context, machine_id: int, template: Template | None, offering: DiskOffering | None,
          root_gib: int | None, details: Mapping[str, str] | None) -> dict[str, Any]:
    """Return what the new root disk shall be. Reads only."""
    machine = Machine.get_by_id(machine_id)
    owner = Account.get_by_id(machine.account_id)
    if owner.state != "enabled":
        raise PermissionDenied(f"The owner of {machine.uuid} is disabled: {owner.account_name}")
    if machine.state not in ("Running", "Stopped"):
        raise InvalidParameter(f"Vm {machine.uuid} currently in {machine.state} state, restore vm can only execute "
                               "when VM in Running or Stopped")
    root = root_of(machine)
    source = template or (machine.template if machine.template_id is not None else None)
    if source is None:
        raise InvalidParameter(f"Cannot find template linked with VM {machine.uuid}")
    if template is not None and (template.format == "ISO") != (machine.iso_id is not None and root.template_id is None):
        raise InvalidParameter("VM has been created using an ISO therefore it can not be re-installed with a template"
                               if template.format != "ISO" else "Invalid template id provided to restore the VM: "
                               f"{template.uuid} is an ISO")
    if source.template_type in ("SYSTEM", "ROUTING"):
        raise InvalidParameter(f"Unable to use system template {source.uuid} to restore a user vm")
    if not image.ready(source, machine.zone_id):
        raise InvalidParameter(f"Cannot restore the vm as the template {source.uuid} isn't available in the zone")
    if source.hypervisor_type not in (None, "None", "Any", machine.hypervisor_type):
        raise InvalidParameter(f"Template {source.uuid} is for {source.hypervisor_type}, the Instance runs on "
                               f"{machine.hypervisor_type}")
    service: ServiceOffering = machine.service_offering
    if offering is not None and service.disk_offering_strictness and offering.id != service.disk_offering_id:
        raise InvalidParameter("VM's service offering has a strict disk offering requirement, and the specified disk "
                               "offering does not match")
    size = _size(context, root, source, offering, root_gib)
    if machine.state == "Running":
        _check_place(context, machine, source)
    return {"running": machine.state == "Running", "template": source.id, "size": size,
            "offering": offering.id if offering is not None else root.disk_offering_id,
            "min_iops": _iops(details, "minIops"), "max_iops": _iops(details, "maxIops")}


def root_of(machine: Machine) -> Volume:
    """Return the machine's root disk.

    :raises InvalidParameter: it has none.
    """
    found = [volume for volume in disk.of_machine(machine) if volume.kind == disk.ROOT]
    if not found:
        raise InvalidParameter(f"Can not find root volume for VM {machine.uuid}")
    return found[0]


def _size(context: Context, root: Volume, source: Template, offering: DiskOffering | None, gib: int | None) -> int:
    least = 0 if source.format == "ISO" else int(source.size or 0)
    if gib is not None:
        if gib <= 0:
            raise InvalidParameter("Root disk size should be a positive number: rootdisksize")
        if gib * GIB < least:
            raise InvalidParameter(f"Root disk size [{gib * GIB}] is smaller than the template size [{least}]")
        sizes.check_maximum(context, gib * GIB)
        return gib * GIB
    if offering is not None and offering.disk_size:
        if offering.disk_size < least:
            raise InvalidParameter(f"Disk size for selected offering [{offering.disk_size}] is less than the "
                                   f"template's size [{least}]")
        return int(offering.disk_size)
    if source.format == "ISO":
        return int(root.size)
    own = DiskOffering.get_by_id(root.disk_offering_id)
    return max(least, int(own.disk_size or 0))


def _iops(details: Mapping[str, str] | None, name: str) -> int | None:
    value = (details or {}).get(name)
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise InvalidParameter(f"'{name}' must be a whole number: details") from None


def _check_place(context: Context, machine: Machine, source: Template) -> None:
    """Refuse before anything is lost where no host takes the machine with the other template's tags."""
    tags = demand.tags_of(context, machine.service_offering, source)
    if tags == demand.tags_of(context, machine.service_offering, machine.template):
        return
    try:
        # Its own room comes free when it stops, so that only the kind of host is asked for.
        placement.find(context, demand.of(context, machine, template=source, size=(0, 0, 0)), Plan())
    except InsufficientCapacity as error:
        error.text = f"Unable to create a deployment for {machine.instance_name}: {error.text}"
        raise


def _replace(context: Context, machine_id: int, planned: dict[str, Any]) -> dict[str, Any]:
    machine = Machine.get_by_id(machine_id)
    owner = Account.get_by_id(machine.account_id)
    old = root_of(machine)
    source = Template.get_by_id(planned["template"])
    was_made = old.state != "Allocated"
    removal.destroy(context, old)
    Volume.update(vm_id=None, device_id=None, attached=None).where(Volume.id == old.id).execute()
    disk.allocate(context, owner, zone=Zone.get_by_id(machine.zone_id), kind=disk.ROOT, name=old.name,
                  offering=DiskOffering.get_by_id(planned["offering"]), size=planned["size"], template=source,
                  machine=machine, device_id=0, min_iops=planned["min_iops"], max_iops=planned["max_iops"])
    values: dict[str, Any] = {"template": source.id, "updated": now()}
    if source.id != machine.template_id:
        values |= {"guest_os": source.guest_os_id, "arch": source.arch, "dynamically_scalable":
                   machine.dynamically_scalable and deployment.scalable(
                       context, machine.service_offering, source, machine.zone_id)}
    Machine.update(**values).where(Machine.id == machine_id).execute()
    if source.password_enabled:
        password.put(context, machine, password.generate(context))
    if not was_made:
        removal.expunged(context, old.id)  # there is nothing in it that could be recovered
    return {"old": old.id if was_made else None, "password": bool(source.password_enabled)}


