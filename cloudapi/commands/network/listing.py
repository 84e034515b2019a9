"""Which networks there are, and the protocols that rules on them may name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cloudapi.api.access import ANY, USE
from cloudapi.api.command import EVERYONE, ROOT, Command
from cloudapi.api.listing import Listing, OwnedListCommand, TagParameters
from cloudapi.api.ownership import Condition, Scope, find_account
from cloudapi.api.parameters import Entity, Flag, Text, TextList
from cloudapi.api.query import Query, escape_like
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import Network, PhysicalNetwork
from cloudapi.models.offering import NetworkOffering
from cloudapi.services.network.protocol import ICMP_TYPES, PROTOCOLS
from cloudapi.services.physical_network.catalogue import SERVICES
from cloudapi.views.network.network import NetworkProtocolView, NetworkView

ALL, ACCOUNT, DOMAIN, ACCOUNT_DOMAIN, SHARED = "All", "Account", "Domain", "AccountDomain", "Shared"

def of_domains_above(domain_id: int, path: str) -> tuple[str, tuple[Any, ...]]:
    """Return the condition for networks of a domain, and of those above that let domains below in."""
    parts = [part for part in path.split("/") if part]
    above = ["/" + "".join(f"{part}/" for part in parts[:length]) for length in range(len(parts) + 1)]
    return ("t.acl_type = ? AND (t.domain_id = ? OR (t.subdomain_access = ? AND t.domain_id IN (SELECT d.id FROM "
            "domain d "
            f"WHERE d.path IN ({','.join('?' * len(above))}))))", (DOMAIN, domain_id, True, *above))


class ListNetworks(TagParameters, OwnedListCommand):
    """Lists networks."""

    lasting = True
    roles, response = EVERYONE, NetworkView
    tag_type, order, keywords = "Network", "t.id DESC", ("name", "display_text")

    retrieveonlyresourcecount = Flag(default=False, help="only count them")
    id = Entity(Network, access=USE, column="id", help="the network with this ID")
    name = Text(column="name", since="4.22.0", help="networks of this name")
    zoneid = Entity(Zone, column="zone_id", help="networks of this zone")
    type = Text(choices=("Isolated", "Shared", "L2"), column="guest_type", help="networks of this type")
    issystem = Flag(default=False, help="the zones' own networks, for root admins")
    acltype = Text(choices=(ACCOUNT, DOMAIN), column="acl_type", help="networks of accounts, or of domains")
    traffictype = Text(column="traffic_type", help="networks that carry this traffic")
    physicalnetworkid = Entity(PhysicalNetwork, column="physical_network_id", help="networks on this physical network")
    supportedservices = TextList(help="networks that have all of these services")
    restartrequired = Flag(column="restart_required", help="networks that want a restart, or the others")
    specifyipranges = Flag(column="specify_ip_ranges", help="networks to which ranges are added, or the others")
    vpcid = Entity(access=ANY, help="networks of this VPC")
    canusefordeploy = Flag(help="networks in which Instances can be deployed, or the others")
    forvpc = Flag(help="networks of VPCs, or the others")
    displaynetwork = Flag(column="display", since="4.4", roles=ROOT, help="those that users see, or the others")
    networkofferingid = Entity(NetworkOffering, column="offering_id", help="networks of this offering")
    associatednetworkid = Entity(Network, column="associated_network_id", since="4.17.0",
                                 help="networks that use the VLAN of this one")
    showicon = Flag(default=False, help="add their icons")
    networkfilter = Text(choices=(ALL, ACCOUNT, DOMAIN, ACCOUNT_DOMAIN, SHARED), default=ALL, since="4.17.0",
                         help="own ones, those of domains, those that others share, or all")
    vlan = Text(column="vlan", since="4.17.0", roles=ROOT, help="networks with this VLAN or VXLAN id")

    def restrict(self, context: Context, query: Query) -> None:
        caller = context.caller
        if self.issystem and caller.is_root_admin:
            if self.account is not None or self.domainid is not None:
                raise InvalidParameter("System network belongs to system, account and domainId parameters can't be "
                                       "specified")
            return
        domain_id, path = caller.domain_id, caller.domain_path
        if self.domainid is not None:
            domain_id, path = self.domainid.id, self.domainid.path
        scope = Scope.of(caller, self, self.owner_columns)
        if self.projectid is not None and scope.account:
            scope = replace(scope, account=None)  # CloudStack looks at the project alone
        conditions = scope.conditions()
        own = " AND ".join(condition for condition, _ in conditions) or "1 = 1"
        own_values = [value for _, values in conditions for value in values]
        above, above_values = of_domains_above(domain_id, path)
        shared, shared_values = self._shared(context, scope)
        parts: list[tuple[str, Sequence[Any]]] = []
        if self.networkfilter in (ALL, ACCOUNT, ACCOUNT_DOMAIN):
            parts.append((f"t.acl_type = ? AND {own}", [ACCOUNT, *own_values]))
        if self.networkfilter in (ALL, DOMAIN, ACCOUNT_DOMAIN):
            parts.append((f"t.acl_type = ? AND {own}", [DOMAIN, *own_values]))
            parts.append((above, above_values))
        if self.networkfilter in (ALL, SHARED):
            parts.append((shared, shared_values))
        query.where("(" + " OR ".join(f"({part})" for part, _ in parts) + ")",
                    *(value for _, values in parts for value in values))

    def _shared(self, context: Context, scope: Scope) -> Condition:
        """The networks that others share with those whose networks are listed."""
        caller = context.caller
        who, values = "= ?", [caller.account_id]  # type: tuple[str, list[Any]]
        if self.projectid is not None and self.projectid != -1:
            who = "IN (?, ?)" if caller.is_admin else "= ?"
            values = [self.projectid.project_account_id, *([caller.account_id] if caller.is_admin else [])]
        elif scope.account:
            values = [find_account(scope.account, self.domainid.id if self.domainid else caller.domain_id).id]
        elif caller.is_admin and (self.listall or self.domainid is not None):
            top = self.domainid.path if self.domainid is not None else caller.domain_path
            below = "%" if self.domainid is None or self.isrecursive else ""
            who = ("IN (SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id "
                   "WHERE d.path LIKE ? ESCAPE '!')")
            values = [escape_like(top) + below]
        return f"t.id IN (SELECT p.network_id FROM network_permission p WHERE p.account_id {who})", tuple(values)

    def filter(self, context: Context, query: Query) -> None:
        system = bool(self.issystem) and context.caller.is_root_admin
        query.where("t.offering_id IN (SELECT o.id FROM network_offering o WHERE o.system_only = ?)", system)
        for service in self.supportedservices or ():
            if service not in SERVICES:
                raise InvalidParameter(f"Invalid service specified {service[:64]} (supportedservices)")
            query.where("t.offering_id IN (SELECT o.id FROM network_offering o WHERE o.services LIKE ? ESCAPE '!')",
                        f'%"{escape_like(service)}":%')
        if self.forvpc is not None:
            query.where(f"t.vpc_id IS {'NOT ' if self.forvpc else ''}NULL")
        if self.canusefordeploy is not None:
            usable = "t.traffic_type = ? AND t.guest_type IS NOT NULL AND t.state <> ?"
            query.where(usable if self.canusefordeploy else f"NOT ({usable})", "Guest", "Destroy")
        if not context.caller.is_root_admin:
            query.equals("display", True)
        self.filter_tags(query)

    def run(self, context: Context) -> Listing:
        if self.retrieveonlyresourcecount:
            return Listing([], self.query(context).count())
        return super().run(context)


class ListNetworkProtocols(Command):
    """Lists the IP protocols or the ICMP types."""

    roles, response, since = EVERYONE, NetworkProtocolView, "4.19.0"
    read_only = True

    option = Text(required=True, choices=("ProtocolNumber", "IcmpType"), help="ProtocolNumber or IcmpType")

    def run(self, context: Context) -> Listing:
        if self.option == "ProtocolNumber":
            return Listing([{"index": number, "name": keyword, "description": name}
                            for number, (keyword, name) in PROTOCOLS.items()])
        return Listing([{"index": number, "description": name,
                         "details": {str(code): text for code, text in codes.items()}}
                        for number, (name, codes) in ICMP_TYPES.items()])
