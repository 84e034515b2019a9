"""Public addresses."""

from __future__ import annotations

from typing import Any

from cloudapi.api import access
from cloudapi.api.access import ANY, OPERATE, USE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand, Command, OwnerParameters, Success
from cloudapi.api.listing import Listing, OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, Flag, Integer, Long, Text, Uuid
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Pod, Zone
from cloudapi.models.network import IpAddress, IpRange, Network, PhysicalNetwork
from cloudapi.services.public_ip import association, public_ip
from cloudapi.views.public_ip.public_ip import AcquirePodIpCmdView, IPAddressView


class AssociateIpAddress(OwnerParameters, AsyncCreateCommand):
    """Acquires a public address and puts it to a network."""

    action = "associating a public address with a network"
    roles, event, response = EVERYONE, "NET.IPASSIGN", IPAddressView
    creates = IpAddress

    zoneid = Entity(Zone, access=ANY, help="the zone; with it the account's only isolated network there")
    networkid = Entity(Network, access=OPERATE, help="the network")
    vpcid = Entity(access=ANY, help="the VPC")
    isportable = Flag(default=False, help="whether it is to be one that can move between zones")
    regionid = Integer(help="region of a portable address")
    fordisplay = Flag(since="4.4", roles=ROOT, default=True, help="whether users see it")
    ipaddress = Text(help="exactly this address")

    def create(self, context: Context) -> Any:
        if self.isportable or self.regionid is not None:
            raise InvalidParameter("There are no portable IP addresses in this region (isportable, regionid)")
        owner = self.owner(context)
        if not (self.account or self.projectid) and self.networkid is not None:
            owner = context.owner or owner
        return association.begin(context, owner, self.zoneid, self.networkid, ip=self.ipaddress,
                                 display=self.fordisplay)

    def run(self, context: Context) -> Any:
        return association.finish(context, self.created)


class DisassociateIpAddress(AsyncCommand):
    """Gives back a public address, with its rules."""

    action = "releasing a public address"
    roles, event, response = EVERYONE, "NET.IPRELEASE", Success

    id = Entity(IpAddress, access=OPERATE, lock=True, help="the address by its ID")
    ipaddress = Text(since="4.19.0", help="the address itself, where id is not given")

    def run(self, context: Context) -> Any:
        found = association.find(context, self.id, self.ipaddress)
        access.check(context, found, OPERATE)
        association.release(context, found)
        return found


class ListPublicIpAddresses(TagParameters, OwnedListCommand):
    """Lists public addresses."""

    lasting = True
    roles, response, wrapper = EVERYONE, IPAddressView, "publicipaddress"
    tag_type, keywords = "PublicIpAddress", ("ip",)

    retrieveonlyresourcecount = Flag(default=False, help="only count them")
    allocatedonly = Flag(default=True, help="only those that somebody has")
    state = Text(help="those in this state: Free, Reserved, Allocating, Allocated or Releasing")
    forvirtualnetwork = Flag(help="true: public ones; false: those of shared networks")
    id = Entity(IpAddress, access=OPERATE, column="id", help="the address with this ID")
    ipaddress = Text(column="ip", help="this address")
    vlanid = Entity(IpRange, column="ip_range_id", help="addresses of this range")
    zoneid = Entity(Zone, column="zone_id", help="addresses of this zone")
    forloadbalancing = Flag(help="those that load balancers may use")
    physicalnetworkid = Entity(PhysicalNetwork, help="addresses that this physical network carries")
    associatednetworkid = Entity(Network, access=USE, column="network_id", help="addresses that this network uses")
    networkid = Entity(Network, access=ANY, column="source_network_id", since="4.13.0",
                       help="addresses that come from this network")
    issourcenat = Flag(column="is_source_nat", help="source NAT addresses, or the others")
    isstaticnat = Flag(column="is_static_nat", help="static NAT addresses, or the others")
    vpcid = Entity(access=ANY, help="addresses that this VPC uses")
    fordisplay = Flag(column="for_display", since="4.4", roles=ROOT, help="those that users see, or the others")
    forsystemvms = Flag(since="4.20.0", help="those reserved for system VMs, or the others")
    forprovider = Flag(since="4.21.0", help="those of external providers, or the others")

    def restrict(self, context: Context, query: Query) -> None:
        free = self.state is not None and self.state.lower() == "free"
        if (free or self.allocatedonly is False) and self.account is None and self.projectid is None:
            if free and self.forvirtualnetwork is False and not context.caller.is_admin and not context.settings.get(
                    "allow.user.list.available.ips.on.shared.network"):
                query.nothing()
            if free or context.caller.is_root_admin:
                return
            query.where("(t.account_id IS NULL OR t.account_id = ?)", context.caller.account_id)
            return
        super().restrict(context, query)

    def filter(self, context: Context, query: Query) -> None:
        ranges = "t.ip_range_id IN (SELECT r.id FROM ip_range r WHERE"
        if self.state is not None:
            query.where("LOWER(t.state) = ?", self.state.lower())
        elif self.allocatedonly:
            query.where("t.state <> ?", "Free")
        if self.id is None or self.forvirtualnetwork is not None:
            kind = "VirtualNetwork" if self.forvirtualnetwork is not False else "DirectAttached"
            query.where(f"{ranges} r.kind = ?)", kind)
        if self.physicalnetworkid is not None:
            query.where(f"{ranges} r.physical_network_id = ?)", self.physicalnetworkid.id)
        if self.forsystemvms is not None:
            query.where(f"{ranges} r.for_system_vms = ?)", self.forsystemvms)
        if self.forprovider is not None:
            query.where(f"{ranges} r.provider IS {'NOT ' if self.forprovider else ''}NULL)")
        if self.forloadbalancing:
            query.where("t.is_static_nat = ? AND t.network_id IS NOT NULL", False)
        if not context.caller.is_root_admin:
            query.equals("for_display", True)
            query.where("t.is_system = ?", False)
        self.filter_tags(query)

    def run(self, context: Context) -> Listing:
        if self.retrieveonlyresourcecount:
            return Listing([], self.query(context).count())
        return super().run(context)


