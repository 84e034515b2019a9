"""Guest VLANs: all of them, and ranges that are dedicated to one account."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand, Command
from cloudapi.api.listing import ListCommand, Listing
from cloudapi.api.ownership import find_account
from cloudapi.api.parameters import Entity, Flag, Long, Text
from cloudapi.api.query import Query
from cloudapi.api.view import stamp
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Account, Domain, Project
from cloudapi.models.infrastructure import Zone
from cloudapi.models.network import GuestVlanRange, PhysicalNetwork
from cloudapi.services.physical_network import guest_vlan as guest_vlans
from cloudapi.services.physical_network import guest_vlan_page, vlan
from cloudapi.views.network.network import NetworkView
from cloudapi.views.physical_network.guest_vlan import GuestVlanRangeView, GuestVlanView, owners


def named_account(account: str | None, domain: Domain | None, project: Project | None) -> Account | None:
    """Return the account that is named, by its name and domain or by its project; None where none is.

    :raises InvalidParameter: both ways at once, a name without a domain, or no such account.
    """
    if project is not None:
        if account:
            raise InvalidParameter("account and projectid are mutually exclusive")
        return Account.get_by_id(project.project_account_id)
    if not account:
        return None
    if domain is None:
        raise InvalidParameter("parameter domainid is missing: it names the domain of the account")
    return find_account(account, domain.id)


class DedicateGuestVlanRange(Command):
    """Keeps a range of guest VLANs for one account."""

    roles, event, response = ROOT, "GUESTVLANRANGE.DEDICATE", GuestVlanRangeView

    vlanrange = Text(required=True, help="the VLANs, as 100-200")
    account = Text(help="the account; goes with domainid")
    projectid = Entity(Project, access=ANY, help="the project")
    domainid = Entity(Domain, access=ANY, help="the account's domain")
    physicalnetworkid = Entity(PhysicalNetwork, access=ANY, required=True, help="the physical network")

    def run(self, context: Context) -> GuestVlanRange:
        account = named_account(self.account, self.domainid, self.projectid)
        if account is None:
            raise InvalidParameter("Unable to find account by name: please specify account and domainid, or projectid")
        return guest_vlans.dedicate(context, self.physicalnetworkid, account, self.vlanrange)


class ReleaseDedicatedGuestVlanRange(AsyncCommand):
    """Ends the dedication of a range of guest VLANs."""

    roles, event = ROOT, "GUESTVLANRANGE.RELEASE"

    id = Entity(GuestVlanRange, access=ANY, required=True, lock=True, help="the dedicated range")

    def run(self, context: Context) -> None:
        context.steps.run("release", lambda: guest_vlans.release(context, self.id))


class ListDedicatedGuestVlanRanges(ListCommand):
    """Lists the dedicated ranges of guest VLANs."""

    roles, response = ROOT, GuestVlanRangeView
    keywords = ()

    id = Entity(GuestVlanRange, column="id", minus_one=True, help="the dedicated range with this ID")
    account = Text(help="those of this account; goes with domainid")
    projectid = Entity(Project, help="those of this project")
    domainid = Entity(Domain, help="the account's domain")
    guestvlanrange = Text(help="the one of exactly these VLANs, as 100-200")
    physicalnetworkid = Entity(PhysicalNetwork, column="physical_network_id", help="those of this physical network")
    zoneid = Entity(Zone, help="those of this zone")

    def filter(self, context: Context, query: Query) -> None:
        account = named_account(self.account, self.domainid, self.projectid)
        if account is not None:
            query.equals("account_id", account.id)
        elif self.domainid is not None:
            query.equals("domain_id", self.domainid.id)
        if self.guestvlanrange:
            found = vlan.parse_ranges(self.guestvlanrange, vlan.VXLAN_BOUNDS, "guestvlanrange")
            if len(found) != 1:
                raise InvalidParameter(f"Invalid value {self.guestvlanrange[:64]} for parameter guestvlanrange: it "
                                       "is one range")
            query.where("t.start_vlan = ? AND t.end_vlan = ?", *found[0])
        if self.zoneid is not None:
            query.where("t.physical_network_id IN (SELECT p.id FROM physical_network p WHERE p.zone_id = ?)",
                        self.zoneid.id)


class ListGuestVlans(ListCommand):
    """Lists the guest VLANs of physical networks, in use or free."""

    roles, response, since = ROOT, GuestVlanView, "4.17.0"
    record = PhysicalNetwork

    id = Long(help="the VLAN of this number")
    zoneid = Entity(Zone, help="those of this zone")
    physicalnetworkid = Entity(PhysicalNetwork, help="those of this physical network")
    vnet = Text(help="those with this VLAN or VXLAN id")
    allocatedonly = Flag(default=False, help="only those that a network has")

    def run(self, context: Context) -> Listing:
        networks = PhysicalNetwork.alive().order_by(PhysicalNetwork.id)
        if self.zoneid is not None:
            networks = networks.where(PhysicalNetwork.zone == self.zoneid.id)
        if self.physicalnetworkid is not None:
            networks = networks.where(PhysicalNetwork.id == self.physicalnetworkid.id)
        wanted = self.vnet or self.keyword
        if wanted and not wanted.isdecimal():
            raise InvalidParameter(f"Invalid value {wanted[:64]} for parameter vnet: it is a VLAN or VXLAN id")
        offset, limit = self.limits(context)
        items, count = guest_vlan_page.page(
            list(networks), vlan=int(wanted) if wanted else None, wanted=self.id,
            allocated_only=bool(self.allocatedonly), offset=offset, limit=limit)
        return Listing(self.shown(context, items), count)

    def shown(self, context: Context, items: list[tuple[PhysicalNetwork, int]]) -> list[dict[str, Any]]:
        """Return the objects of a page, read with a constant number of statements."""
        facts = guest_vlan_page.facts(items)
        people = owners({index: fact["account_id"] for index, fact in enumerate(facts)})
        zones = {zone.id: zone for zone in Zone.select().where(Zone.id.in_({item[0].zone_id for item in items}))}
        used = list(dict.fromkeys(fact["network_id"] for fact in facts if fact["network_id"] is not None))
        networks = dict(zip(used, NetworkView.render(context, used), strict=False))
        found = []
        for index, ((physical, number), fact) in enumerate(zip(items, facts, strict=True)):
            zone = zones[physical.zone_id]
            shown: dict[str, Any] = {
                "id": guest_vlan_page.number(physical.id, number), "vlan": str(number), **people.get(index, {}),
                "zoneid": zone.uuid, "zonename": zone.name, "physicalnetworkid": physical.uuid,
                "physicalnetworkname": physical.name, "isdedicated": fact["dedicated"],
                "allocationstate": "Free" if fact["taken"] is None else "Allocated"}
            if fact["taken"] is not None:
                shown["taken"] = stamp(fact["taken"])
            if fact["network_id"] in networks:
                shown["network"] = [networks[fact["network_id"]]]
            found.append(shown)
        return found
