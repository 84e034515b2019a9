"""Zones."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, ROOT, Command
from cloudapi.api.listing import ListCommand, TagParameters
from cloudapi.api.parameters import Entity, EntityList, Flag, Integer, Map, NewName, Text, TextList
from cloudapi.api.query import Query
from cloudapi.commands.zone.place import ALLOCATION_STATES, filter_access_group
from cloudapi.context import Context
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Zone
from cloudapi.services.zone import zone as zones
from cloudapi.views.zone.zone import ZoneView

NETWORK_TYPES = ("Basic", "Advanced")


class ListZones(TagParameters, ListCommand):
    """Lists zones."""

    lasting = True
    roles, response = EVERYONE, ZoneView
    keywords, tag_type = ("name", "description"), "Zone"

    id = Entity(Zone, column="id", minus_one=True, help="the zone with this ID")
    ids = EntityList(Zone, column="id", since="4.19.0", help="the zones with these IDs")
    name = Text(column="name", help="the zone of this name")
    available = Flag(default=True, help="false: only those that the caller has Instances in as well")
    domainid = Entity(Domain, access=OPERATE, column="domain_id", help="zones of this domain alone")
    networktype = Text(column="network_type", choices=NETWORK_TYPES, help="zones of this network type")
    showcapacities = Flag(default=False, help="add the capacities of each zone")
    showicon = Flag(default=False, help="add the icon of each zone")
    storageaccessgroup = Text(since="4.21.0", help="zones with this storage access group")

    def filter(self, context: Context, query: Query) -> None:
        query.order = "t.sort_key" if context.settings.get("sortkey.algorithm") else "t.sort_key DESC"
        seen = zones.visible(context)
        if seen is not None:
            query.where(seen[0], *seen[1])
        if not self.available:
            query.where("t.id IN (SELECT m.zone_id FROM machine m WHERE m.account_id = ? AND m.removed IS NULL)",
                        context.caller.account_id)
        filter_access_group(query, "Zone", self.storageaccessgroup)
        self.filter_tags(query)


class CreateZone(Command):
    """Creates a zone."""

    roles, event, response = ROOT, "ZONE.CREATE", ZoneView

    name = Text(required=True, help="its name, unique in the cloud")
    networktype = Text(required=True, choices=NETWORK_TYPES, help="Basic or Advanced")
    dns1 = Text(required=True, help="the first DNS server of its Instances")
    dns2 = Text(help="the second DNS server of its Instances")
    internaldns1 = Text(required=True, help="the first DNS server of its system VMs")
    internaldns2 = Text(help="the second DNS server of its system VMs")
    ip6dns1 = Text(help="the first DNS server over IPv6")
    ip6dns2 = Text(help="the second DNS server over IPv6")
    guestcidraddress = Text(help="the CIDR of its isolated networks")
    domain = Text(help="the DNS domain of its networks")
    domainid = Entity(Domain, access=ANY, help="the domain that alone may use it")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed in it")
    securitygroupenabled = Flag(default=False, help="refused if true: there are no security groups")
    localstorageenabled = Flag(default=False, help="whether disks may lie on the hosts themselves")
    isedge = Flag(default=False, since="4.18.0", help="whether it is an edge zone, without system VMs")
    storageaccessgroups = TextList(since="4.21.0", help="the storage access groups of its hosts")

    def run(self, context: Context) -> Any:
        return zones.create(
            context, self.name, self.networktype, dns=(self.dns1, self.dns2), ip6_dns=(self.ip6dns1, self.ip6dns2),
            internal_dns=(self.internaldns1, self.internaldns2), guest_cidr=self.guestcidraddress,
            network_domain=self.domain, domain=self.domainid, allocation_state=self.allocationstate,
            security_groups=self.securitygroupenabled, local_storage=self.localstorageenabled, edge=self.isedge,
            storage_access_groups=self.storageaccessgroups)


class UpdateZone(Command):
    """Changes a zone."""

    roles, event, response = ROOT, "ZONE.EDIT", ZoneView

    id = Entity(Zone, access=ANY, required=True, help="the zone")
    name = NewName(help="a new name")
    dns1 = Text(help="the first DNS server of its Instances")
    dns2 = Text(help="the second DNS server of its Instances")
    internaldns1 = Text(help="the first DNS server of its system VMs")
    internaldns2 = Text(help="the second DNS server of its system VMs")
    ip6dns1 = Text(help="the first DNS server over IPv6")
    ip6dns2 = Text(help="the second DNS server over IPv6")
    guestcidraddress = Text(help="the CIDR of its isolated networks")
    domain = Text(help="the DNS domain of its networks; empty for none")
    dnssearchorder = TextList(clears=True, help="the domains that its Instances search; empty for none")
    details = Map(help="details to set")
    ispublic = Flag(help="true: everybody may use a zone that belonged to one domain")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed in it")
    dhcpprovider = Text(length=64, help="who serves DHCP in it")
    localstorageenabled = Flag(help="whether disks may lie on the hosts themselves")
    sortkey = Integer(help="its place in lists; greater first")

    def run(self, context: Context) -> Any:
        return zones.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeleteZone(Command):
    """Deletes a zone that nothing is left in."""

    roles, event = ROOT, "ZONE.DELETE"

    id = Entity(Zone, access=ANY, required=True, help="the zone")

    def run(self, context: Context) -> None:
        zones.delete(context, self.id)
