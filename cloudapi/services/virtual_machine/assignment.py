"""Giving an Instance to another account: with its disks, into networks of the new owner."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.common import ResourceTag
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import AffinityGroupMember, Machine
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.rule import PortForwardingRule
from cloudapi.models.storage import Snapshot, Volume
from cloudapi.services.virtual_machine import count, hostname, life
from cloudapi.services.volume import disk


def assign(context: Context, machine: Machine, owner: Account, networks: Sequence[Network]) -> Machine:
    """Give a stopped Instance to an account. Within a transaction.

    :param networks: its networks from then on; the account's default network where there are none.
    :raises InvalidParameter: it is not stopped, has rules or snapshots, or the account has it already.
    :raises ResourceLimitExceeded: the account has no room for it.
    """
    from cloudapi.services.network import network as service
    from cloudapi.services.nic import nic as nics

    _check(machine, owner)
    zone = Zone.get_by_id(machine.zone_id)
    chosen = list(networks) or service.default_networks(context, owner, zone)
    for network in chosen:
        if network.zone_id != zone.id or network.traffic_type != "Guest":
            raise InvalidParameter(f"Network {network.uuid} cannot be used for the Instance: networkids")
    volumes = disk.of_machine(machine)
    if count.counted(context, machine):
        count.give_back(context, machine)
    for volume in volumes:
        disk.uncount(context, volume)
    Machine.update(account_id=owner.id, domain_id=owner.domain_id, group_id=None, updated=now()).where(
        Machine.id == machine.id).execute()
    Volume.update(account_id=owner.id, domain_id=owner.domain_id).where(
        Volume.id.in_([volume.id for volume in volumes])).execute()
    ResourceTag.update(account_id=owner.id, domain_id=owner.domain_id).where(
        ResourceTag.resource_type == "UserVm", ResourceTag.resource_id == machine.id).execute()
    AffinityGroupMember.delete().where(AffinityGroupMember.machine == machine.id).execute()
    moved = life.again(machine)
    if count.counted(context, moved):
        count.take(context, moved)
    for volume in disk.of_machine(moved):
        disk.count(context, volume)
    for nic in nics.of_machine(moved):
        nics.remove(context, nic)
    hostname.check_unique(context, moved.name, owner, chosen, but=moved.id)
    for number, network in enumerate(chosen):
        nics.allocate(context, moved, network, default=number == 0, device_id=number)
    return life.again(moved)


def _check(machine: Machine, owner: Account) -> None:
    if machine.state not in ("Stopped",):
        raise InvalidParameter(f"Unable to move VM [{machine.uuid}] in [{machine.state}] state: stop it first")
    if machine.account_id == owner.id:
        raise InvalidParameter(f"The new account [{owner.account_name}] is the same as the old account.")
    if owner.state != "enabled":
        raise InvalidParameter(f"The new account owner [{owner.account_name}] is disabled.")
    if IpAddress.alive(IpAddress.vm_id == machine.id, IpAddress.is_static_nat == True).exists():  # noqa: E712
        raise InvalidParameter(f"Remove the StaticNat rules for VM [{machine.uuid}] before assigning it to another "
                               "user.")
    if PortForwardingRule.alive(PortForwardingRule.vm_id == machine.id).exists():
        raise InvalidParameter(f"Remove any Port Forwarding rules for VM [{machine.uuid}] before assigning it to "
                               "another user.")
    ids = [volume.id for volume in disk.of_machine(machine)]
    if Snapshot.alive(Snapshot.volume.in_(ids or [0])).exists():
        raise InvalidParameter(f"Snapshots exist for a volume of VM [{machine.uuid}]. Detach the volume or remove the "
                               "snapshots before assigning the VM to another user.")
