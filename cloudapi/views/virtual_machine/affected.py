"""What the API shows of machines that a change of storage concerns."""

from __future__ import annotations

from cloudapi.api.view import Column, View
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine


class AffectedMachineView(View):
    record, name = Machine, "affectedvmsforstoragescopechange"
    links = {"last_host": ("last_host_id", Host)}

    id = Column("uuid", "ID of the machine")
    type = Column("kind", "User, DomainRouter, ConsoleProxy or SecondaryStorageVm")
    name_ = Column("instance_name", "name of the machine")
    clusterid = Column("last_host.cluster.uuid", "ID of the cluster that it runs or ran in")
    clustername = Column("last_host.cluster.name", "name of that cluster")
    hostid = Column("last_host.uuid", "ID of the host that it runs or ran on")
    hostname = Column("last_host.name", "name of that host")
