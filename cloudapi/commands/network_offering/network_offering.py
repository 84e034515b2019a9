"""Network offerings."""

from __future__ import annotations

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Map, NewName, Rows, Text, TextList
from cloudapi.api.query import Query
from cloudapi.commands.offering.common import Asked, among_domains, in_zone, order_by_key
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import Network
from cloudapi.models.offering import NetworkOffering, ServiceOffering
from cloudapi.services.network_offering import network_offering as offerings
from cloudapi.services.network_offering import service_map
from cloudapi.services.offering import scope
from cloudapi.views.network_offering.network_offering import NetworkOfferingView


class NetworkOfferingParameters:
    """What is said of a network offering when it is made."""

    name = Text(required=True, help="its name")
    displaytext = Text(help="what it is; its name by default")
    tags = Text(length=4096, help="the tag of the physical network that it chooses")
    specifyvlan = Flag(help="a network's maker names its VLAN")
    availability = Text(help="Optional (by default) or Required")
    networkrate = Integer(help="data rate of its networks in Mbit/s")
    conservemode = Flag(help="a public address may serve several services; true by default")
    serviceofferingid = Entity(ServiceOffering, access=ANY, help="the service offering of its routers")
    internetprotocol = Text(since="4.17.0", help="IPv4 (by default), IPv6 or DualStack")
    supportedservices = TextList(help="services of its networks")
    serviceproviderlist = Rows(help="who provides each service: rows with service and provider")
    servicecapabilitylist = Rows(
        help="how a service is provided: rows with service, capabilitytype and capabilityvalue")
    specifyipranges = Flag(help="a network's maker names its ranges of addresses")
    ispersistent = Flag(help="a network runs without Instances, too")
    forvpc = Flag(help="it is for tiers of VPCs")
    fornsx = Flag(since="4.20.0", help="NSX provides its services")
    provider = Text(since="4.21.0", help="the external provider of its services")
    nsxsupportlb = Flag(since="4.20.0", help="NSX balances load")
    nsxsupportsinternallb = Flag(since="4.20.0", help="NSX balances load inside a VPC")
    networkmode = Text(since="4.20.0", help="NATTED or ROUTED")
    fortungsten = Flag(help="Tungsten-Fabric provides its services")
    details = Map(since="4.2.0", help="further details")
    egressdefaultpolicy = Flag(help="traffic out of its networks is allowed by default; true by default")
    keepaliveenabled = Flag(help="the load balancer keeps connections open")
    maxconnections = Integer(help="most connections of the load balancer at once")
    domainid = EntityList(Domain, access=OPERATE, help="the domains that alone may use it")
    zoneid = EntityList(Zone, access=ANY, since="4.13", help="the zones that alone have it")
    enable = Flag(since="4.16", help="it is enabled at once")
    specifyasnumber = Flag(since="4.20.0", help="a network's maker names its AS number")
    routingmode = Text(since="4.20.0", help="Static or Dynamic")


class CreateNetworkOffering(NetworkOfferingParameters, Asked, Command):
    """Makes a network offering."""

    roles, event, response, since = ROOT, "NETWORK.OFFERING.CREATE", NetworkOfferingView, "3.0.0"

    traffictype = Text(required=True, help="Guest")
    guestiptype = Text(required=True, help="Isolated, Shared or L2")

    def run(self, context: Context) -> NetworkOffering:
        return offerings.create(context, self.asked())


class CloneNetworkOffering(NetworkOfferingParameters, Asked, Command):
    """Makes a network offering like another one, but for what is given."""

    roles, event, response, since = ROOT, "NETWORK.OFFERING.CLONE", NetworkOfferingView, "4.23.0"

    sourceofferingid = Entity(NetworkOffering, access=ANY, required=True, help="the offering to copy")
    addservices = TextList(help="services beside those of the copied offering")
    dropservices = TextList(help="services of the copied offering that it shall not have")
    traffictype = Text(help="Guest")
    guestiptype = Text(help="Isolated, Shared or L2")

    def run(self, context: Context) -> NetworkOffering:
        return offerings.clone(context, self.sourceofferingid, self.asked("sourceofferingid"))


class UpdateNetworkOffering(Asked, Command):
    """Changes a network offering."""

    roles, event, response = ROOT, "NETWORK.OFFERING.EDIT", NetworkOfferingView

    id = Entity(NetworkOffering, access=ANY, help="the network offering")
    name = NewName(help="a new name")
    displaytext = Text(help="a new text")
    availability = Text(help="Optional or Required")
    sortkey = Integer(help="its place in lists")
    state = Text(help="Enabled or Disabled")
    keepaliveenabled = Flag(help="the load balancer keeps connections open")
    maxconnections = Integer(help="most connections of the load balancer at once")
    tags = Text(length=4096, help="the tag of the physical network that it chooses; empty for none")
    domainid = Text(length=4096, help="the domains that alone may use it, or public")
    zoneid = Text(since="4.13", length=4096, help="the zones that alone have it, or all")

    def run(self, context: Context) -> NetworkOffering:
        if self.id is None:
            raise InvalidParameter("Unable to execute API command updatenetworkoffering due to missing parameter id")
        return offerings.update(context, self.id, self.asked("id"))


