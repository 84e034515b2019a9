"""Primary storage as admins manage it: pools are added, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter, PermissionDenied, ResourceInUse
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.storage import StoragePool, TemplatePool, Volume
from cloudapi.services import detail
from cloudapi.services.host import agent
from cloudapi.services.storage import access, address
from cloudapi.services.storage import pool as pools
from cloudapi.services.template import copy as template_copies
from cloudapi.states import storage_pool as _states  # noqa: F401 - declares the table
from cloudapi.states.base import transition

PROVIDER = "DefaultPrimary"
ZONE_WIDE_HYPERVISORS = ("KVM", "VMware", "Hyperv", "LXC", "Simulator", "Any")
SCOPES = ("ZONE", "CLUSTER", "HOST")
MOUNT_OPTIONS = "nfsmountopts"
CAPACITY = "capacityBytes"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new pool is to be; capacities in bytes and operations a second."""

    name: str
    url: str
    zone: Zone
    pod: Pod | None = None
    cluster: Cluster | None = None
    scope: str | None = None
    hypervisor: str | None = None
    tags: Sequence[str] = ()
    tag_is_rule: bool = False
    access_groups: Sequence[str] = ()
    details: Mapping[str, str] | None = None
    managed: bool = False
    capacity_bytes: int | None = None
    capacity_iops: int | None = None


def create(context: Context, wanted: Wanted) -> StoragePool:
    """Make a pool and attach it to every host of its scope. Outside transactions; where it fails, nothing stays.

    :raises InvalidParameter: the URL, the scope or its place cannot be.
    :raises ResourceInUse: there is a pool at that address.
    :raises ResourceUnavailable: no host of the scope is up.
    """
    where = address.parse(wanted.url)
    values = {**_place(wanted, where), **_kind(wanted, where)}
    details = _checked_details(wanted, values)
    pool = transact(lambda: _write(wanted, where, values, details))
    try:
        pools.attach_all(context, pool)
    except ApiError:
        _detach_all(context, pool)
        transact(lambda: pools.forget(pool))
        raise

    def finish() -> None:
        transition(pool, "Attached")

    transact(finish)
    return StoragePool.get_by_id(pool.id)


def _place(wanted: Wanted, where: address.StorageAddress) -> dict[str, Any]:
    """Return the columns that say whose pool it is."""
    scope = (wanted.scope or ("HOST" if where.scheme == "file" else "CLUSTER")).upper()
    if scope not in SCOPES:
        raise InvalidParameter(f"invalid scope for pool {wanted.scope}: it is one of {', '.join(SCOPES)}")
    if where.scheme == "file" and not wanted.zone.local_storage:
        raise InvalidParameter(f"Local storage is not enabled for zone: {wanted.zone.uuid}")
    if scope == "ZONE":
        if wanted.hypervisor is None:
            raise InvalidParameter("Missing parameter hypervisor. Hypervisor type is required to create zone wide "
                                   "primary storage.")
        known = {name.lower(): name for name in ZONE_WIDE_HYPERVISORS}
        if wanted.hypervisor.lower() not in known:
            raise InvalidParameter(f"Zone wide storage pool is not supported for hypervisor type {wanted.hypervisor}")
        return {"scope": scope, "hypervisor_type": known[wanted.hypervisor.lower()]}
    if wanted.cluster is None:
        raise InvalidParameter("cluster id can't be null, if scope is cluster")
    if wanted.cluster.zone_id != wanted.zone.id:
        raise InvalidParameter(f"clusterid: cluster {wanted.cluster.uuid} is not in zone {wanted.zone.uuid}")
    if wanted.pod is not None and wanted.cluster.pod_id != wanted.pod.id:
        raise InvalidParameter(f"podid: cluster {wanted.cluster.uuid} is not in pod {wanted.pod.uuid}")
    place = {"scope": scope, "pod": wanted.cluster.pod_id, "cluster": wanted.cluster.id,
             "hypervisor_type": wanted.cluster.hypervisor_type}
    if scope == "HOST":
        place["host_id"] = _local_host(wanted.cluster, where).id
    return place


def _local_host(cluster: Cluster, where: address.StorageAddress) -> Host:
    """Return the host whose own disk a `file://address/path` is."""
    for host in Host.alive(Host.cluster == cluster.id, Host.kind == "Routing").order_by(Host.id):
        if where.host in (host.private_ip, host.storage_ip, host.name):
            return host
    raise InvalidParameter(f"host {where.host or '(none)'} not found: url names one of the cluster's hosts, as in "
                           "file://address/path")


def _kind(wanted: Wanted, where: address.StorageAddress) -> dict[str, Any]:
    """Return the columns that say what and where it is."""
    pool_type = address.POOL_TYPES.get(where.scheme)
    if pool_type is None:
        raise InvalidParameter(f"Invalid value for parameter url: storage of scheme {where.scheme} is unknown; known "
                               f"are {', '.join(address.POOL_TYPES)}")
    port = where.port or (2049 if pool_type == "NetworkFilesystem" else 0)
    return {"pool_type": pool_type, "host_address": where.host, "path": where.path, "port": port,
            "user_info": where.user_info}


