"""The rules of hosts: adding, changing, deleting them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cloudapi.context import Context
from cloudapi.errors import ApiError, InternalError, InvalidParameter, UnsupportedAction
from cloudapi.models.base import now
from cloudapi.models.common import Annotation
from cloudapi.models.database import transact
from cloudapi.models.infrastructure import (
    CapacityReservation,
    Cluster,
    GuestOsCategory,
    Host,
    HostStatistics,
    HostTag,
    Pod,
    Zone,
)
from cloudapi.models.machine import Machine
from cloudapi.models.storage import StoragePool, Volume
from cloudapi.placement import rule as rules
from cloudapi.services import detail
from cloudapi.services.capacity import capacity
from cloudapi.services.cluster import cluster as clusters
from cloudapi.services.host import agent, connection, tag
from cloudapi.services.storage import access, pool
from cloudapi.states.base import may, transition
from cloudapi.states.host import RESOURCE_STATE

log = logging.getLogger(__name__)

WITHOUT_PASSWORD = ("KVM", "LXC")


def check_url(url: str) -> str:
    """Return a host's address: `http://sim/c0/h0`, `http://10.0.0.7`.

    :raises InvalidParameter: it has no scheme, no host, or is not to be read.
    """
    try:
        parts = urlsplit(url.strip())
        hostname = parts.hostname
    except ValueError:
        raise InvalidParameter(f"{url[:80]} is not a valid uri (parameter url)") from None
    if not parts.scheme or "://" not in url:
        raise InvalidParameter(f"uri.scheme is null {url[:80]} (parameter url), add http:// as a prefix")
    if not hostname:
        raise InvalidParameter(f"Your host and/or path is wrong in parameter url ({url[:80]}). Make sure it's of the "
                               "format "
                               "http://hostname/path")
    return url.strip()


def add(context: Context, zone: Zone, pod: Pod, *, cluster: Cluster | None, cluster_name: str | None, url: str,
        hypervisor_type: str, username: str | None, password: str | None, allocation_state: str | None = None,
        tags: list[str] | None = None, storage_access_groups: list[str] | None = None,
        external_details: Mapping[str, str] | None = None) -> Host:
    """Add a host: it is written down, asked what it is, and up. Outside of transactions, in steps.

    Where it does not answer, nothing of it stays.

    :param cluster_name: makes the cluster where the pod has none of this name; without either one is named by the URL.
    :raises InvalidParameter: the place, the address, the credentials or the hypervisor do not go together.
    :raises ApiError: the host does not answer, or is not what was said.
    """
    clusters.check_place(context, zone, pod)
    if cluster is not None and cluster_name:
        raise InvalidParameter("Can't specify cluster by both id and name (clusterid, clustername)")
    kind = clusters.hypervisor(hypervisor_type)
    if not username or (not password and kind not in WITHOUT_PASSWORD):
        raise InvalidParameter("Username and Password need to be provided (parameters username, password)")
    if external_details:
        raise InvalidParameter("externaldetails are for hosts of hypervisor External, which an extension drives")
    url = check_url(url)
    if cluster is not None:
        _check_cluster(cluster, pod, kind)
    checked = tag.check(tags or [], False)

    def write() -> int:
        home = cluster or _named_cluster(context, zone, pod, cluster_name or f"Standalone-{url}", kind)
        made = Host.create(name=url, zone=zone, pod=pod, cluster=home, hypervisor_type=kind, url=url, status="Creating",
                           resource_state="Disabled" if allocation_state == "Disabled" else "Enabled")
        tag.replace(made, checked)
        access.put(made, storage_access_groups or [])
        store_credentials(context, made, username, password)
        return int(made.id)

    host_id = context.steps.run("write host", write, undo=lambda made: forget(Host.get_by_id(made)))
    host: Host = Host.get_by_id(host_id)
    described = connection.connect(context, host)
    if described["hypervisor"] != kind or described["arch"] != host.cluster.arch:
        raise InvalidParameter(f"Cannot add host {url}: it has hypervisor {described['hypervisor']} on "
                               f"{described['arch']}, its cluster has {kind} on {host.cluster.arch}")
    context.steps.settle()
    return host


def _check_cluster(cluster: Cluster, pod: Pod, kind: str) -> None:
    if cluster.pod_id != pod.id:
        raise InvalidParameter(f"clusterid: cluster {cluster.uuid} is not in pod {pod.uuid} (podid)")
    if cluster.hypervisor_type != kind:
        raise InvalidParameter(f"hypervisor: cluster {cluster.uuid} has hosts of {cluster.hypervisor_type}, not of "
                               f"{kind}")
    if cluster.managed_state != "Managed":
        raise InvalidParameter(f"clusterid: cluster {cluster.uuid} is {cluster.managed_state}, its hosts are not "
                               "connected to")


def _named_cluster(context: Context, zone: Zone, pod: Pod, name: str, kind: str) -> Cluster:
    """Return the pod's cluster of this name, made where there is none."""
    found = Cluster.alive(Cluster.pod == pod.id, Cluster.name == name).first()
    if found is None:
        return clusters.create(context, zone, pod, name, kind, clusters.CLOUD_MANAGED, details={})
    _check_cluster(found, pod, kind)
    made: Cluster = found
    return made


