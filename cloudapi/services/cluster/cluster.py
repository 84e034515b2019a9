"""The rules of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter, PermissionDenied
from cloudapi.models.base import now
from cloudapi.models.common import Annotation
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import Capacity, Cluster, Host, Pod, Zone
from cloudapi.models.storage import StoragePool
from cloudapi.services import detail
from cloudapi.services.host import connection
from cloudapi.services.storage import access

HYPERVISORS = {name.lower(): name for name in (
    "KVM", "XenServer", "VMware", "Hyperv", "BareMetal", "LXC", "Ovm", "Ovm3", "Simulator", "External", "Custom")}
SECURITY_GROUPS = ("KVM", "XenServer", "LXC", "Simulator")

CLOUD_MANAGED, EXTERNAL_MANAGED = "CloudManaged", "ExternalManaged"

# Details whose values are sealed in the database and shown to nobody.
SECRETS = ("password", "vsmpassword")


def hypervisor(name: str, parameter: str = "hypervisor") -> str:
    """Return the hypervisor's name as it is written everywhere.

    :raises InvalidParameter: there is none of this name.
    """
    try:
        return HYPERVISORS[name.strip().lower()]
    except KeyError:
        raise InvalidParameter(f"Unable to resolve {name[:64]} to a supported hypervisor (parameter {parameter}): it "
                               "is one "
                               f"of {', '.join(HYPERVISORS.values())}") from None


def check_place(context: Context, zone: Zone, pod: Pod) -> None:
    """Refuse a pod of another zone, and a disabled zone to all but root admins."""
    if zone.allocation_state == "Disabled" and not context.caller.is_root_admin:
        raise PermissionDenied(f"Cannot perform this operation, Zone with specified id is currently disabled: "
                               f"{zone.uuid}")
    if pod.zone_id != zone.id:
        raise InvalidParameter(f"Pod with specified id (podid) {pod.uuid} doesn't belong to the zone {zone.uuid} "
                               "(zoneid)")


def create(context: Context, zone: Zone, pod: Pod, name: str, hypervisor_type: str, cluster_type: str, *,
           arch: str = "x86_64", allocation_state: str | None = None, details: Mapping[str, str | None],
           storage_access_groups: list[str] | None = None,
           external_details: Mapping[str, str] | None = None) -> Cluster:
    """Make a cluster. Within a transaction.

    :param details: what its hypervisor's manager is reached by (url, username, password, …).
    :raises InvalidParameter: the pod is in another zone, the hypervisor is unknown or does not go with the zone.
    :raises InternalError: the pod has a cluster of this name.
    """
    check_place(context, zone, pod)
    if not name.strip():
        raise InvalidParameter("Please specify cluster name: parameter clustername is empty")
    kind = hypervisor(hypervisor_type)
    if zone.security_groups and zone.network_type == "Advanced" and kind not in SECURITY_GROUPS:
        raise InvalidParameter(f"Don't support hypervisor type {kind} in advanced security enabled zone")
    if external_details:
        raise InvalidParameter("externaldetails can be specified only with extensionid")
    if Cluster.alive(Cluster.pod == pod.id, Cluster.name == name).exists():
        raise InternalError(f"Unable to create cluster {name} in pod {pod.uuid} and data center {zone.uuid}: "
                            "the pod has a cluster of this name")
    given = {key: value for key, value in details.items() if value is not None}
    if cluster_type == EXTERNAL_MANAGED:
        _check_manager(kind, given.get("url"))
    cluster: Cluster = Cluster.create(name=name, zone=zone, pod=pod, hypervisor_type=kind, cluster_type=cluster_type,
                                      allocation_state=allocation_state or "Enabled", arch=arch)
    for key in SECRETS:
        if key in given:
            given[key] = context.installation.secrets.seal(given[key])
    detail.put(cluster, {key: value for key, value in given.items() if key not in SECRETS})
    detail.put(cluster, {key: value for key, value in given.items() if key in SECRETS}, display=False)
    access.put(cluster, storage_access_groups or [])
    return cluster


def _check_manager(kind: str, url: str | None) -> None:
    """Check how a cluster that is managed by another program (vCenter) can be reached."""
    if not url:
        raise InvalidParameter("parameter url is missing: a cluster of clustertype ExternalManaged is found by it")
    parts = urlsplit(unquote(url))
    if not parts.scheme:
        raise InvalidParameter(f"uri.scheme is null {url[:80]} for parameter url, add http:// as a prefix")
    if parts.scheme.lower() == "http" and (not parts.hostname or not parts.path):
        raise InvalidParameter(f"Your host and/or path is wrong in parameter url ({url[:80]}). Make sure it's of the "
                               "format "
                               "http://hostname/path")
    raise InvalidParameter(f"Unable to add the external cluster: there is no driver for managers of {kind} clusters")


def update(context: Context, cluster: Cluster, values: dict[str, Any]) -> Cluster:
    """Change a cluster. Outside of transactions, as hosts may have to be disconnected or connected.

    :param values: by the names of `updateCluster`'s parameters.
    :raises InvalidParameter: a value that the cluster's hosts, or its hypervisor, do not allow.
    """
    changes: dict[str, Any] = {}
    if values.get("externaldetails"):
        raise InvalidParameter(f"Cluster: {cluster.name} is not registered with any extension, details cannot be "
                               "updated "
                               "(externaldetails)")
    name = values.get("clustername")
    if name is not None:
        if cluster.hypervisor_type == "VMware":
            raise InvalidParameter("clustername: a VMware cluster has its name from vCenter and cannot be renamed here")
        if Cluster.alive(Cluster.pod == cluster.pod_id, Cluster.name == name, Cluster.id != cluster.id).exists():
            raise InvalidParameter(f"clustername: the pod has a cluster named {name} already")
        changes["name"] = name
    hosts = Host.alive(Host.cluster == cluster.id, Host.kind == "Routing")
    if values.get("hypervisor"):
        kind = hypervisor(values["hypervisor"])
        if kind != cluster.hypervisor_type and hosts.exists():
            raise InvalidParameter(f"hypervisor: the cluster has hosts of {cluster.hypervisor_type} and cannot become "
                                   f"{kind}")
        changes["hypervisor_type"] = kind
    if values.get("arch"):
        present = sorted({host.arch for host in hosts})
        if any(arch != values["arch"] for arch in present):
            raise InvalidParameter(f"arch: Cluster has host(s) present with arch type(s): {', '.join(present)}")
        changes["arch"] = values["arch"]
    for parameter, column in (("clustertype", "cluster_type"), ("allocationstate", "allocation_state")):
        if values.get(parameter):
            changes[column] = values[parameter]
    if changes:
        transact(lambda: Cluster.update(changes).where(Cluster.id == cluster.id).execute())
    if values.get("managedstate") and values["managedstate"] != cluster.managed_state:
        _set_managed(context, cluster, values["managedstate"] == "Managed")
    found: Cluster = Cluster.get_by_id(cluster.id)
    return found


def _set_managed(context: Context, cluster: Cluster, managed: bool) -> None:
    """Give up the connections to a cluster's hosts, or take them up again. The Instances run on meanwhile."""
    transact(lambda: Cluster.update(managed_state="Managed" if managed else "PrepareUnmanaged")
             .where(Cluster.id == cluster.id).execute())
    failed = False
    for host in Host.alive(Host.cluster == cluster.id, Host.kind == "Routing").order_by(Host.id):
        if managed:
            connection.try_connect(context, host)
        elif not connection.disconnect(host):
            failed = True
    if not managed:
        state = "PrepareUnmanagedError" if failed else "Unmanaged"
        transact(lambda: Cluster.update(managed_state=state).where(Cluster.id == cluster.id).execute())
    if failed:
        raise InternalError("PrepareUnmanaged failed: some hosts are in a state that does not let them go")


def delete(context: Context, cluster: Cluster) -> None:
    """Delete a cluster that has neither hosts nor storage pools. Within a transaction.

    :raises InternalError: it has.
    """
    checks: tuple[tuple[peewee.Query, str], ...] = (
        (Host.alive(Host.cluster == cluster.id), "hosts"),
        (StoragePool.alive(StoragePool.cluster == cluster.id), "storage pools"))
    for query, what in checks:
        if query.exists():
            raise InternalError(f"Cluster: {cluster.name} cannot be removed. Cluster still has {what}")
    moment = now()
    Capacity.delete().where(Capacity.cluster_id == cluster.id).execute()
    Annotation.update(removed=moment).where(Annotation.entity_uuid == cluster.uuid).execute()
    detail.remove(cluster)
    Cluster.update(removed=moment).where(Cluster.id == cluster.id).execute()