def _checked_details(wanted: Wanted, values: Mapping[str, Any]) -> dict[str, str]:
    details = dict(wanted.details or {})
    for name, minimum in (("capacitybytes", wanted.capacity_bytes), ("capacityiops", wanted.capacity_iops)):
        if minimum is not None and minimum <= 0:
            raise InvalidParameter(f"Invalid value for parameter {name}: {minimum} is not a positive number")
    if wanted.capacity_bytes is not None:
        details[CAPACITY] = str(wanted.capacity_bytes)
    if MOUNT_OPTIONS in details:
        check_mount_options(details[MOUNT_OPTIONS], values["hypervisor_type"], values["pool_type"])
    return details


def check_mount_options(text: str, hypervisor: str | None, pool_type: str) -> None:
    """Refuse NFS mount options that are written twice, or on what is not NFS for KVM."""
    if hypervisor not in ("KVM", "Simulator"):
        raise InvalidParameter(f"NFS options can not be set for the hypervisor type {hypervisor}")
    if pool_type != "NetworkFilesystem":
        raise InvalidParameter("NFS options can only be set on pool type NetworkFilesystem")
    seen: set[str] = set()
    for option in text.split(","):
        name, separator, value = (part.strip() for part in option.partition("="))
        if not name or (separator and not value):
            raise InvalidParameter(f"Invalid value for NFS option {name or option!r} in details")
        if name in seen:
            raise InvalidParameter(f"Duplicate NFS option values found for option {name} in details")
        seen.add(name)


def _write(wanted: Wanted, where: address.StorageAddress, values: Mapping[str, Any],
           details: Mapping[str, str]) -> StoragePool:
    same = StoragePool.alive(StoragePool.host_address == where.host, StoragePool.path == where.path,
                             StoragePool.pool_type == values["pool_type"]).first()
    if same is not None:
        raise ResourceInUse(f"Storage pool {where.host}{where.path} is in use already, as {same.name} (id={same.uuid})")
    if not wanted.name.strip():
        raise InvalidParameter("Invalid value for parameter name: a storage pool needs a name")
    pool = StoragePool.create(
        name=wanted.name, zone=wanted.zone.id, url=wanted.url, state="Initialized", provider=PROVIDER,
        tags=",".join(wanted.tags), is_tag_a_rule=wanted.tag_is_rule, managed=wanted.managed,
        capacity_iops=wanted.capacity_iops, storage_access_groups=list(wanted.access_groups), **values)
    detail.put(pool, details)
    return pool


def update(context: Context, pool: StoragePool, values: Mapping[str, Any]) -> StoragePool:
    """Change a pool; new figures reach the hosts that have it. Outside transactions.

    :param values: by the names of `updateStoragePool`'s parameters.
    :raises InvalidParameter: the pool's state does not allow it, or a value cannot be.
    """
    changes: dict[str, Any] = {}
    details = dict(values.get("details") or {})
    if values.get("name", "").strip():
        changes["name"] = values["name"]
    if "tags" in values:
        changes["tags"] = ",".join(values["tags"])
    if "istagarule" in values:
        changes["is_tag_a_rule"] = values["istagarule"]
    for name in ("capacitybytes", "capacityiops"):
        if values.get(name) is not None and values[name] <= 0:
            raise InvalidParameter(f"Invalid value for parameter {name}: {values[name]} is not a positive number")
    if values.get("capacityiops") is not None:
        changes["capacity_iops"] = values["capacityiops"]
    if values.get("capacitybytes") is not None:
        if values["capacitybytes"] < pool.used_bytes:
            raise InvalidParameter(f"Invalid value for parameter capacitybytes: {pool.used_bytes} bytes are in use")
        details[CAPACITY] = str(values["capacitybytes"])
    if MOUNT_OPTIONS in details:
        check_mount_options(details[MOUNT_OPTIONS], pool.hypervisor_type, pool.pool_type)
        if pool.state != "Maintenance":
            raise InvalidParameter("The storage pool should be in maintenance mode to edit nfs options")
    if values.get("url") is not None:
        changes.update(_moved(pool, values["url"]))

    def write() -> None:
        if changes:
            StoragePool.update(changes).where(StoragePool.id == pool.id).execute()
        detail.put(pool, details)
        if changes or details:
            events.completed(context, "UPDATE.PS", f"updating primary storage pool {pool.name} ({pool.uuid})", pool)
        if values.get("enabled") is not None:
            _switch(context, pool, values["enabled"])

    transact(write)
    found: StoragePool = StoragePool.get_by_id(pool.id)
    if details and found.state in pools.USABLE:
        for host in pools.hosts_of(found):
            pools.attach(context, found, host)
        found = StoragePool.get_by_id(pool.id)
    return found


