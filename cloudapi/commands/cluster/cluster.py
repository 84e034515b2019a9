"""Clusters."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Map, NewName, Text, TextList
from cloudapi.api.query import Query
from cloudapi.commands.zone.place import (
    ALLOCATION_STATES,
    ARCHITECTURES,
    INFRASTRUCTURE_ADMINS,
    filter_access_group,
)
from cloudapi.context import Context
from cloudapi.models.infrastructure import Cluster, Pod, Zone
from cloudapi.services.cluster import cluster as clusters
from cloudapi.views.cluster.cluster import ClusterView

CLUSTER_TYPES = (clusters.CLOUD_MANAGED, clusters.EXTERNAL_MANAGED)
DETAILS = ("url", "username", "password", "vsmusername", "vsmpassword", "vsmipaddress", "guestvswitchtype",
           "publicvswitchtype", "guestvswitchname", "publicvswitchname", "ovm3pool", "ovm3cluster", "ovm3vip")


class ListClusters(ListCommand):
    """Lists clusters."""

    lasting = True
    roles, response = INFRASTRUCTURE_ADMINS, ClusterView
    keywords = ("name", "hypervisor_type")

    id = Entity(Cluster, column="id", minus_one=True, help="the cluster with this ID")
    name = Text(column="name", help="the cluster of this name")
    podid = Entity(Pod, column="pod_id", minus_one=True, help="clusters of this pod")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="clusters of this zone")
    hypervisor = Text(help="clusters of this hypervisor, in any case")
    clustertype = Text(column="cluster_type", help="clusters of this type")
    allocationstate = Text(column="allocation_state", help="clusters in this state: Enabled or Disabled")
    managedstate = Text(column="managed_state", help="clusters in this state: Managed, Unmanaged …")
    showcapacities = Flag(default=False, help="add the capacities of each cluster")
    arch = Text(column="arch", choices=ARCHITECTURES, since="4.20.1", help="clusters of this CPU architecture")
    storageaccessgroup = Text(since="4.21.0", help="clusters with this storage access group")

    def filter(self, context: Context, query: Query) -> None:
        if self.hypervisor:
            query.where("LOWER(t.hypervisor_type) = ?", self.hypervisor.lower())
        filter_access_group(query, "Cluster", self.storageaccessgroup)


class AddCluster(Command):
    """Adds a cluster."""

    roles, response = ROOT, ClusterView

    clustername = Text(required=True, help="its name, unique in the pod")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    podid = Entity(Pod, access=ANY, required=True, help="the pod")
    hypervisor = Text(required=True, help="hypervisor of its hosts: KVM, Simulator …, in any case")
    clustertype = Text(required=True, choices=CLUSTER_TYPES, help="who manages it: CloudManaged or ExternalManaged")
    arch = Text(choices=ARCHITECTURES, since="4.20", help="CPU architecture of its hosts; x86_64 where it is not given")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed in it")
    url = Text(help="where its manager is reached")
    username = Text(help="user at its manager")
    password = Text(secret=True, help="password at its manager")
    vsmusername = Text(help="user at the virtual supervisor module of its switch (VMware)")
    vsmpassword = Text(secret=True, help="password at the virtual supervisor module")
    vsmipaddress = Text(help="address of the virtual supervisor module")
    guestvswitchtype = Text(help="kind of switch for guest traffic (VMware)")
    publicvswitchtype = Text(help="kind of switch for public traffic (VMware)")
    guestvswitchname = Text(help="switch for guest traffic (VMware)")
    publicvswitchname = Text(help="switch for public traffic (VMware)")
    ovm3pool = Text(help="name of the server pool (OVM3)")
    ovm3cluster = Text(help="name of the cluster at the server pool (OVM3)")
    ovm3vip = Text(help="address of the server pool (OVM3)")
    storageaccessgroups = TextList(since="4.21.0", help="the storage access groups of its hosts")
    extensionid = Entity(access=ANY, since="4.21.0", help="the extension that drives its hosts")
    externaldetails = Map(since="4.21.0", help="details for the extension")

    def run(self, context: Context) -> Any:
        return [clusters.create(
            context, self.zoneid, self.podid, self.clustername, self.hypervisor, self.clustertype,
            arch=self.arch or "x86_64", allocation_state=self.allocationstate,
            details={name: getattr(self, name) for name in DETAILS},
            storage_access_groups=self.storageaccessgroups, external_details=self.externaldetails)]


class UpdateCluster(Command):
    """Changes a cluster."""

    roles, response = ROOT, ClusterView
    atomic = False

    id = Entity(Cluster, access=ANY, required=True, help="the cluster")
    clustername = NewName(help="a new name")
    hypervisor = Text(help="another hypervisor, while it has no hosts")
    clustertype = Text(choices=CLUSTER_TYPES, help="who manages it")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed in it")
    managedstate = Text(choices=("Managed", "Unmanaged"), help="whether its hosts are connected to")
    arch = Text(choices=ARCHITECTURES, since="4.20", help="CPU architecture of its hosts")
    externaldetails = Map(since="4.21.0", help="details for its extension")

    def run(self, context: Context) -> Any:
        return clusters.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteCluster(Command):
    """Deletes a cluster that has neither hosts nor storage pools."""

    roles = ROOT

    id = Entity(Cluster, access=ANY, required=True, help="the cluster")

    def run(self, context: Context) -> None:
        clusters.delete(context, self.id)