class DeleteNetworkOffering(Command):
    """Deletes a network offering that no network has."""

    roles, event, since = ROOT, "NETWORK.OFFERING.DELETE", "3.0.0"

    id = Entity(NetworkOffering, access=ANY, required=True, help="the network offering")

    def run(self, context: Context) -> None:
        offerings.delete(context, self.id)


class ListNetworkOfferings(ListCommand):
    """Lists network offerings."""

    lasting = True
    roles, response = EVERYONE, NetworkOfferingView
    keywords = ("name", "display_text")

    id = Entity(NetworkOffering, column="id", minus_one=True, help="the network offering with this ID")
    name = Text(column="name", help="the network offerings of this name")
    displaytext = Text(help="those whose text contains this")
    traffictype = Text(help="those for this kind of traffic")
    isdefault = Flag(column="is_default", help="those that came with the installation, or not")
    specifyvlan = Flag(column="specify_vlan", help="those whose networks' makers name the VLAN, or not")
    availability = Text(help="those of this availability")
    domainid = Entity(Domain, since="4.13", help="those that this domain may use")
    zoneid = Entity(Zone, help="those with which a network can be made in this zone")
    state = Text(help="those in this state")
    networkid = Entity(Network, access=OPERATE, help="those to which this network could change")
    guestiptype = Text(help="those of this type: Isolated, Shared or L2")
    supportedservices = TextList(help="those with all of these services")
    sourcenatsupported = Flag(help="those with source NAT, or without")
    specifyipranges = Flag(column="specify_ip_ranges", help="those whose networks' makers name the addresses, or not")
    tags = Text(length=4096, help="those with this tag")
    istagged = Flag(help="those with a tag, or without")
    forvpc = Flag(column="for_vpc", help="those for tiers of VPCs, or not")
    routingmode = Text(since="4.20.0", help="those of this routing mode")

    def restrict(self, context: Context, query: Query) -> None:
        caller = context.caller
        if self.domainid is not None:
            if not self.domainid.path.startswith(caller.domain_path):
                raise InvalidParameter(f"Unable to list network offerings for domain: {self.domainid.uuid} "
                                       "(domainid) as caller does not have access for it")
            among_domains(query, "NetworkOffering", scope.related_domains(self.domainid.path))
        elif not caller.is_root_admin:
            among_domains(query, "NetworkOffering", scope.related_domains(caller.domain_path))

    def filter(self, context: Context, query: Query) -> None:
        order_by_key(context, query)
        query.equals("system_only", False)
        if self.displaytext:
            query.search(("display_text",), self.displaytext)
        for column, wanted in (("traffic_type", self.traffictype), ("availability", self.availability),
                               ("state", self.state), ("guest_type", self.guestiptype),
                               ("routing_mode", self.routingmode)):
            if wanted:
                query.where(f"LOWER(t.{column}) = ?", wanted.lower())
        if self.tags is not None:
            if (self.guestiptype or "").lower() == "shared":
                query.where("(t.tags = ? OR t.is_default = ?)", self.tags, True)
            else:
                query.equals("tags", self.tags)
        if self.istagged is not None:
            query.where("t.tags <> ?" if self.istagged else "t.tags = ?", "")
        if self.zoneid is not None:
            self._in_zone(query, self.zoneid)
        if self.networkid is not None:
            self._changeable(query, self.networkid)
        self._with_services(query)

    @staticmethod
    def _in_zone(query: Query, zone: Zone) -> None:
        if zone.network_type == "Basic":
            query.nothing()
            return
        in_zone(query, "NetworkOffering", zone.id)
        query.among("id", offerings.available_in(zone.id))

    @staticmethod
    def _changeable(query: Query, network: Network) -> None:
        """Keep what the network could change to."""
        present = NetworkOffering.get_by_id(network.offering_id)
        if present.system_only:
            raise InvalidParameter("Can't update system networks (networkid)")
        query.where("t.id <> ?", present.id)
        query.equals("guest_type", present.guest_type)
        query.equals("traffic_type", present.traffic_type)
        query.equals("state", "Enabled")
        query.equals("specify_vlan", bool(present.specify_vlan))
        query.equals("for_vpc", network.vpc_id is not None)
        secured = "SecurityGroup" in (present.services or {})
        query.among("id", [row.id for row in NetworkOffering.alive()
                           if ("SecurityGroup" in (row.services or {})) == secured])

    def _with_services(self, query: Query) -> None:
        wanted = {service_map.find_service(name) for name in self.supportedservices or ()}
        if not wanted and self.sourcenatsupported is None:
            return
        query.among("id", [row.id for row in NetworkOffering.alive() if wanted <= set(row.services or {}) and (
            self.sourcenatsupported is None or ("SourceNat" in (row.services or {})) == self.sourcenatsupported)])
