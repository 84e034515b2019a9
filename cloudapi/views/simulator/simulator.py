"""What the API shows of the simulator."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class MockView(View):
    """A fault that simulated hosts were told to have. The numbers are those inside the database."""

    name = "simulatormock"

    id = Given("number by which it is asked for and ended", type="long")
    zoneid = Given("zone whose hosts have it", type="long")
    podid = Given("pod whose hosts have it", type="long")
    clusterid = Given("cluster whose hosts have it", type="long")
    hostid = Given("host that has it", type="long")
    name_ = Given("requests that it hits", type="string")
    count = Given("how many it still hits", type="integer")


class SimulatorHAStateView(View):
    """A change of a simulated host's high availability."""

    name = "hastatetransition"

    hastate = Given("state after the change", type="string")
    prevhastate = Given("state before it", type="string")
    event = Given("what brought it", type="string")
    activitycounter = Given("checks of activity so far", type="long")
    recoverycounter = Given("attempts to recover so far", type="long")
