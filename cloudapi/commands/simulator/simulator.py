"""The simulator."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command, PageParameters
from cloudapi.api.listing import Listing
from cloudapi.api.parameters import Entity, Flag, Integer, Long, Text
from cloudapi.context import Context
from cloudapi.models.infrastructure import Cluster, Host, Pod, Zone
from cloudapi.services.simulator import simulator
from cloudapi.views.simulator.simulator import MockView, SimulatorHAStateView


class ConfigureSimulator(Command):
    """Delays, fails or answers the next requests of a name in a range of simulated hosts."""

    roles, response = ROOT, MockView
    atomic = False

    name = Text(required=True, help="the requests: a verb such as instance.start, or an agent command as StartCommand")
    value = Text(required=True, help="what happens, parted by | or ;: wait:MILLISECONDS, result:fail, result:fault, "
                                     "timeout")
    zoneid = Entity(Zone, access=ANY, help="on hosts of this zone")
    podid = Entity(Pod, access=ANY, help="on hosts of this pod")
    clusterid = Entity(Cluster, access=ANY, help="on hosts of this cluster")
    hostid = Entity(Host, access=ANY, help="on this host")
    count = Integer(help="how many requests; all until it is ended where it is not given")
    jsonresponse = Text(length=4096, help="what is answered in place of doing anything")

    def run(self, context: Context) -> Any:
        return simulator.configure(context, self.name, self.value, zone=self.zoneid, pod=self.podid,
                                   cluster=self.clusterid, host=self.hostid, count=self.count,
                                   json_response=self.jsonresponse)


class QuerySimulatorMock(Command):
    """Shows a fault that was configured, and how many requests it still hits."""

    roles, response = ROOT, MockView
    read_only, atomic = True, False

    id = Long(help="number of the fault")

    def run(self, context: Context) -> Any:
        return simulator.query(context, self.id)


class CleanupSimulatorMock(Command):
    """Ends a fault that was configured."""

    roles = ROOT
    atomic = False

    id = Long(help="number of the fault")

    def run(self, context: Context) -> None:
        simulator.cleanup(context, self.id)


class ConfigureSimulatorHAProviderState(Command):
    """Says how a simulated host answers to the investigations of high availability."""

    roles, since = ROOT, "4.11"
    atomic = False

    hostid = Entity(Host, access=ANY, required=True, help="the host")
    health = Flag(required=True, help="whether it is healthy")
    activity = Flag(required=True, help="whether its disks show activity")
    recover = Flag(required=True, help="whether it can be recovered")
    fence = Flag(required=True, help="whether it can be fenced")

    def run(self, context: Context) -> None:
        simulator.set_availability(context, self.hostid, health=self.health, activity=self.activity,
                                   recover=self.recover, fence=self.fence)


class ListSimulatorHAStateTransitions(PageParameters, Command):
    """Lists the latest changes of a simulated host's high availability."""

    roles, response, since = ROOT, SimulatorHAStateView, "4.11"
    read_only, atomic = True, False

    hostid = Entity(Host, access=ANY, required=True, help="the host")

    def run(self, context: Context) -> Listing:
        simulator.check_simulated(self.hostid)
        # High availability of hosts is enabled nowhere yet, so that no host has ever changed its state in it.
        return Listing([])
