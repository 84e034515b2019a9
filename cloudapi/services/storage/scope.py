"""The scope of a pool, changed: from its cluster to the whole zone and back."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.infrastructure import Cluster, Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.services.capacity import capacity
from cloudapi.services.storage import pool as pools
from cloudapi.services.storage.maintenance import ACTIVE
from cloudapi.services.storage.primary import ZONE_WIDE_HYPERVISORS


def change(context: Context, pool: StoragePool, scope: str, cluster: Cluster | None) -> None:
    """Give a disabled pool another scope; hosts attach it, or give it up. A job's work.

    :raises InvalidParameter: the pool is not disabled, the scope is the one it has, or there is no such.
    :raises InternalError: machines on other clusters run with disks on it.
    """
    wanted = scope.strip().upper()
    if wanted not in ("ZONE", "CLUSTER"):
        raise InvalidParameter(f"Invalid scope {scope} for Primary storage: it is ZONE or CLUSTER")
    if pool.scope == wanted:
        raise InvalidParameter("New scope must be different than the current scope")
    if pool.scope not in ("ZONE", "CLUSTER"):
        raise InvalidParameter("This operation is supported only for Primary storages having scope CLUSTER or ZONE")
    if pool.state != "Disabled":
        raise InvalidParameter(f"Scope of the Primary storage with id {pool.uuid} cannot be changed, as it is not in "
                               "the Disabled state")
    zone = Zone.get_by_id(pool.zone_id)
    if zone.allocation_state == "Disabled":
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.uuid}")
    if wanted == "ZONE":
        _widen(context, pool)
    else:
        _narrow(context, pool, cluster)


def _write(pool: StoragePool, **columns: object) -> None:
    StoragePool.update(columns).where(StoragePool.id == pool.id).execute()
    capacity.register_pool(StoragePool.get_by_id(pool.id))


def _widen(context: Context, pool: StoragePool) -> None:
    cluster = Cluster.get_by_id(pool.cluster_id)
    if cluster.hypervisor_type not in ZONE_WIDE_HYPERVISORS:
        raise InvalidParameter("Primary storage scope change to Zone is not supported for hypervisor type "
                               f"{cluster.hypervisor_type}")
    context.steps.run(
        "widen", lambda: _write(pool, scope="ZONE", cluster=None, pod=None, hypervisor_type=cluster.hypervisor_type),
        undo=lambda _: _write(pool, scope="CLUSTER", cluster=cluster.id, pod=cluster.pod_id))
    pools.attach_all(context, StoragePool.get_by_id(pool.id))


def _narrow(context: Context, pool: StoragePool, cluster: Cluster | None) -> None:
    if cluster is None:
        raise InvalidParameter("Cluster ID not provided: parameter clusterid is needed for scope CLUSTER")
    if cluster.zone_id != pool.zone_id or cluster.hypervisor_type != pool.hypervisor_type:
        raise InvalidParameter(f"clusterid: cluster {cluster.uuid} is not of the pool's zone and hypervisor")
    if cluster.allocation_state == "Disabled":
        raise PermissionDenied(f"Cannot perform this operation, Cluster is currently disabled: {cluster.uuid}")
    with_disk = Volume.select(Volume.vm_id).where(Volume.pool == pool.id, Volume.removed.is_null())
    elsewhere = (Machine.alive(Machine.id.in_(with_disk), Machine.state.in_((*ACTIVE, "Restoring")))
                 .join(Host, on=(Machine.host == Host.id)).where(Host.cluster != cluster.id).count())
    if elsewhere:
        raise InternalError(
            f"Cannot change scope of the storage pool [{pool.name}] to cluster [{cluster.name}] as there are "
            f"{elsewhere} VMs with volumes in this pool that are running on other clusters. "
            "All such User VMs must be stopped and "
            "System VMs must be destroyed before proceeding. Please use the API listAffectedVmsForStorageScopeChange "
            "to get the list.")
    for host in pools.hosts_of(pool):
        if host.cluster_id != cluster.id:
            pools.detach(context, pool, host)
    context.steps.run("narrow", lambda: _write(pool, scope="CLUSTER", cluster=cluster.id, pod=cluster.pod_id))
