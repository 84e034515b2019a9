"""Addresses that NICs of routers and system VMs have only while the machine runs: they come from its pod."""

from __future__ import annotations

import ipaddress
import random
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InsufficientCapacity
from cloudapi.models.base import now
from cloudapi.models.infrastructure import Host, Pod, PodIpAddress, PodIpRange
from cloudapi.models.network import GuestIp, Network, Nic, StorageIpRange

CONTROL, MANAGEMENT, STORAGE = "Control", "Management", "Storage"
RESERVED_AT_START = frozenset({CONTROL, MANAGEMENT, STORAGE})


def take(context: Context, nic: Nic, host: Host) -> dict[str, Any]:
    """Take an address for a NIC on its host's pod and return the NIC's columns. Within a transaction.

    :raises InsufficientCapacity: none is free.
    """
    if nic.traffic_type == CONTROL:
        return _control(context, nic, host)
    pod: Pod = Pod.get_by_id(host.pod_id)
    if nic.traffic_type == STORAGE:
        found = _storage(nic, pod)
        if found is not None:
            return found
    system_only = bool(context.settings.get("system.vm.management.ip.reservation.mode.strictness"))
    return _management(nic, pod, system_only)


def _control(context: Context, nic: Nic, host: Host) -> dict[str, Any]:
    """The link-local address: from the pod's slice of `control.cidr`, then from anywhere in it."""
    network: Network = nic.network
    block = ipaddress.IPv4Network(network.cidr)
    size = 1 << int(context.settings.get("linkLocalIp.nums"))
    slices = max(block.num_addresses // size, 1)
    start = int(block.network_address) + (int(host.pod_id or 0) % slices) * size
    bounds = [(start, min(start + size, int(block.broadcast_address)) - 1),
              (int(block.network_address), int(block.broadcast_address) - 1)]
    gateway = int(ipaddress.IPv4Address(network.gateway)) if network.gateway else 0
    for first, last in bounds:
        for _ in range(8):
            number = random.randint(first + 2, last)
            if number != gateway and _claim(network, number, nic):
                return _control_values(number, block, network)
        used = {row[0] for row in GuestIp.select(GuestIp.number).where(
            GuestIp.network == network.id, GuestIp.number.between(first, last)).tuples()}
        for number in range(first + 2, last + 1):
            if number not in used and number != gateway and _claim(network, number, nic):
                return _control_values(number, block, network)
    raise InsufficientCapacity(f"No free address in control.cidr {block} for a system VM")


def _control_values(number: int, block: ipaddress.IPv4Network, network: Network) -> dict[str, Any]:
    return {"ip4": str(ipaddress.IPv4Address(number)), "netmask": str(block.netmask), "gateway": network.gateway}


def _claim(network: Network, number: int, nic: Nic) -> bool:
    return bool(GuestIp.insert(network=network.id, ip=str(ipaddress.IPv4Address(number)), number=number, nic_id=nic.id)
                .on_conflict_ignore().as_rowcount().execute())


def _management(nic: Nic, pod: Pod, system_only: bool) -> dict[str, Any]:
    ranges = list(PodIpRange.select().where(PodIpRange.pod == pod.id).order_by(
        PodIpRange.for_system_vms.desc(), PodIpRange.id))
    for item in ranges:
        if system_only and not item.for_system_vms:
            continue
        taken = take_pod_address(pod, item, nic.id)
        if taken is not None:
            return {"ip4": taken, "netmask": pod.netmask, "gateway": pod.gateway}
    raise InsufficientCapacity(f"No free management IP address in pod {pod.name}")


def take_pod_address(pod: Pod, ip_range: PodIpRange, nic_id: int | None) -> str | None:
    """Take a free address of a pod's range; None where there is none left. Within a transaction."""
    free = PodIpAddress.select().where(PodIpAddress.pod == pod.id, PodIpAddress.range_id == ip_range.id,
                                       PodIpAddress.taken.is_null()).order_by(PodIpAddress.id)
    for _ in range(20):
        candidates = list(free.limit(8))
        if not candidates:
            return None
        found = random.choice(candidates)
        if PodIpAddress.update(taken=now(), nic_id=nic_id).where(
                PodIpAddress.id == found.id, PodIpAddress.taken.is_null()).execute():
            return str(found.ip)
    return None


def _storage(nic: Nic, pod: Pod) -> dict[str, Any] | None:
    """An address of the pod's storage network, where it has one of its own."""
    for item in StorageIpRange.alive(StorageIpRange.pod == pod.id):
        first, last = (int(ipaddress.IPv4Address(ip)) for ip in (item.start_ip, item.end_ip))
        used = {row[0] for row in GuestIp.select(GuestIp.number).where(
            GuestIp.network == nic.network_id, GuestIp.number.between(first, last)).tuples()}
        for number in range(first, last + 1):
            if number not in used and _claim(nic.network, number, nic):
                uri = f"vlan://{item.vlan}" if item.vlan else None
                return {"ip4": str(ipaddress.IPv4Address(number)), "netmask": item.netmask, "gateway": item.gateway,
                        "broadcast_uri": uri, "isolation_uri": uri}
    return None


def give_back(nic: Nic) -> None:
    """Free the NIC's address. Within a transaction; safe to repeat."""
    PodIpAddress.update(taken=None, nic_id=None).where(PodIpAddress.nic_id == nic.id).execute()
    GuestIp.delete().where(GuestIp.network == nic.network_id, GuestIp.nic_id == nic.id).execute()
    if nic.traffic_type in RESERVED_AT_START:
        Nic.update(ip4=None, netmask=None, gateway=None).where(Nic.id == nic.id).execute()
