"""Attaching volumes to Instances and detaching them, running or stopped."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.offering import DiskOffering
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.services.host import agent
from cloudapi.services.volume import disk, hypervisor, migrate, offering, place, upload
from cloudapi.states.base import transition

ATTACHABLE = ("Allocated", "Ready", "Uploaded")
ISO_DEVICE = 3
ROOT_DETACHABLE = ("XenServer", "VMware", "KVM", "Simulator")


def attach(context: Context, volume: Volume, machine: Machine, device_id: int | None) -> Volume:
    """Attach a volume; one that lies nowhere yet, or elsewhere, is brought to where the Instance is. In steps.

    :param device_id: its place; 0 makes it the root disk of an Instance that has none. None takes the next free one.
    :raises InvalidParameter: the volume, the Instance or the place does not suit.
    """
    steps = context.steps
    name = f"{volume.uuid} to {machine.uuid}"
    device = steps.run(f"check {name}", lambda: _check(context, volume, machine, device_id))
    _bring(context, Volume.get_by_id(volume.id), machine)
    steps.run(f"begin to attach {name}", lambda: _begin(volume.id), undo=lambda _: _failed(volume.id))
    if machine.state == "Running":
        host = Host.get_by_id(machine.host_id)
        spec = {**disk.spec(context, Volume.get_by_id(volume.id), machine), "device": device}
        steps.remote(f"attach {name}", lambda request_id: agent.call(
            context, host, "instance.attach_disk", {"instance": machine.uuid, "disk": spec}, request_id=request_id),
            undo=lambda _: agent.call(context, host, "instance.detach_disk",
                                      {"instance": machine.uuid, "volume": volume.uuid}))
    steps.run(f"attached {name}", lambda: _attached(volume.id, machine, device))
    return Volume.get_by_id(volume.id)


def _check(context: Context, volume: Volume, machine: Machine, device_id: int | None) -> int:
    """Return the place that the volume gets."""
    if volume.vm_id is not None:
        raise InvalidParameter("Please specify a volume that is not attached to any VM.")
    if volume.state == "Destroy":
        raise InvalidParameter("Please specify a volume that is not destroyed.")
    if volume.state not in ATTACHABLE:
        raise InvalidParameter("Volume state must be in Allocated, Ready or in Uploaded state")
    if machine.kind != "User":
        raise InvalidParameter("Please specify a valid User VM: virtualmachineid")
    if machine.state not in ("Running", "Stopped"):
        raise InvalidParameter("Please specify a VM that is on of the following states: [Running, Stopped].")
    if machine.zone_id != volume.zone_id:
        raise InvalidParameter("Please specify a VM that is in the same zone as the volume.")
    if volume.account_id != machine.account_id and not context.caller.is_root_admin:
        raise PermissionDenied(f"Volume {volume.uuid} and Instance {machine.uuid} do not belong to the same account")
    chosen = DiskOffering.get_by_id(volume.disk_offering_id)
    offering.check_local(chosen, Zone.get_by_id(volume.zone_id))
    if chosen.encrypt and machine.hypervisor_type != "KVM":
        raise InvalidParameter("Volume's disk offering has encryption enabled, but volume encryption is not supported "
                               f"for hypervisor type {machine.hypervisor_type}")
    if volume.pool_id is not None and volume.hypervisor_type not in (None, machine.hypervisor_type):
        raise InvalidParameter(f"Can't attach a volume created by: {volume.hypervisor_type} to a "
                               f"{machine.hypervisor_type} vm")
    return _device(machine, device_id)


def _device(machine: Machine, device_id: int | None) -> int:
    present = disk.of_machine(machine)
    most = hypervisor.most_data_volumes(machine)
    if device_id == 0:
        _check_root(machine)
        if any(volume.device_id == 0 for volume in present):
            raise InvalidParameter("Vm already has root volume attached to it: deviceid")
        return 0
    if sum(volume.kind == disk.DATADISK for volume in present) >= most:
        raise InvalidParameter(f"The specified VM already has the maximum number of data disks ({most}) attached. "
                               "Please specify another VM.")
    if device_id is None:
        return disk.next_device(machine)
    highest = most + 1  # the root disk and the ISO drive take two places
    if not 0 <= device_id <= highest or device_id == ISO_DEVICE:
        raise InvalidParameter(f"deviceid should be 0,1,2,4-{highest}")
    for volume in present:
        if volume.device_id == device_id:
            raise InvalidParameter(f"deviceid {device_id} is used by volume {volume.uuid} on vm {machine.uuid}")
    return device_id


def _check_root(machine: Machine) -> None:
    if machine.hypervisor_type not in ROOT_DETACHABLE:
        raise InvalidParameter(f"Root volume detach is not supported for hypervisor type {machine.hypervisor_type}")
    if machine.state not in ("Stopped", "Destroyed"):
        raise InvalidParameter("Root volume detach can happen only when vm is in states: Stopped or Destroyed")


def _bring(context: Context, volume: Volume, machine: Machine) -> None:
    """Bring the volume to a pool that the Instance's host has; for one that never ran that waits for its start."""
    steps, name = context.steps, volume.uuid
    host = host_for(context, machine)
    wanted = steps.run(f"choose pool for {name}", lambda: _where(context, volume.id, machine, host),
                       undo=lambda found: _give_up(context, volume.id, found["made"]))
    if wanted["pool"] is None:
        return
    pool = StoragePool.get_by_id(wanted["pool"])
    worker = place.host_of(context, pool, host)
    if wanted["made"] == "new":
        disk.make(context, volume, pool, worker)
    elif wanted["made"] == "uploaded":
        upload.fetch(context, volume, pool, worker)
    else:
        migrate.migrate(context, volume, pool)


