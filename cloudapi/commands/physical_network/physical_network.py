"""Physical networks and the traffic that they carry."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import ListCommand, Listing
from cloudapi.api.parameters import Entity, Text, TextList
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import PhysicalNetwork, TrafficType
from cloudapi.services.physical_network import catalogue
from cloudapi.services.physical_network import physical_network as physical_networks
from cloudapi.services.physical_network import traffic_type as traffic_types
from cloudapi.views.physical_network.physical_network import (
    IsolationMethodView,
    PhysicalNetworkView,
    TrafficTypeImplementorView,
    TrafficTypeView,
)


class CreatePhysicalNetwork(AsyncCreateCommand):
    """Makes a physical network."""

    roles, event, response, since = ROOT, "PHYSICAL.NETWORK.CREATE", PhysicalNetworkView, "3.0.0"
    creates = PhysicalNetwork

    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    name = Text(required=True, help="its name")
    vlan = Text(help="VLANs that its isolated networks take, as 100-200,300-310")
    networkspeed = Text(length=16, help="its speed, as 1G")
    domainid = Entity(Domain, access=ANY, help="the domain that has it")
    broadcastdomainrange = Text(help="Zone in an Advanced zone, Pod in a Basic one")
    tags = TextList(help="a tag by which network offerings choose it")
    isolationmethods = TextList(help="VLAN, VXLAN, GRE or L3")

    def create(self, context: Context) -> PhysicalNetwork:
        return physical_networks.create(
            context, self.zoneid, self.name, vlans=self.vlan, speed=self.networkspeed, domain=self.domainid,
            broadcast_range=self.broadcastdomainrange, tags=self.tags or (),
            isolation_methods=self.isolationmethods or ())

    def run(self, context: Context) -> PhysicalNetwork:
        return self.created


class UpdatePhysicalNetwork(AsyncCommand):
    """Changes a physical network."""

    roles, event, response, since = ROOT, "PHYSICAL.NETWORK.UPDATE", PhysicalNetworkView, "3.0.0"

    id = Entity(PhysicalNetwork, access=ANY, required=True, lock=True, help="the physical network")
    networkspeed = Text(length=16, help="its speed, as 1G")
    tags = TextList(help="a tag by which network offerings choose it")
    state = Text(help="Enabled or Disabled")
    vlan = Text(help="all VLANs that its isolated networks take, as 100-200,300-310; empty for none")

    def run(self, context: Context) -> int:
        def change() -> int:
            return int(physical_networks.update(context, self.id, speed=self.networkspeed, tags=self.tags,
                                                state=self.state, vlans=self.vlan).id)

        return context.steps.run("update", change)


class DeletePhysicalNetwork(AsyncCommand):
    """Deletes a physical network."""

    roles, event, since = ROOT, "PHYSICAL.NETWORK.DELETE", "3.0.0"

    id = Entity(PhysicalNetwork, access=ANY, required=True, lock=True, help="the physical network")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: physical_networks.delete(context, self.id))


class ListPhysicalNetworks(ListCommand):
    """Lists physical networks."""

    lasting = True
    roles, response, since = ROOT, PhysicalNetworkView, "3.0.0"

    id = Entity(PhysicalNetwork, column="id", minus_one=True, help="the physical network with this ID")
    zoneid = Entity(Zone, column="zone_id", help="those of this zone")
    name = Text(help="those whose name contains this")

    def filter(self, context: Context, query: Query) -> None:
        if self.name:
            query.search(("name",), self.name)


class _Labels:
    """The names of the hosts' bridges, by hypervisor."""

    xennetworklabel = Text(help="name of the bridge on XenServer hosts")
    kvmnetworklabel = Text(help="name of the bridge on KVM hosts")
    vmwarenetworklabel = Text(help="name of the switch on VMware hosts")
    hypervnetworklabel = Text(help="name of the switch on Hyper-V hosts")
    ovm3networklabel = Text(help="name of the bridge on OVM3 hosts")

    def labels(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {
            "xenserver": self.xennetworklabel, "kvm": self.kvmnetworklabel,
            "vmware": self.vmwarenetworklabel, "hyperv": self.hypervnetworklabel,
            "ovm3": self.ovm3networklabel}
        return found


class AddTrafficType(_Labels, AsyncCreateCommand):
    """Lets a physical network carry a kind of traffic."""

    action = "adding a traffic type to a physical network"
    roles, event, response, since = ROOT, "TRAFFIC.TYPE.CREATE", TrafficTypeView, "3.0.0"
    creates = TrafficType

    physicalnetworkid = Entity(PhysicalNetwork, access=ANY, required=True, help="the physical network")
    traffictype = Text(required=True, help="Guest, Public, Management, Storage or Control")
    vlan = Text(help="the VLAN of management traffic on VMware hosts")
    isolationmethod = Text(help="how the traffic is kept apart, where the physical network has several methods")

    def create(self, context: Context) -> TrafficType:
        return traffic_types.create(context, self.physicalnetworkid, self.traffictype, labels=self.labels(),
                                    vlan=self.vlan, isolation_method=self.isolationmethod)

    def run(self, context: Context) -> TrafficType:
        return self.created


class UpdateTrafficType(_Labels, AsyncCommand):
    """Changes the names of the hosts' bridges for a kind of traffic."""

    action = "updating a traffic type"
    roles, event, response, since = ROOT, "TRAFFIC.TYPE.UPDATE", TrafficTypeView, "3.0.0"

    id = Entity(TrafficType, access=ANY, required=True, lock=True, help="the traffic type")

    def run(self, context: Context) -> int:
        return context.steps.run("update", lambda: int(traffic_types.update(context, self.id, self.labels()).id))


class DeleteTrafficType(AsyncCommand):
    """Stops a physical network from carrying a kind of traffic."""

    action = "deleting a traffic type"
    roles, event, since = ROOT, "TRAFFIC.TYPE.DELETE", "3.0.0"

    id = Entity(TrafficType, access=ANY, required=True, lock=True, help="the traffic type")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: traffic_types.delete(context, self.id))


