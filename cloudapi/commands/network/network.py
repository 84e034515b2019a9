"""Guest networks."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE, USE, in_subtree, may_use
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, Command, OwnerParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Long, NewName, Text, Uuid
from cloudapi.context import Caller, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import Network, NetworkPermission, PhysicalNetwork
from cloudapi.models.offering import NetworkOffering
from cloudapi.services.network import creation, restart, update
from cloudapi.services.network import network as networks
from cloudapi.views.network.network import NetworkView

ACL_TYPES = ("Account", "Domain")


@may_use(Network)
def usable(caller: Caller, network: Network) -> bool:
    """A domain's network is for the domain, and for those below where it says so; others' by permission."""
    if network.acl_type == "Domain":
        domain = Domain.get_or_none(Domain.id == network.domain_id)
        if domain is None:
            return False
        below = network.subdomain_access and caller.domain_path.startswith(domain.path)
        inside = below or caller.domain_id == domain.id
        return bool(inside or (caller.is_domain_admin and in_subtree(caller.domain_path, domain.id)))
    return bool(NetworkPermission.select().where(
        NetworkPermission.network == network.id, NetworkPermission.account_id == caller.account_id).exists())


def not_empty(value: str) -> None:
    if not value.strip():
        raise InvalidParameter("routerip and routeripv6 are not to be empty")


class CreateNetwork(OwnerParameters, Command):
    """Creates a network."""

    roles, response, atomic = EVERYONE, NetworkView, False

    name = Text(required=True, help="its name")
    displaytext = Text(help="its display text; the name where it is not given")
    networkofferingid = Entity(NetworkOffering, access=USE, required=True, help="its offering")
    zoneid = Entity(Zone, access=ANY, required=True, help="its zone")
    physicalnetworkid = Entity(PhysicalNetwork, access=ANY, help="its physical network, where there are several")
    gateway = Text(help="its gateway")
    netmask = Text(help="its netmask")
    startip = Text(help="first address of a shared network's range")
    endip = Text(help="last address of that range; the first where it is not given")
    isolatedpvlan = Text(help="secondary VLAN of a private VLAN")
    isolatedpvlantype = Text(choices=("Isolated", "Community", "Promiscuous"), help="kind of the private VLAN")
    networkdomain = Text(help="DNS domain of its Instances")
    acltype = Text(choices=ACL_TYPES, help="whether an account or a domain may use it")
    subdomainaccess = Flag(help="whether the domains below may use a domain's network")
    vpcid = Entity(access=ANY, help="its VPC")
    tungstenvirtualrouteruuid = Text(help="ID of its Tungsten Fabric router")
    startipv6 = Text(help="first IPv6 address of a shared network's range")
    endipv6 = Text(help="last IPv6 address of that range")
    ip6gateway = Text(help="its IPv6 gateway")
    ip6cidr = Text(help="its IPv6 CIDR, of at least 64 bits")
    externalid = Text(help="its ID in another system")
    displaynetwork = Flag(roles=ROOT, default=True, help="whether users see it")
    aclid = Entity(access=ANY, help="its ACL")
    associatednetworkid = Entity(Network, access=USE, since="4.17.0", help="the network whose VLAN it uses")
    publicmtu = Integer(since="4.18.0", help="MTU of its routers' public interfaces")
    privatemtu = Integer(since="4.18.0", help="MTU of its routers' private interfaces")
    dns1 = Text(since="4.18.0", help="first DNS server of its Instances")
    dns2 = Text(since="4.18.0", help="second DNS server of its Instances")
    ip6dns1 = Text(since="4.18.0", help="first DNS server over IPv6")
    ip6dns2 = Text(since="4.18.0", help="second DNS server over IPv6")
    sourcenatipaddress = Text(since="4.19", help="public address behind which its Instances appear")
    cidrsize = Integer(since="4.20.0", help="prefix length of a routed network's CIDR, where no gateway is given")
    asnumber = Long(since="4.20.0", help="its AS number")
    keepmacaddressonpublicnic = Flag(since="4.23.0", roles=ROOT, help="whether new routers keep the public MAC address")
    vlan = Text(roles=ROOT, help="its VLAN or VXLAN id, or untagged")
    bypassvlanoverlapcheck = Flag(roles=ROOT, default=False, help="accept an id that others use or may take")
    hideipaddressusage = Flag(roles=ROOT, default=False, help="leave its addresses out of usage records")
    routerip = Text(since="4.16", roles=ROOT, check=not_empty, help="address of a shared network's router")
    routeripv6 = Text(since="4.16", roles=ROOT, check=not_empty, help="IPv6 address of a shared network's router")
    bgppeerids = EntityList(access=ANY, since="4.20.0", roles=ROOT, help="its BGP peers")

    def run(self, context: Context) -> Any:
        if self.tungstenvirtualrouteruuid:
            raise InvalidParameter("There is no Tungsten Fabric in this cloud (tungstenvirtualrouteruuid)")
        domain_wide = self.acltype == "Domain" or (self.domainid is not None and not self.account)
        owner = context.owner or (self.owner(context) if self.account or self.projectid or not domain_wide else None)
        wanted = creation.Wanted(
            name=self.name, display_text=self.displaytext, offering=self.networkofferingid, zone=self.zoneid,
            owner=owner or Command.owner(self, context), physical_network=self.physicalnetworkid, gateway=self.gateway,
            netmask=self.netmask, start_ip=self.startip, end_ip=self.endip, network_domain=self.networkdomain,
            acl_type=self.acltype, domain=self.domainid, subdomain_access=self.subdomainaccess, vlan=self.vlan,
            bypass_vlan_check=self.bypassvlanoverlapcheck, pvlan=self.isolatedpvlan, pvlan_type=self.isolatedpvlantype,
            ip6_gateway=self.ip6gateway, ip6_cidr=self.ip6cidr, start_ip6=self.startipv6, end_ip6=self.endipv6,
            external_id=self.externalid, display=self.displaynetwork, associated=self.associatednetworkid,
            public_mtu=self.publicmtu, private_mtu=self.privatemtu, dns=(self.dns1, self.dns2),
            ip6_dns=(self.ip6dns1, self.ip6dns2), source_nat_ip=self.sourcenatipaddress, cidr_size=self.cidrsize,
            as_number=self.asnumber, keep_mac_on_public_nic=self.keepmacaddressonpublicnic,
            hide_usage=self.hideipaddressusage, router_ip=self.routerip, router_ip6=self.routeripv6)
        made = context.steps.run("create network", lambda: creation.create(context, wanted).id)
        network = Network.get_by_id(made)
        if creation.implement_at_once(context, network):
            networks.implement(context, network)
        return network


class UpdateNetwork(AsyncCommand):
    """Changes a network."""

    roles, event, response = EVERYONE, "NETWORK.UPDATE", NetworkView

    customid = Uuid(since="4.4", roles=ROOT, help="a new ID")
    id = Entity(Network, access=OPERATE, required=True, lock=True, help="the network")
    name = NewName(help="a new name")
    displaytext = Text(help="a new display text")
    networkdomain = Text(help="another DNS domain of its Instances")
    changecidr = Flag(default=False, help="end its reservation of addresses; its Instances are stopped")
    networkofferingid = Entity(NetworkOffering, access=USE, help="another offering")
    guestvmcidr = Text(help="the part of its CIDR from which Instances get addresses")
    updateinsequence = Flag(default=False, help="of a pair of routers one after the other")
    displaynetwork = Flag(roles=ROOT, help="whether users see it")
    forced = Flag(roles=ROOT, default=False, help="even where the new offering lacks services, with their rules")
    publicmtu = Integer(since="4.18.0", help="MTU of its routers' public interfaces")
    privatemtu = Integer(since="4.18.0", help="MTU of its routers' private interfaces")
    dns1 = Text(since="4.18.0", help="first DNS server of its Instances; empty for the zone's")
    dns2 = Text(since="4.18.0", help="second DNS server of its Instances")
    ip6dns1 = Text(since="4.18.0", help="first DNS server over IPv6")
    ip6dns2 = Text(since="4.18.0", help="second DNS server over IPv6")
    sourcenatipaddress = Text(since="4.19", help="the address of the network behind which its Instances appear")
    keepmacaddressonpublicnic = Flag(since="4.23.0", roles=ROOT, help="whether new routers keep the public MAC address")
    hideipaddressusage = Flag(roles=ROOT, help="leave its addresses out of usage records")

    def run(self, context: Context) -> Any:
        return update.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteNetwork(AsyncCommand):
    """Deletes a network that has no Instances."""

    roles, event = EVERYONE, "NETWORK.DELETE"

    id = Entity(Network, access=OPERATE, required=True, lock=True, help="the network")
    forced = Flag(default=False, help="even where its routers cannot be reached")

    def run(self, context: Context) -> None:
        if self.forced and not context.caller.is_admin:
            raise InvalidParameter("Delete network with 'forced' option can only be called by admins")
        networks.delete(context, self.id, forced=self.forced)


class RestartNetwork(AsyncCommand):
    """Restarts a network: its routers learn everything again, or are made anew."""

    roles, event = EVERYONE, "NETWORK.RESTART"

    id = Entity(Network, access=OPERATE, required=True, lock=True, help="the network")
    cleanup = Flag(default=False, help="with new routers")
    makeredundant = Flag(default=False, since="4.11.1", help="with a pair of routers from now on")
    livepatch = Flag(default=False, since="4.17.0", help="only bring the running routers up to date")

    def run(self, context: Context) -> None:
        restart.restart(context, self.id, cleanup=self.cleanup, redundant=self.makeredundant, patch=self.livepatch)


class MigrateNetwork(AsyncCommand):
    """Gives a network another offering, with new routers."""

    roles, event, response, since = ROOT, "NETWORK.MIGRATE", NetworkView, "4.11.0"
    subject = "networkid"

    networkid = Entity(Network, access=ANY, required=True, lock=True, help="the network")
    networkofferingid = Entity(NetworkOffering, access=ANY, required=True, help="the offering")
    resume = Flag(default=False, help="go on with a migration that failed")

    def run(self, context: Context) -> Any:
        if self.networkid.offering_id == self.networkofferingid.id:
            if not self.resume:
                raise InvalidParameter(f"Network {self.networkid.uuid} has this offering already; resume=true makes "
                                       "its "
                                       "routers anew")
            restart.restart(context, self.networkid, cleanup=True)
            return self.networkid
        return update.update(context, self.networkid, {"networkofferingid": self.networkofferingid, "forced": True})
