"""The rules of pods: their management network and its addresses."""

from __future__ import annotations

import ipaddress
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.common import Annotation
from cloudapi.models.infrastructure import Capacity, Cluster, Host, Pod, PodIpAddress, PodIpRange, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, IpRange
from cloudapi.models.storage import Volume
from cloudapi.services import detail
from cloudapi.services.storage import access
from cloudapi.services.vlan import subnet

# Rows of addresses that go into one INSERT: SQLite takes 32,766 values in a statement.
BATCH = 500
UNTAGGED = "untagged"


def _check_name(zone: Zone, name: str) -> None:
    if not name.strip():
        raise InvalidParameter("Invalid value for parameter name: a pod needs a name")
    if Pod.alive(Pod.zone == zone.id, Pod.name == name).exists():
        raise InvalidParameter(f"A pod with name: {name} already exists in zone {zone.name}. "
                               "Please specify a different pod name.")


def _check_network(context: Context, zone: Zone, network: ipaddress.IPv4Network, pod: Pod | None = None) -> None:
    """Refuse a management network that has addresses in common with another pod's, where the setting asks for it."""
    if not context.settings.get("check.pod.cidrs"):
        return
    for other in Pod.alive(Pod.zone == zone.id):
        if (pod is None or other.id != pod.id) and other.cidr and \
                network.overlaps(ipaddress.IPv4Network(other.cidr, strict=False)):
            raise InvalidParameter(f"The subnet of the pod you are adding conflicts with the subnet of the Pod "
                                   f"{other.name}. "
                                   "Please specify a different gateway and netmask.")


def _check_public(zone: Zone, first: int, last: int) -> None:
    """Refuse management addresses that are public ones already."""
    for row in IpRange.alive(IpRange.zone == zone.id, IpRange.start_ip.is_null(False)):
        if subnet.overlap((first, last), (subnet.number(row.start_ip), subnet.number(row.end_ip))):
            taken = max(first, subnet.number(row.start_ip))
            raise InvalidParameter(f"The startip and endip address range overlap with Public IP: "
                                   f"{ipaddress.IPv4Address(taken)}")


def create(context: Context, zone: Zone, name: str, *, gateway: str | None, netmask: str | None, start_ip: str | None,
           end_ip: str | None, allocation_state: str | None, storage_access_groups: list[str] | None) -> Pod:
    """Make a pod with the addresses of its management network. Within a transaction.

    :raises InvalidParameter: an address is missing, none, outside of the subnet, or taken; or the name is.
    :raises PermissionDenied: the zone is disabled, and the caller no root admin.
    """
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.uuid}")
    if zone.kind == "Edge":
        if any((gateway, netmask, start_ip, end_ip)):
            raise InvalidParameter("IP range parameters (startip, endip, gateway, netmask) can not be specified for a "
                                   "pod "
                                   "in an edge zone")
        _check_name(zone, name)
        pod: Pod = Pod.create(name=name, zone=zone, allocation_state=allocation_state or "Enabled")
        access.put(pod, storage_access_groups or [])
        return pod
    network = subnet.network4(gateway, netmask)
    start = str(subnet.ip4(start_ip, "startip"))
    end = end_ip or str(network.broadcast_address - 1)
    _check_name(zone, name)
    assert gateway is not None
    first, last = subnet.check_range4(network, gateway, start, end)
    _check_public(zone, first, last)
    _check_network(context, zone, network)
    pod = Pod.create(name=name, zone=zone, gateway=gateway, netmask=netmask, cidr=str(network),
                     allocation_state=allocation_state or "Enabled")
    access.put(pod, storage_access_groups or [])
    add_range(pod, start, end)
    return pod


def add_range(pod: Pod, start: str, end: str, *, vlan: str = UNTAGGED, for_system_vms: bool = False) -> PodIpRange:
    """Give a pod a range of management addresses, each of its own row. Within a transaction."""
    made: PodIpRange = PodIpRange.create(pod=pod, start_ip=start, end_ip=end, vlan=vlan, for_system_vms=for_system_vms)
    first, last = subnet.number(start), subnet.number(end)
    for begin in range(first, last + 1, BATCH):
        PodIpAddress.insert_many([
            {"pod": pod.id, "range_id": made.id, "ip": str(ipaddress.IPv4Address(number))}
            for number in range(begin, min(begin + BATCH, last + 1))]).execute()
    return made


