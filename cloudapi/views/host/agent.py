"""What the API shows of a system VM's agent as a host."""

from __future__ import annotations

from cloudapi.api.view import Batch, Column, Computed, View
from cloudapi.models.infrastructure import Pod
from cloudapi.models.machine import Machine
from cloudapi.views.host.host import NOT_CORE, PLACE
from cloudapi.views.system_vm.agent import load_agents
from cloudapi.views.system_vm.system_vm import ended, nic
from cloudapi.views.zone.place import HasAnnotations


class SystemVmAgentView(View):
    """The machine's ID is the host's as well: there is no other record of it."""

    record, name = Machine, "host"
    links = {"pod_": ("pod_id", Pod)}

    id = Column("uuid", "ID of the host")
    name_ = Column("name", "name of the system VM")
    state = Batch(load_agents, "whether it is up", key="state", type="string")
    disconnected = Computed(ended, "state", "updated", type="date", help="since when it is not connected")
    type = Batch(load_agents, "ConsoleProxy or SecondaryStorageVM", key="type", type="string")
    ipaddress = nic("privateip", "its management address")
    zoneid = Column("zone.uuid", "ID of its zone")
    zonename = Column("zone.name", "name of its zone", detail=PLACE)
    podid = Column("pod_.uuid", "ID of its pod")
    podname = Column("pod_.name", "name of its pod", detail=PLACE)
    version = Batch(load_agents, "version of its agent", key="version", type="string")
    lastpinged = Column("power_reported", "when its host reported it last")
    created = Column("created", "when it was made")
    resourcestate = Computed(lambda _: "Enabled", "id", type="string", help="Enabled")
    virtualmachineid = Column("uuid", "system VM that it is", detail=NOT_CORE)
    islocalstorageactive = Computed(lambda _: False, "id", type="boolean", detail=NOT_CORE,
                                    help="false: it runs no Instances")
    hasannotations = HasAnnotations()
