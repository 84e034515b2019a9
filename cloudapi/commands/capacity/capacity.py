"""Capacity."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import Command, PageParameters
from cloudapi.api.listing import Listing, page_limits
from cloudapi.api.parameters import Entity, Flag, Integer, Text
from cloudapi.commands.zone.place import INFRASTRUCTURE_ADMINS
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.infrastructure import Cluster, Pod, Zone
from cloudapi.services.capacity import listing
from cloudapi.views.capacity.capacity import CapacityView


class ListCapacity(PageParameters, Command):
    """Lists what zones, a pod or a cluster can give, by kind, and how much of it is taken."""

    roles, response = INFRASTRUCTURE_ADMINS, CapacityView
    read_only, atomic = True, False

    zoneid = Entity(Zone, access=ANY, help="capacities of this zone")
    podid = Entity(Pod, access=ANY, help="capacities of this pod")
    clusterid = Entity(Cluster, access=ANY, since="3.0.0", help="capacities of this cluster")
    type = Integer(help="this kind alone: 0 memory, 1 CPU, 2 storage, 3 storage allocated, 4 public IPs, …")
    sortby = Text(since="3.0.0", help="usage: the most used first; per zone, in a zone per pod, in a pod per cluster")
    tag = Text(since="4.20.0", help="count only hosts and storage pools with this tag")
    fetchlatest = Flag(default=False, since="3.0.0", help="ask the storage for its usage first")

    def run(self, context: Context) -> Listing:
        if self.sortby is not None and self.sortby.lower() != "usage":
            raise InvalidParameter("Only value supported for sortBy parameter is : usage")
        if self.sortby is not None and self.clusterid is not None:
            raise InvalidParameter("Currently clusterId param is not supported (clusterid together with sortby)")
        if self.fetchlatest:
            listing.refresh(context, self.zoneid)
        found = listing.find(self.zoneid, self.podid, self.clusterid, kind=self.type, tag=self.tag,
                             by_usage=self.sortby is not None, keyword=self.keyword)
        offset, size = page_limits(context, self.page, self.pagesize)
        end = None if size is None else offset + size
        return Listing(found[offset:end], len(found))
