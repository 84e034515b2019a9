"""Virtual routers."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY, OPERATE
from cloudapi.api.command import ADMINS, ROOT, AsyncCommand, Command, Success
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.ownership import find_account
from cloudapi.api.parameters import Entity, Flag, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import Network
from cloudapi.models.offering import ServiceOffering
from cloudapi.services.router import health, router, upgrade
from cloudapi.views.router.router import DomainRouterView, RouterHealthCheckResultsListView, check


def is_router(machine: Machine) -> None:
    """:raises InvalidParameter: the machine is not a virtual router."""
    if machine.kind != upgrade.KIND:
        raise InvalidParameter(f"Can't find router by id: {machine.uuid} is not a router")


class _RouterCommand(AsyncCommand):
    response = DomainRouterView

    id = Entity(Machine, access=OPERATE, required=True, lock=True, check=is_router, help="the router")


class ListRouters(OwnedListCommand):
    """Lists virtual routers."""

    roles, response = ADMINS, DomainRouterView

    hostid = Entity(Host, column="host_id", help="routers on this host")
    id = Entity(Machine, access=OPERATE, column="id", help="the router with this ID")
    name = Text(column="name", help="the router of this name")
    podid = Entity(Pod, column="pod_id", help="routers in this pod")
    state = Text(column="state", help="routers in this state")
    zoneid = Entity(Zone, column="zone_id", help="routers in this zone")
    clusterid = Entity(Cluster, help="routers on hosts of this cluster")
    networkid = Entity(Network, access=OPERATE, help="routers of this network")
    vpcid = Entity(access=ANY, help="routers of this VPC")
    forvpc = Flag(help="true: routers of VPCs alone; false: the others alone")
    version = Text(help="routers of this version")
    healthchecksfailed = Flag(since="4.16", help="routers of which a health check failed, or none did")
    fetchhealthcheckresults = Flag(default=False, since="4.14", help="add the results of health checks")
    arch = Text(column="arch", since="4.20.1", help="routers with this CPU architecture")

    def filter(self, context: Context, query: Query) -> None:
        query.equals("kind", upgrade.KIND)
        of_router = "SELECT r.machine_id FROM router r WHERE"
        if self.clusterid is not None:
            query.where("t.host_id IN (SELECT h.id FROM host h WHERE h.cluster_id = ?)", self.clusterid.id)
        if self.networkid is not None:
            query.where("t.id IN (SELECT n.vm_id FROM nic n WHERE n.network_id = ? AND n.removed IS NULL)",
                        self.networkid.id)
        if self.forvpc is not None:
            query.where(f"t.id IN ({of_router} r.vpc_id IS {'NOT ' if self.forvpc else ''}NULL)")
        if self.version is not None:
            query.where(f"t.id IN ({of_router} r.template_version = ?)", self.version)
        if self.healthchecksfailed is not None:
            query.where(f"t.id {'' if self.healthchecksfailed else 'NOT '}IN (SELECT c.machine_id FROM "
                        "router_health_check c WHERE c.success = ?)", False)


class StartRouter(_RouterCommand):
    """Starts a virtual router."""

    roles, event = ADMINS, "ROUTER.START"

    def run(self, context: Context) -> Any:
        return router.start(context, self.id)


class StopRouter(_RouterCommand):
    """Stops a virtual router."""

    roles, event = ADMINS, "ROUTER.STOP"

    forced = Flag(default=False, help="switch it off, even where its host does not answer")

    def run(self, context: Context) -> Any:
        return router.stop(context, self.id, self.forced)


class RebootRouter(_RouterCommand):
    """Restarts a virtual router."""

    roles, event = ADMINS, "ROUTER.REBOOT"

    forced = Flag(default=False, since="4.16.0", help="by switching it off")

    def run(self, context: Context) -> Any:
        return router.reboot(context, self.id, self.forced)


class DestroyRouter(_RouterCommand):
    """Destroys a virtual router; its network makes a new one when it needs one."""

    roles, event = ADMINS, "ROUTER.DESTROY"

    def run(self, context: Context) -> Any:
        shown = context.steps.run("look", lambda: DomainRouterView.one(context, self.id))
        router.destroy(context, self.id)
        return {**shown, "state": "Expunging"}


class ChangeServiceForRouter(Command):
    """Changes the offering of a stopped virtual router."""

    roles, response = ADMINS, DomainRouterView

    id = Entity(Machine, access=OPERATE, required=True, check=is_router, help="the router")
    serviceofferingid = Entity(ServiceOffering, access=ANY, required=True, help="the system offering")

    def run(self, context: Context) -> Any:
        return upgrade.change_offering(context, self.id, self.serviceofferingid)


class UpgradeRouterTemplate(Command):
    """Restarts routers so that they come up anew, a job for each."""

    roles, response = ROOT, Success

    id = Entity(Machine, access=OPERATE, check=is_router, help="this router")
    clusterid = Entity(Cluster, access=ANY, help="running routers of this cluster")
    podid = Entity(Pod, access=ANY, help="running routers of this pod")
    zoneid = Entity(Zone, access=ANY, help="running routers of this zone")
    account = Text(help="running routers of this account; goes with domainid")
    domainid = Entity(Domain, access=OPERATE, help="running routers of this domain")

    def run(self, context: Context) -> Any:
        if self.account is not None and self.domainid is None:
            raise InvalidParameter("account goes with domainid")
        owner = find_account(self.account, self.domainid.id) if self.account is not None else None
        return {"asyncjobs": upgrade.begin(context, router=self.id, cluster=self.clusterid, pod=self.podid,
                                           zone=self.zoneid, account=owner, domain=self.domainid)}


class GetRouterHealthCheckResults(Command):
    """Answers with the results of a virtual router's health checks."""

    roles, response, since = ROOT, RouterHealthCheckResultsListView, "4.14.0"
    atomic = False

    routerid = Entity(Machine, access=OPERATE, required=True, check=is_router, help="the router")
    performfreshchecks = Flag(default=False, help="run the checks now")

    def run(self, context: Context) -> Any:
        found = health.results(context, self.routerid, self.performfreshchecks)
        return {"routerid": self.routerid.uuid, "healthchecks": [
            check(row.name, row.kind, row.success, row.details, row.checked) for row in found]}
