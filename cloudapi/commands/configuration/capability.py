"""What the installation, its planners and its hypervisors can do."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import EVERYONE, ROOT, Command
from cloudapi.api.listing import ListCommand, Listing, page_limits
from cloudapi.api.parameters import Entity, Flag, Integer, Long, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import HypervisorCapability
from cloudapi.placement.planner import PLANNERS
from cloudapi.services.configuration.capability import capabilities
from cloudapi.services.configuration.hypervisor import update_capabilities
from cloudapi.views.configuration.setting import (
    CapabilitiesView,
    DeploymentPlannersView,
    HypervisorCapabilitiesView,
)


class ListCapabilities(Command):
    """Lists what this installation can do."""

    roles, response = EVERYONE, CapabilitiesView
    read_only, atomic = True, False

    domainid = Entity(Domain, access=OPERATE, since="4.23.0", help="for this domain instead of the caller's")

    def run(self, context: Context) -> dict[str, Any]:
        return capabilities(context, self.domainid)


class ListDeploymentPlanners(ListCommand):
    """Lists the planners that can choose where an Instance runs."""

    roles, response = ROOT, DeploymentPlannersView

    def run(self, context: Context) -> Listing:
        names = [name for name in sorted(PLANNERS) if self.keyword is None or self.keyword.lower() in name.lower()]
        offset, limit = page_limits(context, self.page, self.pagesize)
        return Listing([{"name": name} for name in names[offset:None if limit is None else offset + limit]],
                       len(names))


class ListHypervisorCapabilities(ListCommand):
    """Lists what each version of a hypervisor can do."""

    roles, response = ROOT, HypervisorCapabilitiesView
    since, keywords = "3.0.0", ("hypervisor_type",)

    id = Entity(HypervisorCapability, column="id", minus_one=True, help="the capabilities with this ID")
    hypervisor = Text(help="those of this hypervisor")

    def filter(self, context: Context, query: Query) -> None:
        if self.hypervisor is not None:
            query.where("LOWER(t.hypervisor_type) = ?", self.hypervisor.lower())


class UpdateHypervisorCapabilities(Command):
    """Changes what the server expects of a hypervisor."""

    roles, response = ROOT, HypervisorCapabilitiesView
    since = "3.0.0"

    id = Entity(HypervisorCapability, access=ANY, help="the capabilities; or name the hypervisor and its version")
    hypervisor = Text(since="4.19.1", help="the hypervisor")
    hypervisorversion = Text(since="4.19.1", help="the version of the hypervisor")
    securitygroupenabled = Flag(help="whether it has security groups")
    maxguestslimit = Long(minimum=1, help="Instances that one host takes")
    maxdatavolumeslimit = Integer(minimum=0, since="4.16.0", help="data disks that one Instance takes")
    storagemotionenabled = Flag(since="4.16.0", help="whether disks move while their Instance runs")
    maxhostspercluster = Integer(minimum=1, since="4.16.0", help="hosts that one cluster takes")
    vmsnapshotenabled = Flag(since="4.16.0", help="whether Instances can be snapshot with their disks")

    def run(self, context: Context) -> HypervisorCapability:
        if self.id is None and not (self.hypervisor and self.hypervisorversion):
            raise InvalidParameter("Hypervisor capabilities are named by id, or by hypervisor and hypervisorversion")
        return update_capabilities(
            self.id, self.hypervisor, self.hypervisorversion, security_groups=self.securitygroupenabled,
            max_guests=self.maxguestslimit, max_data_volumes=self.maxdatavolumeslimit,
            storage_motion=self.storagemotionenabled, max_hosts_per_cluster=self.maxhostspercluster,
            vm_snapshots=self.vmsnapshotenabled)