def host_for(context: Context, machine: Machine) -> Host | None:
    """Return the host that the machine runs on or, stopped, one that has its disks' pool; None where it never ran."""
    if machine.host_id is not None:
        return Host.get_by_id(machine.host_id)
    for present in disk.of_machine(machine, "Ready"):
        return place.host_of(context, StoragePool.get_by_id(present.pool_id))
    return None


def _where(context: Context, volume_id: int, machine: Machine, host: Host | None) -> dict[str, Any]:
    """Decide where the volume is to be; reserve its pool where it has none.

    :returns: `pool` (None: it stays as it is) and how it comes there: `made` is "new", "uploaded" or "" for a move.
    """
    volume = Volume.get_by_id(volume_id)
    nowhere: dict[str, Any] = {"pool": None, "made": ""}
    if volume.state == "Ready":
        pool = StoragePool.get_by_id(volume.pool_id)
        if host is None or place.reaches(host, pool):
            return nowhere
        if pool.scope == "HOST":
            raise InvalidParameter(f"Failed to attach local data volume {volume.name} to VM {machine.name}: it "
                                   "lies on another host, and local volumes are not moved")
        target = place.candidates(context, volume, host=host)
        if not target:
            raise InvalidParameter(f"No storage pool of the Instance's cluster takes volume {volume.uuid}")
        return {"pool": target[0].id, "made": ""}
    if volume.state == "Uploaded":
        return {"pool": upload.reserve(context, volume, host, machine), "made": "uploaded"}
    if host is None:
        return nowhere
    return {"pool": disk.reserve(context, volume, host=host), "made": "new"}


def _give_up(context: Context, volume_id: int, made: str) -> None:
    if made == "new":
        disk.let_go(volume_id)
    elif made == "uploaded":
        upload.let_go(context, volume_id)


def _begin(volume_id: int) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Ready":
        transition(volume, "AttachRequested")


def _failed(volume_id: int) -> None:
    volume = Volume.get_by_id(volume_id)
    if volume.state == "Attaching":
        transition(volume, "OperationFailed")


def _attached(volume_id: int, machine: Machine, device: int) -> None:
    volume = Volume.get_by_id(volume_id)
    transition(volume, "OperationSucceeded", vm_id=machine.id, device_id=device, attached=now(),
               kind=disk.ROOT if device == 0 else volume.kind, hypervisor_type=machine.hypervisor_type)


def find_attached(volume: Volume | None, machine: Machine | None, device_id: int | None) -> Volume:
    """Return the volume to detach, which is named by itself or by an Instance and a place.

    :raises InvalidParameter: neither or both are given, or nothing is there.
    """
    by_place = machine is not None and device_id is not None
    if (volume is None) != by_place or (volume is not None and (machine is not None or device_id is not None)):
        raise InvalidParameter("Please provide either a volume id, or a tuple(device id, instance id): "
                               "id, deviceid, virtualmachineid")
    if volume is not None:
        return volume
    assert machine is not None
    for found in disk.of_machine(machine):
        if found.device_id == device_id:
            return found
    raise InvalidParameter(f"deviceid {device_id}: Instance {machine.uuid} has no volume in that place")


def detach(context: Context, volume: Volume) -> Volume:
    """Detach a volume from its Instance. In steps."""
    steps, name = context.steps, volume.uuid
    found = steps.run(f"check {name}", lambda: _check_detach(volume))
    machine = Machine.get_by_id(found["machine"])
    if found["host"] is not None:
        host = Host.get_by_id(found["host"])
        spec = disk.spec(context, Volume.get_by_id(volume.id), machine)
        steps.remote(f"detach {name}", lambda request_id: agent.call(
            context, host, "instance.detach_disk", {"instance": machine.uuid, "volume": volume.uuid},
            request_id=request_id),
            undo=lambda _: agent.call(context, host, "instance.attach_disk", {"instance": machine.uuid, "disk": spec}))
    steps.run(f"detached {name}", lambda: let_go(volume.id))
    return Volume.get_by_id(volume.id)


def _check_detach(volume: Volume) -> dict[str, int | None]:
    if volume.vm_id is None:
        raise InvalidParameter("The specified volume is not attached to a VM.")
    machine = Machine.get_by_id(volume.vm_id)
    if machine.state not in ("Running", "Stopped", "Destroyed"):
        raise InvalidParameter("Please specify a VM that is either running or stopped.")
    if volume.kind == disk.ROOT:
        _check_root(machine)
    if volume.state not in ("Ready", "Allocated"):
        raise InvalidParameter(f"Volume {volume.uuid} is in state {volume.state} and cannot be detached now")
    return {"machine": machine.id, "host": machine.host_id if machine.state == "Running" else None}


def let_go(volume_id: int) -> None:
    """The volume belongs to no Instance any more; a root disk becomes a data disk. Within a transaction."""
    Volume.update(vm_id=None, device_id=None, attached=None, kind=disk.DATADISK).where(Volume.id == volume_id).execute()
