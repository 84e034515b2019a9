"""What hosts and storage pools can give, and what is given: the rows that deployments compete for.

A take is one conditional update per row, so that two deployments can never both have the last of something.
Amounts are MHz, bytes and cores; call within a transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peewee

from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.database import execute, rows, transact
from cloudapi.models.infrastructure import Capacity, CapacityReservation, Host
from cloudapi.placement.pool import OVERPROVISIONED_POOLS
from cloudapi.settings import REGISTRY

MEMORY, CPU, STORAGE, STORAGE_ALLOCATED, PUBLIC_IP, PRIVATE_IP = range(6)
SECONDARY_STORAGE, VLAN, DIRECT_PUBLIC_IP, LOCAL_STORAGE = range(6, 10)
CORES = 90


def factors(name: str, scope: str) -> Callable[[int | None], float]:
    """Return an over-provisioning setting of every place at once, as the database has it now."""
    values = {(where, scope_id): value for where, scope_id, value in rows(
        "SELECT scope, scope_id, value FROM setting_value WHERE name = ?", (name,))}
    setting = REGISTRY[name]

    def of(scope_id: int | None) -> float:
        stored = values.get((scope, scope_id or 0)) or values.get(("Global", 0)) or setting.default
        return float(str(setting.parse(stored)))

    return of


def cpu_factor(cluster_id: int | None) -> float:
    return factors("cpu.overprovisioning.factor", "Cluster")(cluster_id)


def memory_factor(cluster_id: int | None) -> float:
    return factors("mem.overprovisioning.factor", "Cluster")(cluster_id)


def pool_factor(pool: Any) -> float:
    """Return how many times its size a storage pool may promise."""
    if pool.pool_type not in OVERPROVISIONED_POOLS:
        return 1.0
    return factors("storage.overprovisioning.factor", "StoragePool")(pool.id)


def _put(place: dict[str, Any], kind: int, total: int) -> None:
    where = [getattr(Capacity, name) == value for name, value in place.items() if name in ("host_id", "pool_id")]
    changed = Capacity.update(total=total, **place).where(Capacity.kind == kind, *where).execute()
    if not changed:
        Capacity.create(kind=kind, total=total, **place)


def register_host(host: Host) -> None:
    """Write what a host has; what is given of it stays as it is. Also where its hardware has changed."""
    place = {"zone_id": host.zone_id, "pod_id": host.pod_id, "cluster_id": host.cluster_id, "host_id": host.id,
             "enabled": host.resource_state == "Enabled"}
    _put(place, CPU, host.cpus * host.speed)
    _put(place, MEMORY, host.memory - host.dom0_memory)
    _put(place, CORES, host.cpus)


def enable_host(host: Host, enabled: bool) -> None:
    """Count the host's capacity or, in maintenance and when disabled, do not."""
    Capacity.update(enabled=enabled).where(Capacity.host_id == host.id).execute()


def remove_host(host: Host) -> None:
    CapacityReservation.delete().where(CapacityReservation.host_id == host.id).execute()
    Capacity.delete().where(Capacity.host_id == host.id).execute()


def register_pool(pool: Any) -> None:
    """Write what a storage pool has; what is given of it stays. Also where its size has changed."""
    place = {"zone_id": pool.zone_id, "pod_id": pool.pod_id, "cluster_id": pool.cluster_id, "pool_id": pool.id}
    _put(place, LOCAL_STORAGE if pool.scope == "HOST" else STORAGE_ALLOCATED, pool.capacity_bytes)


def remove_pool(pool: Any) -> None:
    Capacity.delete().where(Capacity.pool_id == pool.id).execute()


def _add(host_id: int, kind: int, *, used: int = 0, reserved: int = 0) -> None:
    """Change a row by these amounts; it never falls below nothing."""
    values: dict[Any, Any] = {}
    for column, amount in ((Capacity.used, used), (Capacity.reserved, reserved)):
        if amount:
            values[column] = peewee.Case(None, [(column + amount > 0, column + amount)], 0)
    if values:
        Capacity.update(values).where(Capacity.host_id == host_id, Capacity.kind == kind).execute()


