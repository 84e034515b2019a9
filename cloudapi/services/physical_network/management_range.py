"""Further ranges of addresses of a pod's management network."""

from __future__ import annotations

import ipaddress

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.infrastructure import Pod, PodIpAddress, PodIpRange
from cloudapi.models.network import IpRange
from cloudapi.services.pod import pod as pods
from cloudapi.services.vlan import subnet, tag

BATCH = 500


def create(context: Context, pod: Pod, *, gateway: str, netmask: str, start_ip: str, end_ip: str | None,
           vlan: str | None, for_system_vms: bool) -> Pod:
    """Add a range to a pod; the pod has one subnet only. Within a transaction.

    :raises InvalidParameter: another subnet, or addresses that are taken or do not fit together.
    """
    network = subnet.network4(gateway, netmask)
    if gateway != pod.gateway:
        raise InvalidParameter(f"Multiple gateways for the POD: {pod.name} are not allowed. The Gateway should be same "
                               f"as the existing Gateway {pod.gateway}")
    if netmask != pod.netmask:
        raise InvalidParameter(f"Multiple subnets for the POD: {pod.name} are not allowed. The Netmask should be same "
                               f"as the existing Netmask {pod.netmask}")
    numbers = subnet.check_range4(network, gateway, start_ip, end_ip or start_ip)
    _check_free(pod, numbers)
    pods.add_range(pod, start_ip, end_ip or start_ip, vlan=_vlan(vlan), for_system_vms=for_system_vms)
    return pod


def _vlan(text: str | None) -> str:
    """Return a VLAN as pods keep it: the bare id, or untagged."""
    number = tag.number(tag.uri(text))
    return pods.UNTAGGED if number is None else str(number)


def _check_free(pod: Pod, numbers: tuple[int, int], besides: PodIpRange | None = None) -> None:
    """Refuse addresses of other ranges of the pod and of public ranges of the zone."""
    for other in PodIpRange.select().where(PodIpRange.pod == pod.id):
        if (besides is None or other.id != besides.id) and subnet.overlap(
                numbers, (subnet.number(other.start_ip), subnet.number(other.end_ip))):
            raise InvalidParameter(f"The new range overlaps with existing range {other.start_ip}-{other.end_ip}. "
                                   "Please add a mutually exclusive range (startip, endip)")
    for public in IpRange.alive(IpRange.zone == pod.zone_id, IpRange.start_ip.is_null(False)):
        if subnet.overlap(numbers, (subnet.number(public.start_ip), subnet.number(public.end_ip or public.start_ip))):
            raise InvalidParameter("The StartIP and EndIP (startip, endip) address range overlap with Public IP :"
                                   f"{public.start_ip}:{public.end_ip}")


def _find(pod: Pod, start_ip: str, end_ip: str, vlan: str | None = None) -> PodIpRange:
    """Return the pod's range of exactly these addresses.

    :raises InvalidParameter: there is none.
    """
    for item in PodIpRange.select().where(PodIpRange.pod == pod.id, PodIpRange.start_ip == start_ip,
                                          PodIpRange.end_ip == end_ip):
        if vlan is None or (item.vlan or pods.UNTAGGED) == vlan:
            return item
    raise InvalidParameter(f"The input IP range: {start_ip}-{end_ip} of pod: {pod.uuid} is not present. Please input "
                           "an existing range")


def _taken_outside(ip_range: PodIpRange, kept: tuple[int, int] | None) -> list[str]:
    """Return the addresses in use that would be lost, all of the range or those outside of what is kept."""
    used = PodIpAddress.select(PodIpAddress.ip).where(PodIpAddress.range_id == ip_range.id,
                                                      PodIpAddress.taken.is_null(False))
    return [row.ip for row in used if kept is None or not kept[0] <= subnet.number(row.ip) <= kept[1]]


def update(context: Context, pod: Pod, *, start_ip: str, end_ip: str, new_start_ip: str | None,
           new_end_ip: str | None) -> None:
    """Change the ends of a range. Within a transaction.

    :raises InvalidParameter: there is no such range, the new one is the same, taken, or leaves out addresses in use.
    """
    ip_range = _find(pod, start_ip, end_ip)
    first_ip, last_ip = new_start_ip or start_ip, new_end_ip or end_ip
    if (first_ip, last_ip) == (start_ip, end_ip):
        raise InvalidParameter("New starting and ending IP address (newstartip, newendip) are the same as current "
                               "starting and ending IP address")
    after = subnet.check_range4(subnet.network4(pod.gateway, pod.netmask), str(pod.gateway), first_ip, last_ip,
                                names=("newstartip", "newendip"))
    _check_free(pod, after, ip_range)
    lost = _taken_outside(ip_range, after)
    if lost:
        raise InvalidParameter(f"The IP range {first_ip}-{last_ip} (newstartip, newendip) leaves out addresses in "
                               f"use: {','.join(lost)}")
    present = {subnet.number(row.ip): row.id
               for row in PodIpAddress.select().where(PodIpAddress.range_id == ip_range.id)}
    gone = [key for number, key in present.items() if not after[0] <= number <= after[1]]
    for begin in range(0, len(gone), BATCH):
        PodIpAddress.delete().where(PodIpAddress.id.in_(gone[begin:begin + BATCH])).execute()
    missing = [number for number in range(after[0], after[1] + 1) if number not in present]
    for begin in range(0, len(missing), BATCH):
        PodIpAddress.insert_many([{"pod": pod.id, "range_id": ip_range.id, "ip": str(ipaddress.IPv4Address(number))}
                                  for number in missing[begin:begin + BATCH]]).execute()
    PodIpRange.update(start_ip=first_ip, end_ip=last_ip).where(PodIpRange.id == ip_range.id).execute()


def delete(context: Context, pod: Pod, *, start_ip: str, end_ip: str, vlan: str) -> None:
    """Take a range from a pod. Within a transaction.

    :raises InternalError: addresses of it are in use.
    """
    numbers = (int(subnet.ip4(start_ip, "startip")), int(subnet.ip4(end_ip, "endip")))
    if numbers[1] < numbers[0]:
        raise InvalidParameter("The start IP address (startip) must have a lower value than the end IP address (endip)")
    ip_range = _find(pod, start_ip, end_ip, _vlan(vlan))
    if _taken_outside(ip_range, None):
        raise InternalError("Some IPs of the range has been allocated, so it cannot be deleted")
    PodIpAddress.delete().where(PodIpAddress.range_id == ip_range.id).execute()
    PodIpRange.delete().where(PodIpRange.id == ip_range.id).execute()