class ListTrafficTypes(ListCommand):
    """Lists the kinds of traffic that a physical network carries."""

    roles, response, since = ROOT, TrafficTypeView, "3.0.0"
    keywords = ("traffic_type",)

    physicalnetworkid = Entity(PhysicalNetwork, column="physical_network_id", required=True,
                               help="the physical network")


class _FactList(ListCommand):
    """A list of what the program knows by itself, without records."""

    def facts(self) -> list[dict[str, str]]:
        raise TypeError(f"{type(self).__name__} has no facts()")

    def run(self, context: Context) -> Listing:
        found = [item for item in self.facts()
                 if not self.keyword or any(self.keyword.lower() in value.lower() for value in item.values())]
        offset, limit = self.limits(context)
        return Listing(found[offset:] if limit is None else found[offset:offset + limit], len(found))


class ListTrafficTypeImplementors(_FactList):
    """Lists what makes the networks of each kind of traffic."""

    roles, response, since = ROOT, TrafficTypeImplementorView, "3.0.0"

    traffictype = Text(help="the one for this kind of traffic")

    def facts(self) -> list[dict[str, str]]:
        found = [{"traffictype": kind, "traffictypeimplementor": name} for kind, name in catalogue.IMPLEMENTORS
                 if not self.traffictype or kind.lower() == self.traffictype.lower()]
        return found[:1] if self.traffictype else found


class ListNetworkIsolationMethods(_FactList):
    """Lists the ways in which hosts keep networks apart."""

    roles, response, since = ROOT, IsolationMethodView, "4.2.0"

    def facts(self) -> list[dict[str, str]]:
        return [{"name": method} for method in catalogue.ISOLATION_METHODS]
