"""Ranges of addresses of a pod's storage network, which its secondary storage VMs use."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Pod, PodIpRange, Zone
from cloudapi.models.network import GuestIp, StorageIpRange
from cloudapi.services.network import system
from cloudapi.services.vlan import subnet


def create(context: Context, pod: Pod, *, start_ip: str, end_ip: str | None, netmask: str, gateway: str,
           vlan: int | None) -> StorageIpRange:
    """Add a range. Within a transaction.

    :raises InvalidParameter: addresses that do not fit together, or that the pod or another range has.
    """
    numbers = subnet.check_range4(subnet.network4(gateway, netmask), gateway, start_ip, end_ip or start_ip)
    _check_free(pod, numbers)
    _check_vlan(vlan)
    network = system.of(context, Zone.get_by_id(pod.zone_id), system.STORAGE)
    return StorageIpRange.create(zone=pod.zone_id, pod=pod, network_id=network.id, gateway=gateway, netmask=netmask,
                                 start_ip=start_ip, end_ip=end_ip or start_ip, vlan=vlan)


def _check_vlan(vlan: int | None) -> None:
    if vlan is not None and not 0 <= vlan <= 4095:
        raise InvalidParameter(f"Invalid value {vlan} for parameter vlan: ids are between 0 and 4095")


def _check_free(pod: Pod, numbers: tuple[int, int], besides: StorageIpRange | None = None) -> None:
    """Refuse addresses of the pod's management network and of its other storage ranges."""
    taken = [(item.start_ip, item.end_ip) for item in PodIpRange.select().where(PodIpRange.pod == pod.id)]
    taken += [(item.start_ip, item.end_ip) for item in StorageIpRange.alive(StorageIpRange.pod == pod.id)
              if besides is None or item.id != besides.id]
    for start, end in taken:
        if subnet.overlap(numbers, (subnet.number(start), subnet.number(end))):
            raise InvalidParameter("The Storage network StartIP and EndIP (startip, endip) address range overlap "
                                   f"with private IP :{start}:{end}")


def _check_unused(ip_range: StorageIpRange) -> None:
    first, last = subnet.number(ip_range.start_ip), subnet.number(ip_range.end_ip)
    used = [row.ip for row in GuestIp.select(GuestIp.ip).where(
        GuestIp.network == ip_range.network_id, GuestIp.number.between(first, last))]
    if used:
        raise InternalError(f"Cannot change the range {ip_range.uuid}, below IPs of it are still in use: "
                            f"{','.join(used)}")


def update(context: Context, ip_range: StorageIpRange, *, start_ip: str | None, end_ip: str | None,
           netmask: str | None, vlan: int | None) -> StorageIpRange:
    """Change a range of which no address is in use; what is None stays. Within a transaction.

    :raises InternalError: addresses are in use.
    :raises InvalidParameter: as `create` does.
    """
    _check_unused(ip_range)
    _check_vlan(vlan)
    start, end, mask = start_ip or ip_range.start_ip, end_ip or ip_range.end_ip, netmask or ip_range.netmask
    numbers = subnet.check_range4(subnet.network4(ip_range.gateway, mask), ip_range.gateway, start, end)
    _check_free(Pod.get_by_id(ip_range.pod_id), numbers, ip_range)
    StorageIpRange.update(start_ip=start, end_ip=end, netmask=mask, vlan=ip_range.vlan if vlan is None else vlan).where(
        StorageIpRange.id == ip_range.id).execute()
    return StorageIpRange.get_by_id(ip_range.id)


def delete(context: Context, ip_range: StorageIpRange) -> None:
    """Delete a range of which no address is in use. Within a transaction."""
    _check_unused(ip_range)
    StorageIpRange.update(removed=now()).where(StorageIpRange.id == ip_range.id).execute()
