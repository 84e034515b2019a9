"""What the API shows of capacity."""

from __future__ import annotations

from cloudapi.api.view import Given, View


class CapacityView(View):
    """Sums of one kind of capacity; a service makes them."""

    name = "capacity"

    type = Given("kind of capacity: 0 memory, 1 CPU, 2 storage, 3 storage allocated, 4 public IPs, …", type="short")
    name_ = Given("name of the kind", type="string")
    zoneid = Given("ID of the zone", type="string")
    zonename = Given("name of the zone", type="string")
    podid = Given("ID of the pod", type="string")
    podname = Given("name of the pod", type="string")
    clusterid = Given("ID of the cluster", type="string")
    clustername = Given("name of the cluster", type="string")
    capacityallocated = Given("what Instances were made with, stopped ones included", type="long")
    capacityused = Given("what is taken", type="long")
    capacitytotal = Given("what there is, over-provisioning included", type="long")
    percentused = Given("share that is taken, in percent", type="string")
    tag = Given("tag of the hosts and pools that are counted", type="string", since="4.20.0")