def store_credentials(context: Context, host: Host, username: str, password: str | None) -> None:
    """Keep how a host is entered; the password sealed. Within a transaction."""
    detail.put(host, {"username": username}, display=False)
    if password is not None:
        detail.put(host, {"password": context.installation.secrets.seal(password)}, display=False)


def forget(host: Host) -> None:
    """Take everything away that hangs on a host. Within a transaction."""
    moment = now()
    capacity.remove_host(host)
    pool.disconnect_host(host)
    HostTag.delete().where(HostTag.host == host.id).execute()
    HostStatistics.delete().where(HostStatistics.host_id == host.id).execute()
    Annotation.update(removed=moment).where(Annotation.entity_uuid == host.uuid).execute()
    detail.remove(host)
    Host.update(removed=moment, status="Removed", guid=None).where(Host.id == host.id).execute()


def update(context: Context, host: Host, values: dict[str, Any]) -> Host:
    """Change a host. Within a transaction.

    :param values: by the names of `updateHost`'s parameters.
    :raises InvalidParameter: a value is none.
    :raises TransitionRefused: the host's state does not allow to enable or disable it.
    """
    changes: dict[str, Any] = {}
    if values.get("allocationstate"):
        wanted = {"enable": "Enable", "enabled": "Enable", "disable": "Disable", "disabled": "Disable"}.get(
            values["allocationstate"].strip().lower())
        if wanted is None:
            raise InvalidParameter(f"Invalid value {values['allocationstate'][:64]} for parameter allocationstate: it "
                                   "is "
                                   "Enable or Disable")
        if host.resource_state != wanted + "d":
            if not may(host, wanted, machine=RESOURCE_STATE):
                raise InternalError(f"No transition: a host in state {host.resource_state} does not allow {wanted} "
                                    "(allocationstate)")
            transition(host, wanted, machine=RESOURCE_STATE)
            capacity.enable_host(host, wanted == "Enable")
    if values.get("name"):
        changes["name"] = values["name"]
    changes.update(_guest_os(values))
    if "hosttags" in values:
        tag.replace(host, values["hosttags"], bool(values.get("istagarule")))
    if values.get("externaldetails") or values.get("cleanupexternaldetails"):
        _check_external(host)
    if values.get("url"):
        raise InvalidParameter(f"url: host {host.uuid} does not serve secondary storage, its address cannot be changed")
    if values.get("annotation"):
        Annotation.create(entity_type="HOST", entity_uuid=host.uuid, text=values["annotation"],
                          user_id=context.caller.user_id, admins_only=True)
    if changes:
        Host.update(changes).where(Host.id == host.id).execute()
    found: Host = Host.get_by_id(host.id)
    return found


def _guest_os(values: dict[str, Any]) -> dict[str, Any]:
    """Return which guests the host wants: of a category, by a rule, or any. One takes the place of the other."""
    category: GuestOsCategory | None = values.get("oscategoryid")
    rule: str | None = values.get("guestosrule")
    if category is not None and rule is not None:
        raise InvalidParameter("Informing both guest OS category and guest OS rule is invalid; please, inform only one "
                               "of them: oscategoryid, guestosrule")
    if category is None and rule is None:
        return {}
    if category is not None:
        return {"os_category_id": None if category.name.lower() == "none" else category.id, "guest_os_rule": None}
    if rule:
        try:
            rules.evaluate(rule, {"vmGuestOs": ""})
        except rules.NoRule as error:
            raise InvalidParameter(f"Invalid value for parameter guestosrule: {error}") from None
    return {"os_category_id": None, "guest_os_rule": rule or None}