def _take_row(host_id: int, kind: int, amount: int, times: float) -> bool:
    return bool(execute("UPDATE capacity SET used = used + ? WHERE host_id = ? AND kind = ? "
                        "AND used + reserved + ? <= total * ?", (amount, host_id, kind, amount, times)))


def take_host(host: Host, cpu_mhz: int, memory_bytes: int, cores: int, *, machine_id: int | None = None) -> bool:
    """Take of a host's capacity; where it has not as much, take nothing and return False.

    Cores are counted, not limited: they are shared in time.

    :param machine_id: for whom; what it kept when it stopped (on this host or another) is let go first.
    """
    if machine_id is not None:
        release_reservation(machine_id)
    if not _take_row(host.id, CPU, cpu_mhz, cpu_factor(host.cluster_id)):
        return False
    if not _take_row(host.id, MEMORY, memory_bytes, memory_factor(host.cluster_id)):
        _add(host.id, CPU, used=-cpu_mhz)
        return False
    _add(host.id, CORES, used=cores)
    return True


def give_back_host(host: Host, cpu_mhz: int, memory_bytes: int, cores: int, *, keep_for: int | None = None) -> None:
    """Give back what was taken.

    :param keep_for: the id of a machine that was stopped: the amounts stay reserved for it (for the time of the
        setting capacity.skipcounting.hours), so that nobody takes its place while it reboots or is changed.
    """
    for kind, amount in ((CPU, cpu_mhz), (MEMORY, memory_bytes), (CORES, cores)):
        _add(host.id, kind, used=-amount, reserved=amount if keep_for is not None else 0)
    if keep_for is not None:
        release_reservation(keep_for)
        CapacityReservation.create(machine_id=keep_for, host_id=host.id, cpu_mhz=cpu_mhz, memory_bytes=memory_bytes,
                                   cores=cores, since=now())


def _drop(row: CapacityReservation) -> None:
    if CapacityReservation.delete().where(CapacityReservation.machine_id == row.machine_id).execute():
        for kind, amount in ((CPU, row.cpu_mhz), (MEMORY, row.memory_bytes), (CORES, row.cores)):
            _add(row.host_id, kind, reserved=-amount)


def release_reservation(machine_id: int) -> None:
    """Let go what a stopped machine keeps; nothing where it keeps nothing."""
    row = CapacityReservation.get_or_none(CapacityReservation.machine_id == machine_id)
    if row is not None:
        _drop(row)


def release_reservations(*where: Any) -> int:
    """Let go what stopped machines keep, as far as the conditions on CapacityReservation say. Returns how many."""
    kept = list(CapacityReservation.select().where(*where) if where else CapacityReservation.select())
    for row in kept:
        _drop(row)
    return len(kept)


def expire_reservations(context: Context) -> None:
    """Let go what machines keep that were stopped before the time of the setting capacity.skipcounting.hours (s)."""
    before = now() - int(context.settings.get("capacity.skipcounting.hours")) * 1000
    transact(lambda: release_reservations(CapacityReservation.since < before))


def take_pool(pool: Any, size_bytes: int, iops: int = 0) -> bool:
    """Take of a storage pool's capacity; where it has not as much (bytes over-provisioned), return False.

    :param iops: operations a second, which count where the pool has a limit of them.
    """
    limit = rows("SELECT capacity_iops FROM storage_pool WHERE id = ?", [pool.id])[0][0] if iops else None
    within, values = ("", []) if limit is None else (" AND iops + ? <= ?", [iops, limit])
    return bool(execute("UPDATE capacity SET used = used + ?, iops = iops + ? WHERE pool_id = ? "
                        f"AND used + reserved + ? <= total * ?{within}",
                        (size_bytes, iops, pool.id, size_bytes, pool_factor(pool), *values)))


def give_back_pool(pool: Any, size_bytes: int, iops: int = 0) -> None:
    left = {column: peewee.Case(None, [(column > amount, column - amount)], 0)
            for column, amount in ((Capacity.used, size_bytes), (Capacity.iops, iops)) if amount}
    if left:
        Capacity.update(left).where(Capacity.pool_id == pool.id).execute()
