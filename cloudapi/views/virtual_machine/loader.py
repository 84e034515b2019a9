"""What a page of Instances needs from other tables: one statement each, whatever the size of the page."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Page
from cloudapi.models.database import rows
from cloudapi.services.virtual_machine import password, setting
from cloudapi.views.common import by_resource

KIB = 1024


def marks(values: Any) -> str:
    return ",".join("?" * len(values))


def _nics(page: Page) -> list[tuple[Any, ...]]:
    """Return what the machines' NICs tell of the machines, in the order of devices.

    `(NIC id, machine id, IPv4, IPv6, network id, whether it is the default, bytes received, bytes sent)`
    """
    return list(page.once("nics", lambda: rows(
        "SELECT id, vm_id, ip4, ip6, network_id, is_default, bytes_received, bytes_sent FROM nic WHERE vm_id IN "
        f"({marks(page.ids)}) AND removed IS NULL ORDER BY device_id, id", page.ids)))


def nic_owners(page: Page) -> list[tuple[int, int]]:
    """Return `(NIC id, machine id)` in the order of devices."""
    return [(row[0], row[1]) for row in _nics(page)]


def affinity_members(page: Page) -> list[tuple[int, int]]:
    """Return `(machine id, group id)` of the machines."""
    if not page.any("affinity_group_member"):
        return []
    return [(row[0], row[1]) for row in rows(
        "SELECT m.machine_id, m.group_id FROM affinity_group_member m JOIN affinity_group g ON g.id = m.group_id "
        f"WHERE g.removed IS NULL AND m.machine_id IN ({marks(page.ids)}) ORDER BY m.id", page.ids)]


def default_address(page: Page) -> dict[int, str | None]:
    return {machine: ip4 or ip6 for _, machine, ip4, ip6, _, default, _, _ in _nics(page) if default}


def virtual_network(page: Page) -> dict[int, bool]:
    networks = {machine: network for _, machine, _, _, network, default, _, _ in _nics(page) if default}
    kinds = page.behind("network", ("guest_type",), set(networks.values()))
    return {machine: kinds[network][1] == "Isolated" for machine, network in networks.items()}


def traffic(page: Page) -> dict[int, dict[str, int]]:
    """The bytes that the NICs have counted; absent where nothing was counted."""
    found: dict[int, dict[str, int]] = {}
    for _, machine, _, _, _, _, received, sent in _nics(page):
        if received or sent:
            sums = found.setdefault(machine, {"received": 0, "sent": 0})
            sums["received"] += received
            sums["sent"] += sent
    return found


def public_address(page: Page) -> dict[int, dict[str, str]]:
    """The public address that leads to one of the machine's NICs one to one."""
    if not page.any("ip_address WHERE vm_id IS NOT NULL AND is_static_nat"):
        return {}
    return {vm: {"id": uuid, "ip": ip} for vm, uuid, ip in rows(
        f"SELECT vm_id, uuid, ip FROM ip_address WHERE vm_id IN ({marks(page.ids)}) AND is_static_nat = ?",
        [*page.ids, True])}


def root_disk(page: Page) -> dict[int, dict[str, Any]]:
    return {vm: {"device": device, "type": kind, "pool": pool} for vm, device, kind, pool in rows(
        "SELECT v.vm_id, v.device_id, v.kind, p.pool_type FROM volume v LEFT JOIN storage_pool p ON p.id = v.pool_id "
        f"WHERE v.vm_id IN ({marks(page.ids)}) AND v.kind = 'ROOT' AND v.removed IS NULL AND v.state NOT IN "
        "('Destroy', 'Expunging', 'Expunged')", page.ids)}


def disk_offering(page: Page) -> dict[int, dict[str, str]]:
    """The offering of the data disk that an Instance was deployed with; none where it belongs to a service offering."""
    return {machine: {"id": uuid, "name": name} for machine, uuid, name in rows(
        "SELECT m.id, o.uuid, o.name FROM machine m JOIN disk_offering o ON o.id = m.disk_offering_id "
        f"WHERE m.id IN ({marks(page.ids)}) AND o.compute_only = ?", [*page.ids, False])}