def update(context: Context, pod: Pod, values: dict[str, Any]) -> Pod:
    """Change a pod. Within a transaction.

    :param values: by the names of `updatePod`'s parameters.
    :raises InvalidParameter: as `create` does; or addresses of the pod would lie outside of its new subnet.
    """
    zone: Zone = pod.zone
    changes: dict[str, Any] = {}
    if values.get("name") and values["name"] != pod.name:
        _check_name(zone, values["name"])
        changes["name"] = values["name"]
    if values.get("allocationstate"):
        changes["allocation_state"] = values["allocationstate"]
    if values.get("gateway") or values.get("netmask"):
        if zone.kind == "Edge":
            raise InvalidParameter("gateway and netmask can not be specified for a pod in an edge zone")
        gateway, netmask = values.get("gateway") or pod.gateway, values.get("netmask") or pod.netmask
        network = subnet.network4(gateway, netmask)
        taken = PodIpAddress.select().where(PodIpAddress.pod == pod.id, PodIpAddress.taken.is_null(False)).exists()
        if taken and network.prefixlen > ipaddress.IPv4Network(pod.cidr).prefixlen:
            raise InternalError("The specified pod has allocated private IP addresses, so its IP address range can be "
                                "extended only")
        for row in PodIpRange.select().where(PodIpRange.pod == pod.id):
            subnet.check_range4(network, gateway, row.start_ip, row.end_ip)
        _check_network(context, zone, network, pod)
        changes.update(gateway=gateway, netmask=netmask, cidr=str(network))
    if values.get("startip") or values.get("endip"):
        _change_range(zone, pod, changes, values)
    if changes:
        Pod.update(changes).where(Pod.id == pod.id).execute()
    found: Pod = Pod.get_by_id(pod.id)
    return found


def _change_range(zone: Zone, pod: Pod, changes: dict[str, Any], values: dict[str, Any]) -> None:
    """Move the ends of the pod's first range; addresses in use must stay in it."""
    row = PodIpRange.select().where(PodIpRange.pod == pod.id).order_by(PodIpRange.id).first()
    network = ipaddress.IPv4Network(changes.get("cidr") or pod.cidr)
    start = values.get("startip") or (row.start_ip if row else None)
    end = values.get("endip") or (row.end_ip if row else str(network.broadcast_address - 1))
    if start is None:
        raise InvalidParameter("parameter startip is missing: the pod has no range of addresses yet")
    first, last = subnet.check_range4(network, changes.get("gateway") or pod.gateway, start, end)
    _check_public(zone, first, last)
    if row is None:
        add_range(pod, start, end)
        return
    present = {subnet.number(address.ip): address
               for address in PodIpAddress.select().where(PodIpAddress.range_id == row.id)}
    for number, address in present.items():
        if not first <= number <= last:
            if address.taken is not None:
                raise InvalidParameter(f"The IP range {start}-{end} (startip, endip) leaves out {address.ip}, which "
                                       "is in use")
            address.delete_instance()
    missing = [number for number in range(first, last + 1) if number not in present]
    for begin in range(0, len(missing), BATCH):
        PodIpAddress.insert_many([{"pod": pod.id, "range_id": row.id, "ip": str(ipaddress.IPv4Address(number))}
                                  for number in missing[begin:begin + BATCH]]).execute()
    PodIpRange.update(start_ip=start, end_ip=end).where(PodIpRange.id == row.id).execute()


def delete(context: Context, pod: Pod) -> None:
    """Delete a pod that nothing is left in. Within a transaction.

    :raises InternalError: something is.
    """
    checks = (
        (PodIpAddress.select().where(PodIpAddress.pod == pod.id, PodIpAddress.taken.is_null(False)),
         "there are private IP addresses allocated in this pod."),
        (Volume.alive(Volume.pod_id == pod.id), "there are storage volumes in this pod."),
        (Host.alive(Host.pod == pod.id), "there are servers in this pod."),
        (Machine.alive(Machine.pod_id == pod.id), "there are Instances in this pod."),
        (Cluster.alive(Cluster.pod == pod.id), "there are clusters in this pod."),
    )
    for query, reason in checks:
        if query.exists():
            raise InternalError(f"The pod cannot be deleted because {reason}")
    moment = now()
    PodIpAddress.delete().where(PodIpAddress.pod == pod.id).execute()
    PodIpRange.delete().where(PodIpRange.pod == pod.id).execute()
    ranges = [row.id for row in IpRange.alive(IpRange.pod == pod.id)]
    if ranges:
        IpAddress.update(removed=moment).where(IpAddress.ip_range.in_(ranges)).execute()
        IpRange.update(removed=moment).where(IpRange.id.in_(ranges)).execute()
    Capacity.delete().where(Capacity.pod_id == pod.id).execute()
    Annotation.update(removed=moment).where(Annotation.entity_uuid == pod.uuid).execute()
    detail.remove(pod)
    Pod.update(removed=moment).where(Pod.id == pod.id).execute()