def _moved(pool: StoragePool, url: str) -> dict[str, Any]:
    """Return the columns of another address for the same storage; hosts attach it there when maintenance ends."""
    if pool.state != "Maintenance":
        raise InvalidParameter("The storage pool should be in maintenance mode to change its url")
    where = address.parse(url)
    if address.POOL_TYPES.get(where.scheme) != pool.pool_type:
        raise InvalidParameter(f"Invalid value for parameter url: a {pool.pool_type} pool cannot become {where.scheme}")
    return {"url": url, "host_address": where.host, "path": where.path, "user_info": where.user_info}


def _switch(context: Context, pool: StoragePool, enabled: bool) -> None:
    """Let the pool take new volumes, or not. Within a transaction."""
    wanted, other = ("Disabled", "enabled") if enabled else ("Up", "disabled")
    if pool.state != wanted:
        raise InvalidParameter(f"Primary storage {pool.uuid} cannot be {other}. Storage pool state : {pool.state}")
    transition(pool, "EnableRequested" if enabled else "DisableRequested")
    events.completed(context, "ENABLE.PS" if enabled else "DISABLE.PS",
                     f"{'enabling' if enabled else 'disabling'} primary storage pool {pool.name} ({pool.uuid})", pool)


def delete(context: Context, pool: StoragePool, forced: bool) -> None:
    """Delete a pool in maintenance; hosts give it up, what it holds of templates is given up with it.

    :param forced: expunge the destroyed volumes that are left on it.
    :raises InvalidParameter: it is not in maintenance.
    :raises InternalError: there are volumes on it.
    """
    from cloudapi.services.volume import removal

    if pool.state != "Maintenance":
        raise InvalidParameter(f"Unable to delete storage due to it is not in Maintenance state, pool: {pool.uuid}")
    left = list(Volume.alive(Volume.pool == pool.id))
    if any(volume.state not in ("Destroy", "Expunging", "Expunged") for volume in left) or (left and not forced):
        raise InternalError(f"Cannot delete pool {pool.name}: there are non-destroyed volumes associated to this pool.")
    copies = list(TemplatePool.select().where(TemplatePool.pool == pool.id))
    hosts = pools.in_scope(pool)
    if hosts and (left or copies):
        # Hosts gave the pool up for maintenance; to delete what is on it they take it once more.
        pools.attach_all(context, pool)
    for volume in left:
        removal.remove(context, volume)
    for copy in copies:
        template_copies.evict(context, copy, hosts)
    _detach_all(context, pool)

    def work() -> None:
        transition(pool, "Deleted")
        pools.forget(pool)

    transact(work)


def _detach_all(context: Context, pool: StoragePool) -> None:
    for host in pools.hosts_of(pool):
        pools.detach(context, pool, host)


def refresh_capabilities(context: Context, pool: StoragePool) -> StoragePool:
    """Ask a host anew what the pool can do.

    :raises InternalError: the pool is no NFS, or not up.
    """
    if pool.pool_type != "NetworkFilesystem":
        raise InternalError("Storage capabilities update only supported on NFS storage mounted.")
    if pool.state not in ("Initialized", "Up"):
        raise InternalError(f"Primary storage {pool.uuid} is not in the right state to update capabilities")
    host = pools.host_for(pool)
    known = agent.call(context, host, "host.describe")["capabilities"]
    found = {"volume_snapshots": str(bool(known.get("snapshots"))).lower(),
             "live_resize": str(bool(known.get("live_resize"))).lower()}
    transact(lambda: StoragePool.update(capabilities=found).where(StoragePool.id == pool.id).execute())
    return StoragePool.get_by_id(pool.id)


def check_admin_of_zone(context: Context, zone: Zone) -> None:
    """Refuse a disabled zone to all but root admins."""
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone is currently disabled: {zone.uuid}")


def configure_access(context: Context, record: Any, groups: Sequence[str]) -> None:
    """Set the storage access groups of a zone, pod, cluster, host or pool, and attach and detach accordingly.

    :raises InvalidParameter: a group is set further up already, local storage, or a host would lose a pool in use.
    """
    if isinstance(record, StoragePool) and record.scope == "HOST":
        raise InvalidParameter("Storage Access Groups are not suitable for local storage")
    double = sorted(set(groups).intersection([] if isinstance(record, StoragePool) else access.inherited(record)))
    if double:
        raise InvalidParameter(f"storageaccessgroups: access groups already exist above: {', '.join(double)}")
    before = access.own(record)
    context.steps.run("set groups", lambda: access.put(record, groups), undo=lambda _: access.put(record, before))
    zone_id = record.id if isinstance(record, Zone) else record.zone_id
    for pool in list(StoragePool.alive(StoragePool.zone == zone_id, StoragePool.state.in_(pools.USABLE))):
        attached = {host.id: host for host in pools.hosts_of(pool)}
        wanted = {host.id: host for host in pools.in_scope(pool)}
        for host_id in sorted(attached.keys() - wanted.keys()):
            pools.detach(context, pool, attached[host_id])
        for host_id in sorted(wanted.keys() - attached.keys()):
            pools.attach(context, pool, wanted[host_id])
