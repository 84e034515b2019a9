"""Lists of Instances."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.api.access import ANY
from cloudapi.api.command import EVERYONE, ROOT
from cloudapi.api.listing import ListCommand, Listing, OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Text, TextList
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.identity import User, UserData
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.machine import AffinityGroup, InstanceGroup, Machine
from cloudapi.models.network import Network
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.storage import StoragePool, Template
from cloudapi.views.virtual_machine.affected import AffectedMachineView
from cloudapi.views.virtual_machine.virtual_machine import VirtualMachineView

GROUPS = ("all", "group", "nics", "stats", "secgrp", "tmpl", "servoff", "diskoff", "backoff", "iso", "volume", "min",
          "affgrp", "vnfnics")


class ListVirtualMachines(TagParameters, OwnedListCommand):
    """Lists Instances."""

    lasting = True
    roles, response = EVERYONE, VirtualMachineView
    tag_type = "UserVm"
    keywords = ("name", "display_name", "instance_name", "state")

    id = Entity(Machine, column="id", minus_one=True, removed=True, help="the Instance with this ID")
    ids = EntityList(Machine, column="id", since="4.4", help="the Instances with these IDs")
    name = Text(help="Instances of this name; a part of it will do")
    state = Text(help="Instances in this state; Present for all that are not being removed")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="Instances in this zone")
    groupid = Entity(InstanceGroup, column="group_id", minus_one=True, help="Instances of this Instance group")
    forvirtualnetwork = Flag(help="Instances in isolated networks, or (false) in others")
    networkid = Entity(Network, minus_one=True, help="Instances in this network")
    hypervisor = Text(help="Instances of this hypervisor")
    details = TextList(choices=GROUPS, help="which groups of fields to show; min for none of them")
    templateid = Entity(Template, column="template_id", minus_one=True, help="Instances made from this template")
    isoid = Entity(Template, column="iso_id", minus_one=True, help="Instances with this ISO in the drive")
    vpcid = Entity(access=ANY, help="Instances in networks of this VPC")
    affinitygroupid = Entity(AffinityGroup, minus_one=True, help="Instances of this affinity group")
    keypair = Text(help="Instances with the SSH key pair of this name")
    serviceofferingid = Entity(ServiceOffering, column="service_offering_id", since="4.4", minus_one=True,
                               help="Instances with this service offering")
    backupofferingid = Entity(access=ANY, since="4.17", help="Instances with this backup offering")
    displayvm = Flag(since="4.4", roles=ROOT, column="display", help="Instances by whether their owners see them")
    userid = Entity(User, column="user_id", minus_one=True, help="Instances that this user deployed")
    securitygroupid = Entity(access=ANY, since="4.15", help="Instances of this security group")
    haenable = Flag(since="4.15", column="ha_enabled", help="Instances by whether they are restarted elsewhere")
    autoscalevmgroupid = Entity(access=ANY, since="4.18.0", help="Instances of this autoscaling group")
    extensionid = Entity(access=ANY, since="4.21.0", help="Instances of this extension")
    showicon = Flag(default=False, since="4.16.0.0", help="add the icon of each Instance")
    accumulate = Flag(since="4.17.0", help="what was read and written in all samples together instead of the last one; "
                      "without it as vm.stats.increment.metrics says")
    userdata = Flag(default=False, since="4.18.0.0", help="add the user data")
    userdataid = Entity(UserData, column="user_data_id", since="4.20.1", minus_one=True,
                        help="Instances with this registered user data")
    arch = Text(since="4.20.1", column="arch", help="Instances of this CPU architecture")
    leased = Flag(since="4.21.0", help="Instances that carry a lease, or (false) do not")
    gpuenabled = Flag(since="4.21.0", help="Instances that have a GPU, or (false) have none")
    isvnf = Flag(since="4.19.0", help="Instances made from VNF templates, or (false) from others")
    retrieveonlyresourcecount = Flag(default=False, help="only the count")
    hostid = Entity(Host, column="host_id", roles=ROOT, minus_one=True, help="Instances on this host")
    podid = Entity(Pod, roles=ROOT, minus_one=True, help="Instances in this pod")
    clusterid = Entity(Cluster, roles=ROOT, since="4.16.0", minus_one=True, help="Instances in this cluster")
    storageid = Entity(StoragePool, roles=ROOT, minus_one=True, help="Instances with volumes on this storage pool")

    def groups(self, context: Context) -> Sequence[str] | None:
        if not self.details:
            if context.settings.get("list.vm.default.details.stats"):
                return None
            return [group for group in GROUPS if group not in ("all", "min", "stats")]
        return None if "all" in self.details else self.details

    def run(self, context: Context) -> Listing:
        if self.retrieveonlyresourcecount:
            return Listing([], self.query(context).count())
        return super().run(context)

    def filter(self, context: Context, query: Query) -> None:
        query.equals("kind", "User")
        self._filter_state(context, query)
        if self.name:
            query.search(["name", "display_name"], self.name)
        if self.hypervisor:
            query.where("LOWER(t.hypervisor_type) = ?", self.hypervisor.lower())
        self._filter_places(query)
        self._filter_offers(query)
        if self.leased is not None:
            query.where(f"t.lease_action IS {'NOT ' if self.leased else ''}NULL")
        if self.keypair:
            query.where("t.id IN (SELECT k.machine_id FROM machine_key_pair k WHERE k.name = ?)", self.keypair)
        if self.affinitygroupid is not None:
            query.where("t.id IN (SELECT a.machine_id FROM affinity_group_member a WHERE a.group_id = ?)",
                        number(self.affinitygroupid))
        self.filter_tags(query)

    def _filter_state(self, context: Context, query: Query) -> None:
        if self.state and self.state.lower() == "present":
            query.where("t.state NOT IN ('Destroyed', 'Expunging')")
        elif self.state:
            query.where("LOWER(t.state) = ?", self.state.lower())
        if not context.caller.is_admin:
            seen = context.settings.get("allow.user.view.destroyed.vm", account=context.caller.account_id)
            query.where("t.display = ?", True)
            query.where("t.state <> 'Expunging'" if seen else "t.state NOT IN ('Destroyed', 'Expunging')")

    def _filter_places(self, query: Query) -> None:
        if self.networkid is not None:
            query.where("t.id IN (SELECT n.vm_id FROM nic n WHERE n.network_id = ? AND n.removed IS NULL)",
                        number(self.networkid))
        if self.forvirtualnetwork is not None:
            query.where(f"t.id {'' if self.forvirtualnetwork else 'NOT '}IN (SELECT n.vm_id FROM nic n JOIN network w "
                        "ON w.id = n.network_id WHERE n.removed IS NULL AND w.guest_type = 'Isolated')")
        if self.podid is not None:
            query.equals("pod_id", number(self.podid))
        if self.clusterid is not None:
            query.where("COALESCE(t.host_id, t.last_host_id) IN (SELECT h.id FROM host h WHERE h.cluster_id = ?)",
                        number(self.clusterid))
        if self.storageid is not None:
            query.where("t.id IN (SELECT v.vm_id FROM volume v WHERE v.pool_id = ? AND v.removed IS NULL)",
                        number(self.storageid))

    def _filter_offers(self, query: Query) -> None:
        if self.gpuenabled is not None:
            query.where(f"t.service_offering_id {'' if self.gpuenabled else 'NOT '}IN "
                        "(SELECT o.id FROM service_offering o WHERE o.gpu_count > 0)")
        if self.isvnf is not None:
            query.where(f"COALESCE(t.template_id, 0) {'' if self.isvnf else 'NOT '}IN "
                        "(SELECT i.id FROM template i WHERE i.template_type = 'VNF')")


def number(value: object) -> int:
    """Return the id behind an entity parameter; -1 stands for nothing."""
    return value if isinstance(value, int) else int(value.id)  # type: ignore[attr-defined]


class ListAffectedVmsForStorageScopeChange(ListCommand):
    """Lists the machines outside of a cluster that would lose a storage pool which becomes the cluster's own."""

    roles, response = ROOT, AffectedMachineView
    since = "4.19.1"

    clusterid = Entity(Cluster, access=ANY, required=True, help="the cluster that the pool would belong to")
    storageid = Entity(StoragePool, access=ANY, required=True, help="the storage pool")

    def filter(self, context: Context, query: Query) -> None:
        query.where("t.id IN (SELECT v.vm_id FROM volume v WHERE v.pool_id = ? AND v.removed IS NULL)",
                    self.storageid.id)
        query.where("COALESCE(t.host_id, t.last_host_id) IN (SELECT h.id FROM host h WHERE h.cluster_id <> ?)",
                    self.clusterid.id)
