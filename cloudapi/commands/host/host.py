"""Hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ADMINS, ROOT, Command
from cloudapi.api.listing import ListCommand, Listing
from cloudapi.api.parameters import Entity, Flag, Map, NewName, Parameter, Text, TextList
from cloudapi.api.query import Query
from cloudapi.commands.zone.place import (
    ALLOCATION_STATES,
    ARCHITECTURES,
    INFRASTRUCTURE_ADMINS,
    filter_access_group,
)
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.database import snapshot, transact
from cloudapi.models.infrastructure import Cluster, GuestOsCategory, Host, Pod, Zone
from cloudapi.models.machine import Machine
from cloudapi.services.cluster.cluster import HYPERVISORS
from cloudapi.services.host import host as hosts
from cloudapi.services.host import migration
from cloudapi.services.storage import image_store
from cloudapi.views.host.agent import SystemVmAgentView
from cloudapi.views.host.host import GROUPS, HostForMigrationView, HostTagView, HostView
from cloudapi.views.storage.image_store import SecondaryStorageView
from cloudapi.views.system_vm.agent import AGENTS


class Yes(Parameter):
    """A boolean of which any value but `true` means no: clients pass `hahost=invalidvalue` and expect a list."""

    api_type = "boolean"

    def parse(self, value: Any) -> bool:
        return str(value).strip().lower() == "true"


class ListHosts(ListCommand):
    """Lists hosts, and after them the agents of system VMs."""

    roles, response = INFRASTRUCTURE_ADMINS, HostView
    keywords = ("name", "status", "kind", "version")

    id = Entity(Host, Machine, access=ANY, minus_one=True, help="the host with this ID; that of a system VM for its "
                                                                "agent")
    name = Text(column="name", help="the host of this name, or the agent of the system VM of this name")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="hosts of this zone")
    podid = Entity(Pod, column="pod_id", minus_one=True, help="hosts of this pod")
    clusterid = Entity(Cluster, column="cluster_id", minus_one=True, help="hosts of this cluster")
    state = Text(column="status", help="hosts in this state: Up, Alert, Down …")
    resourcestate = Text(column="resource_state", help="hosts in this resource state: Enabled, Disabled, Maintenance …")
    type = Text(column="kind", help="hosts of this type: Routing, or the agents of system VMs: ConsoleProxy, "
                                   "SecondaryStorageVM")
    hypervisor = Text(help="hosts of this hypervisor; one that does not exist filters nothing")
    virtualmachineid = Entity(Machine, access=ANY, help="hosts that this Instance could be moved to, and whether they "
                                                        "suit")
    details = TextList(choices=GROUPS, help="groups of fields to show: all, capacity, events, stats, min, core")
    hahost = Yes(help="true: hosts kept for restarts after failures; false: the others")
    outofbandmanagementenabled = Flag(help="hosts whose out-of-band management is on, or off")
    outofbandmanagementpowerstate = Text(help="hosts in this power state, by out-of-band management")
    managementserverid = Entity(access=ANY, since="4.21.0", help="hosts of this management server")
    arch = Text(column="arch", choices=ARCHITECTURES, since="4.20.1", help="hosts of this CPU architecture")
    storageaccessgroup = Text(since="4.21.0", help="hosts with this storage access group")
    version = Text(column="version", since="4.20.3", help="hosts whose agent has this version")

    targets: migration.Targets | None = None

    def run(self, context: Context) -> Listing:
        with snapshot():
            query, groups = self.query(context), self.groups(context)
            offset, limit = self.limits(context)
            ids, count = query.page(offset, limit)
            query.table, query.order = AGENTS, "t.id DESC"
            agents, number = query.page(max(0, offset - count), None if limit is None else limit - len(ids))
            shown = self.response.render(context, ids, groups, self)
            shown += SystemVmAgentView.render(context, [-agent for agent in agents], groups, self)
            return Listing(shown, count + number)

    def filter(self, context: Context, query: Query) -> None:
        self._filter_id(query)
        kind = HYPERVISORS.get((self.hypervisor or "").strip().lower())
        if kind is not None:
            query.equals("hypervisor_type", kind)
        if self.virtualmachineid is not None:
            self.targets = migration.targets(context, self.virtualmachineid)
            query.among("id", self.targets.ids)
        self._filter_ha(context, query)
        # No host has out-of-band management yet: it is off everywhere, and no power state is known.
        if self.outofbandmanagementenabled or self.outofbandmanagementpowerstate:
            query.nothing()
        filter_access_group(query, "Host", self.storageaccessgroup)

    def _filter_id(self, query: Query) -> None:
        if self.id == -1:
            query.nothing()
        elif isinstance(self.id, Machine):
            query.equals("id", -self.id.id)
        elif self.id is not None:
            query.equals("id", self.id.id)

    def _filter_ha(self, context: Context, query: Query) -> None:
        tag = context.settings.get("ha.tag")
        if self.hahost is not None and tag:
            negation = "" if self.hahost else "NOT "
            query.where(f"t.id {negation}IN (SELECT g.host_id FROM host_tag g WHERE g.tag = ?)", tag)

    def groups(self, context: Context) -> Sequence[str] | None:
        return None if not self.details or "all" in self.details else self.details


class FindHostsForMigration(ListCommand):
    """Finds the hosts that a running Instance can be moved to."""

    roles, response = ROOT, HostForMigrationView

    virtualmachineid = Entity(Machine, access=ANY, required=True, help="the Instance")

    targets: migration.Targets | None = None

    def filter(self, context: Context, query: Query) -> None:
        self.targets = migration.targets(context, self.virtualmachineid)
        query.among("id", self.targets.ids)


class ListHostTags(ListCommand):
    """Lists the tags of hosts."""

    roles, response = ADMINS, HostTagView
    keywords = ("tag",)

    def filter(self, context: Context, query: Query) -> None:
        query.where("t.host_id IN (SELECT h.id FROM host h WHERE h.removed IS NULL)")


class AddHost(Command):
    """Adds a host."""

    roles, response = INFRASTRUCTURE_ADMINS, HostView
    atomic = False

    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    podid = Entity(Pod, access=ANY, required=True, help="the pod")
    clusterid = Entity(Cluster, access=ANY, help="the cluster")
    clustername = Text(help="name of the cluster, which is made where there is none; instead of clusterid")
    hypervisor = Text(required=True, help="its hypervisor: KVM, Simulator …, in any case")
    url = Text(required=True, help="where it is reached, such as http://10.0.0.7 or http://sim/c0/h0")
    username = Text(help="user who may administer it")
    password = Text(secret=True, help="password of the user")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed on it")
    hosttags = TextList(help="its tags")
    storageaccessgroups = TextList(since="4.21.0", help="its storage access groups")
    externaldetails = Map(since="4.21.0", help="details for the extension that drives it")

    def run(self, context: Context) -> Any:
        return [hosts.add(
            context, self.zoneid, self.podid, cluster=self.clusterid, cluster_name=self.clustername, url=self.url,
            hypervisor_type=self.hypervisor, username=self.username, password=self.password,
            allocation_state=self.allocationstate, tags=self.hosttags, storage_access_groups=self.storageaccessgroups,
            external_details=self.externaldetails)]


class AddSecondaryStorage(Command):
    """Adds secondary storage over NFS."""

    roles, response = ROOT, SecondaryStorageView
    atomic = False

    url = Text(required=True, help="where it is, such as nfs://host/path")
    zoneid = Entity(Zone, access=ANY, help="the zone that it serves")
    details = Map(secret=True, help="what is needed to reach it")

    def run(self, context: Context) -> Any:
        return image_store.add(context, None, self.url, self.zoneid, "NFS", self.details)


class UpdateHost(Command):
    """Changes a host."""

    roles, response = ROOT, HostView

    id = Entity(Host, access=ANY, required=True, help="the host")
    name = NewName(since="4.15", roles=ROOT, help="a new name")
    oscategoryid = Entity(GuestOsCategory, access=ANY, help="the guest OS category that it prefers")
    guestosrule = Text(length=1024, help="a rule about the guest OS of its Instances")
    allocationstate = Text(help="Enable or Disable: whether Instances may be placed on it")
    hosttags = TextList(clears=True, help="its tags instead of those before; empty for none")
    istagarule = Flag(help="whether the tag is a rule")
    url = Text(help="another address, of a host that serves secondary storage")
    annotation = Text(since="4.11", roles=ROOT, length=2048, help="a comment on it")
    externaldetails = Map(since="4.21.0", help="details for the extension that drives it")
    cleanupexternaldetails = Flag(since="4.22.0", help="take the details for the extension away")

    def run(self, context: Context) -> Any:
        return hosts.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class UpdateHostPassword(Command):
    """Keeps another password for a host, or for all hosts of a cluster."""

    roles = ROOT
    atomic = False

    hostid = Entity(Host, access=ANY, help="the host")
    clusterid = Entity(Cluster, access=ANY, help="the cluster")
    username = Text(required=True, help="the user")
    password = Text(required=True, secret=True, help="the password")
    update_passwd_on_host = Flag(default=False, help="change it on the hosts as well")

    def run(self, context: Context) -> None:
        if (self.hostid is None) == (self.clusterid is None):
            raise InvalidParameter("You should provide one of parameters hostid and clusterid")
        found = [self.hostid] if self.hostid is not None else list(Host.alive(Host.cluster == self.clusterid.id))
        if self.update_passwd_on_host:
            hosts.change_password(context, found, self.username, self.password)
        transact(lambda: hosts.update_password(context, found, self.username, self.password))


class DeleteHost(Command):
    """Deletes a host."""

    roles = INFRASTRUCTURE_ADMINS
    atomic = False

    id = Entity(Host, access=ANY, required=True, help="the host")
    forced = Flag(default=False, help="also one that is not in maintenance; what runs on it is stopped")
    forcedestroylocalstorage = Flag(default=False, help="what lies on its own disks goes with it")

    def run(self, context: Context) -> None:
        hosts.delete(context, self.id, self.forced, self.forcedestroylocalstorage)
