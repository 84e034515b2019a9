"""Instances: users' ones and system VMs alike."""

from typing import Optional

from agents.hypervisors.base import (
    Console,
    DiskSpec,
    InstanceReport,
    InstanceSize,
    InstanceSpec,
    InstanceStatistics,
    IsoSpec,
    NicSpec,
    PatchReport,
)
from agents.machine import Call
from agents.protocol import ErrorCode, Refusal
from agents.storage.base import VolumeReport
from agents.verbs.registry import verb


@verb("once")
def start(call: Call, instance: InstanceSpec) -> InstanceReport:
    """Runs an Instance from its whole specification. Refused where it runs already, here or elsewhere."""
    if instance.boot_type == "UEFI":
        call.require("uefi")
    return call.hypervisor.start(instance)


@verb("repeatable")
def stop(call: Call, instance: str, force: bool = False, grace_seconds: float = 60.0) -> None:
    """Ends the Instance and forgets it; the guest is asked first, unless forced. Not here: stopped already."""
    call.hypervisor.stop(instance, force, grace_seconds)


@verb("once")
def reboot(call: Call, instance: str, force: bool = False) -> InstanceReport:
    """Restarts the guest without leaving the host."""
    return call.hypervisor.reboot(instance, force)


@verb("read")
def describe(call: Call, instance: str) -> InstanceReport:
    """One Instance on this host."""
    return call.hypervisor.describe_instance(instance)


@verb("read", key="instances")
def list_(call: Call) -> list[InstanceReport]:
    """All Instances on this host."""
    return call.hypervisor.list_instances()


@verb("read", key="instances")
def statistics(call: Call, instances: Optional[list[str]] = None) -> dict[str, InstanceStatistics]:
    """Counters of the named Instances as far as they run here, or of all, by id."""
    return call.hypervisor.instance_statistics(instances)


@verb("read")
def console(call: Call, instance: str) -> Console:
    """Where the screen of the Instance is served, and the password for it."""
    call.require("console")
    return call.hypervisor.console(instance)


@verb("repeatable")
def prepare_migration(call: Call, instance: InstanceSpec) -> None:
    """To the destination: checks disks and networks and reserves the capacity. The disks name the pools they will be
    on."""
    call.require("live_migration")
    call.hypervisor.prepare_migration(instance)


@verb("repeatable")
def cancel_migration(call: Call, instance: str) -> None:
    """To the destination: gives back what was prepared."""
    call.hypervisor.cancel_migration(instance)


@verb("once")
def migrate(call: Call, instance: str, destination: str, destination_url: str) -> None:
    """To the source: moves the running Instance to the host `destination`, which has prepared for it, with the disks
    prepared there."""
    call.require("live_migration")
    call.hypervisor.migrate(instance, destination, destination_url)


@verb("repeatable")
def migrate_disk(call: Call, instance: str, volume: str, pool: str) -> VolumeReport:
    """Moves a disk of a running Instance to another pool on this host, under the same id."""
    call.require("storage_migration")
    return call.hypervisor.migrate_disk(instance, volume, pool)


@verb("repeatable")
def scale(call: Call, instance: str, size: InstanceSize) -> InstanceReport:
    """Changes CPU and memory of a running Instance."""
    call.require("scale_cpu")
    return call.hypervisor.scale(instance, size)


@verb("once")
def attach_disk(call: Call, instance: str, disk: DiskSpec) -> InstanceReport:
    """Plugs a volume into a running Instance."""
    call.require("hot_plug_disk")
    return call.hypervisor.attach_disk(instance, disk)


@verb("once")
def detach_disk(call: Call, instance: str, volume: str) -> InstanceReport:
    """Unplugs a volume from a running Instance."""
    call.require("hot_plug_disk")
    return call.hypervisor.detach_disk(instance, volume)


@verb("repeatable")
def attach_iso(call: Call, instance: str, iso: IsoSpec) -> InstanceReport:
    """Puts an ISO into the drive. Refused (in_use) where another one is in it."""
    return call.hypervisor.attach_iso(instance, iso)


@verb("repeatable")
def detach_iso(call: Call, instance: str) -> InstanceReport:
    """Empties the drive."""
    return call.hypervisor.detach_iso(instance)


@verb("once")
def plug_nic(call: Call, instance: str, nic: NicSpec) -> InstanceReport:
    """Adds a NIC to a running Instance."""
    call.require("hot_plug_nic")
    return call.hypervisor.plug_nic(instance, nic)


@verb("once")
def unplug_nic(call: Call, instance: str, nic: str) -> InstanceReport:
    """Removes a NIC from a running Instance."""
    call.require("hot_plug_nic")
    return call.hypervisor.unplug_nic(instance, nic)


@verb("repeatable")
def update_nic(call: Call, instance: str, nic: NicSpec) -> InstanceReport:
    """Replaces the NIC of the same id: network, addresses, rate, link state. The MAC stays."""
    return call.hypervisor.update_nic(instance, nic)


@verb("repeatable")
def set_password(call: Call, instance: str, password: str) -> None:
    """The password that the guest gets, where it does not come from a router."""
    call.require("set_password")
    if not password:
        raise Refusal(ErrorCode.BAD_ARGUMENT, "'password' must not be empty")
    call.hypervisor.set_password(instance, password)


@verb("repeatable")
def patch(call: Call, instance: str, force: bool = False) -> PatchReport:
    """Brings the software inside a running system VM up to date; `force`: also where it is."""
    return call.hypervisor.patch(instance, force)


@verb("repeatable")
def update_user_data(
    call: Call, instance: str, user_data: Optional[str], ssh_public_keys: Optional[list[str]] = None
) -> None:
    """User data (base64) and keys, where they do not come from a router."""
    call.hypervisor.update_user_data(instance, user_data, ssh_public_keys or [])