def _check_external(host: Host) -> None:
    if host.hypervisor_type != "External":
        raise InvalidParameter(f"externaldetails, cleanupexternaldetails: host {host.uuid} is not of hypervisor "
                               "External")


def delete(context: Context, host: Host, forced: bool, destroy_local_storage: bool) -> None:
    """Give a host up. Outside of transactions, in steps.

    :param forced: also a host that is not in maintenance; the Instances that it runs are stopped.
    :param destroy_local_storage: what lies on the host's own disks goes with it.
    :raises InternalError: it is not in maintenance, or runs Instances, and `forced` is not set; or it has volumes.
    """
    from cloudapi.services.virtual_machine import life

    if host.resource_state not in ("Maintenance", "Degraded") and not forced:
        raise InternalError(f"Host with UUID [{host.uuid}] is not in maintenance mode and no forced deletion was "
                            "requested.")
    machines = list(Machine.alive(Machine.host == host.id).order_by(Machine.id))
    if machines and not forced:
        raise InternalError(f"Unable to delete the host as there are Instances in {machines[0].state} state using "
                            "this host "
                            "and isForced=false specified")
    _check_local_volumes(host, destroy_local_storage)
    if may(host, "DeleteHost", machine=RESOURCE_STATE):
        context.steps.run("take no more "
                          "Instances", lambda: transition(host, "DeleteHost", machine=RESOURCE_STATE) and None)
        transact(lambda: capacity.enable_host(host, False))
    for machine in machines:
        life.stop(context, machine, forced=True)
    if host.status == "Up":
        _release(context, host, forced)
    context.steps.run("forget host", lambda: forget(host))


def _check_local_volumes(host: Host, destroy: bool) -> None:
    """Refuse to lose volumes on the host's own disks, unless that is asked for."""
    pools = [row.id for row in StoragePool.alive(StoragePool.host_id == host.id, StoragePool.scope == "HOST")]
    if pools and not destroy and Volume.alive(Volume.pool.in_(pools)).exists():
        raise InternalError(f"Unable to delete host {host.uuid}: volumes lie on its local storage, and "
                            "forcedestroylocalstorage is not set")


def _release(context: Context, host: Host, forced: bool) -> None:
    """Tell the agent that it is given up; a host that is to go by force goes without its answer too."""
    try:
        context.steps.remote("release host", lambda request_id: agent.call(
            context, host, "host.release", {"force": forced}, request_id=request_id))
    except ApiError as error:
        if not forced:
            raise
        log.warning("host %s is given up without its answer: %s", host.name, error.text)


def update_password(context: Context, hosts: list[Host], username: str, password: str) -> None:
    """Keep other credentials for hosts, for the next connection. Within a transaction."""
    for host in hosts:
        store_credentials(context, host, username, password)


def change_password(context: Context, hosts: list[Host], username: str, password: str) -> None:
    """Change a user's password on hosts.

    :raises UnsupportedAction: the hosts' agents cannot.
    """
    for host in hosts:
        capabilities: dict[str, Any] = host.capabilities or {}
        if not capabilities.get("host_password"):
            raise UnsupportedAction(f"update_passwd_on_host: the agent of host {host.name} cannot change the password "
                                    "of "
                                    "its users; change it there, then without this parameter here")


def reconnect(context: Context, host: Host) -> Host:
    """Connect to a host anew: what it is, and its storage. In a job.

    :raises ApiError: it does not answer.
    """
    if host.cluster is not None and host.cluster.managed_state != "Managed":
        raise InvalidParameter(f"Unable to reconnect host {host.uuid}: its cluster is {host.cluster.managed_state}")
    connection.connect(context, host)
    found: Host = Host.get_by_id(host.id)
    return found


def release_reservations(context: Context, host: Host) -> bool:
    """Let go the capacity that stopped Instances keep on a host. Within a transaction.

    :returns: whether there was any.
    """
    return capacity.release_reservations(CapacityReservation.host_id == host.id) > 0