class ReserveIpAddress(OwnerParameters, Command):
    """Keeps a free public address for an account."""

    action = "reserving a public address"
    roles, event, response, since = EVERYONE, "NET.IPRESERVE", IPAddressView, "4.17"

    fordisplay = Flag(roles=ROOT, default=True, help="whether users see it")
    id = Entity(IpAddress, access=ANY, required=True, help="the address")

    def run(self, context: Context) -> Any:
        return public_ip.reserve(context, self.owner(context), self.id, self.fordisplay)


class ReleaseIpAddress(Command):
    """Gives up a reserved public address."""

    action = "releasing a reserved public address"
    roles, event, since = EVERYONE, "NET.IPRELEASE", "4.17"

    id = Entity(IpAddress, access=OPERATE, required=True, help="the address")

    def run(self, context: Context) -> None:
        public_ip.unreserve(context, self.id)


class UpdateIpAddress(AsyncCommand):
    """Changes what is shown of a public address."""

    action = "updating a public address"
    roles, event, response = EVERYONE, "NET.IPUPDATE", IPAddressView

    customid = Uuid(since="4.4", roles=ROOT, help="a new ID")
    id = Entity(IpAddress, access=OPERATE, required=True, lock=True, help="the address")
    fordisplay = Flag(since="4.4", roles=ROOT, help="whether users see it")

    def run(self, context: Context) -> Any:
        context.steps.run("update", lambda: association.update(self.id, custom_id=self.customid,
                                                               display=self.fordisplay).id)
        return self.id


class AcquirePodIpAddress(Command):
    """Takes a management address of a pod."""

    roles, response = ROOT, AcquirePodIpCmdView

    zoneid = Text(required=True, help="ID of the zone")
    podid = Text(help="ID of the pod")

    def run(self, context: Context) -> Any:
        zone = Zone.alive(Zone.uuid == self.zoneid).first()
        if zone is None:
            raise InvalidParameter(f"Unable to find zone {self.zoneid[:64]} (zoneid)")
        pod = Pod.alive(Pod.uuid == self.podid).first() if self.podid else None
        if self.podid and pod is None:
            raise InvalidParameter(f"Unable to find pod {self.podid[:64]} (podid)")
        return association.acquire_pod_address(zone, pod)


class ReleasePodIpAddress(Command):
    """Gives back a management address of a pod."""

    roles = ROOT

    id = Long(required=True, help="number of the address")

    def run(self, context: Context) -> None:
        association.release_pod_address(self.id)