def details(page: Page) -> dict[int, dict[str, Any]]:
    """Details as this caller may see them; secret ones never."""
    root = page.context.caller.is_root_admin
    hidden = set() if root else setting.denied(page.context)
    found: dict[int, dict[str, Any]] = {key: {"details": {}} for key in page.ids}
    for machine_id, name, value, display in by_resource(page, "detail", "Machine", page.ids, "name, value, display"):
        if display and name.lower() not in hidden and not password.is_secret(name):
            found[machine_id]["details"][name] = value
    if not root:
        names = ", ".join(setting.readonly(page.context))
        for entry in found.values():
            entry["readonly"] = names
    return found


def key_pairs(page: Page) -> dict[int, str]:
    if not page.any("machine_key_pair"):
        return {}
    found: dict[int, list[str]] = {}
    for machine_id, name in rows("SELECT machine_id, name FROM machine_key_pair WHERE machine_id IN "
                                 f"({marks(page.ids)}) ORDER BY id", page.ids):
        found.setdefault(machine_id, []).append(name)
    return {key: ",".join(names) for key, names in found.items()}


def user_data(page: Page) -> dict[int, str]:
    if not getattr(page.arguments, "userdata", False):
        return {}
    return {row[0]: row[1] for row in rows(
        f"SELECT id, user_data FROM machine WHERE id IN ({marks(page.ids)}) AND user_data IS NOT NULL", page.ids)}


def iso_limit(page: Page) -> dict[int, int]:
    most = int(page.context.settings.get("vm.iso.max.count"))
    return dict.fromkeys(page.ids, most)


def isos(uuid: str | None, name: str | None, text: str | None, bootable: bool | None) -> list[dict[str, Any]]:
    """The ISO in the drive; its device is the fourth."""
    if uuid is None:
        return []
    return [{"id": uuid, "name": name, "displaytext": text, "deviceseq": 3, "bootable": bool(bootable)}]


def statistics(page: Page) -> dict[int, dict[str, Any]]:
    """The last sample; what was read and written in all samples that are kept, where the caller asks for that."""
    sums = _accumulated(page)
    found = {}
    for row in rows(
            "SELECT machine_id, network_read, network_write, disk_read, disk_write, disk_reads, disk_writes, "
            "cpu_percent, memory_kib, memory_free_kib, memory_target_kib FROM machine_statistics "
            f"WHERE machine_id IN ({marks(page.ids)})", page.ids):
        key, *counted, cpu, memory, free, target = row
        net_in, net_out, read, write, reads, writes = sums.get(key, counted)
        found[key] = {
            "cpuused": f"{round(cpu, 2):g}%", "networkkbsread": net_in // KIB, "networkkbswrite": net_out // KIB,
            "diskkbsread": read // KIB, "diskkbswrite": write // KIB, "memorykbs": memory,
            "memoryintfreekbs": 0 if free >= memory else free, "memorytargetkbs": target, "diskioread": reads,
            "diskiowrite": writes}
    return found


def _accumulated(page: Page) -> dict[int, list[int]]:
    asked = getattr(page.arguments, "accumulate", None)
    if not (page.context.settings.get("vm.stats.increment.metrics") if asked is None else asked):
        return {}
    return {row[0]: [int(value) for value in row[1:]] for row in rows(
        "SELECT machine_id, SUM(network_read), SUM(network_write), SUM(disk_read), SUM(disk_write), SUM(disk_reads), "
        f"SUM(disk_writes) FROM machine_sample WHERE machine_id IN ({marks(page.ids)}) GROUP BY machine_id", page.ids)}


def jobs(page: Page) -> dict[int, dict[str, Any]]:
    """The pending job of each machine, by the machine's UUID; the oldest where several wait."""
    if not page.any("async_job WHERE status = 0"):
        return {}
    uuids = {uuid: key for key, uuid in page.values("uuid").items()}
    found: dict[int, dict[str, Any]] = {}
    for uuid, job, status in rows(
            "SELECT resource_uuid, uuid, status FROM async_job WHERE status = 0 AND resource_uuid IN "
            f"({marks(uuids)}) ORDER BY id", list(uuids)):
        found.setdefault(uuids[uuid], {"id": job, "status": status})
    return found
