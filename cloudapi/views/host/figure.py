"""Loaders of what hosts have beside their row: capacity, load, tags, comments."""

from __future__ import annotations

from typing import Any

from cloudapi.api.view import Page, stamp
from cloudapi.models.database import rows
from cloudapi.services.capacity import capacity
from cloudapi.services.capacity.summary import decimal

Loaded = dict[int, dict[str, Any]]


def marks(page: Page) -> str:
    return ",".join("?" * len(page.ids))


def load_capacity(page: Page) -> Loaded:
    cpu_factor = capacity.factors("cpu.overprovisioning.factor", "Cluster")
    memory_factor = capacity.factors("mem.overprovisioning.factor", "Cluster")
    found: Loaded = {}
    for host_id, cluster_id, kind, used, total in rows(
            f"SELECT host_id, cluster_id, kind, used + reserved, total FROM capacity WHERE host_id IN ({marks(page)}) "
            "AND kind IN (0, 1)", page.ids):
        figures = found.setdefault(host_id, {})
        times = (cpu_factor if kind == capacity.CPU else memory_factor)(cluster_id)
        share = f"{decimal(100 * used / (total * times) if total else 0)}%"
        if kind == capacity.CPU:
            figures.update(cpu=used, cpu_total=decimal(total * times), cpu_share=share)
        else:
            figures.update(memory=used, memory_total=int(total * times), memory_total_text=decimal(total * times),
                           memory_share=share)
    return found


def load_statistics(page: Page) -> Loaded:
    return {host_id: {"cpu": f"{decimal(cpu)}%", "load": load, "memory": memory, "read": read, "write": write}
            for host_id, cpu, load, memory, read, write in rows(
                "SELECT host_id, cpu_percent, load_average, memory_used, network_read_kib, network_write_kib "
                f"FROM host_statistics WHERE host_id IN ({marks(page)})", page.ids)}


def load_tags(page: Page) -> Loaded:
    ha_tag = page.context.settings.get("ha.tag")
    tags: dict[int, list[tuple[str, bool, bool]]] = {}
    for host_id, tag, is_rule, implicit in rows(
            f"SELECT host_id, tag, is_rule, implicit FROM host_tag WHERE host_id IN ({marks(page)}) "
            "ORDER BY id", page.ids):
        tags.setdefault(host_id, []).append((tag, bool(is_rule), bool(implicit)))
    found: Loaded = {}
    for host_id, listed in tags.items():
        explicit = ",".join(tag for tag, _, implicit in listed if not implicit)
        implicits = ",".join(tag for tag, _, implicit in listed if implicit)
        found[host_id] = {"all": ",".join(tag for tag, _, _ in listed), "explicit": explicit or None,
                          "implicit": implicits or None, "rule": any(is_rule for _, is_rule, _ in listed),
                          "ha": bool(ha_tag) and any(tag == ha_tag for tag, _, _ in listed)}
    return found


def load_local_storage(page: Page) -> dict[int, bool]:
    return {row[0]: True for row in rows(
        "SELECT DISTINCT p.host_id FROM storage_pool p JOIN volume v ON v.pool_id = p.id WHERE p.removed IS NULL "
        "AND p.scope = 'HOST' AND v.removed IS NULL AND v.vm_id IS NOT NULL "
        f"AND p.host_id IN ({marks(page)})", page.ids)}


def load_annotations(page: Page) -> Loaded:
    """Return the last comment on each host that the caller may read."""
    uuids = {uuid: number for number, uuid in page.values("uuid").items()}
    hidden = "" if page.context.caller.is_root_admin else " AND a.admins_only = ?"
    found: Loaded = {}
    for uuid, text, created, username in rows(
            "SELECT a.entity_uuid, a.text, a.created, u.username FROM annotation a LEFT JOIN cloud_user u "
            f"ON u.id = a.user_id WHERE a.removed IS NULL AND a.entity_uuid IN ({marks(page)}){hidden} ORDER BY a.id",
            [*uuids, *([False] if hidden else [])]):
        found[uuids[uuid]] = {"text": text, "moment": stamp(created), "user": username}
    return found


def load_suitability(page: Page) -> dict[int, bool]:
    """Return which hosts suit the Instance that the command asks about; nothing where it asks about none."""
    targets = getattr(page.arguments, "targets", None)
    if targets is None:
        return {}
    return {number: number in targets.refusals and targets.refusals[number] is None for number in page.ids}


def load_storage_motion(page: Page) -> dict[int, bool]:
    targets = getattr(page.arguments, "targets", None)
    if targets is None:
        return {}
    return {number: number in targets.storage_motion for number in page.ids}
