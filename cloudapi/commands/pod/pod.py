"""Pods."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, NewName, Text, TextList
from cloudapi.api.query import Query
from cloudapi.commands.zone.place import ALLOCATION_STATES, INFRASTRUCTURE_ADMINS, filter_access_group
from cloudapi.context import Context
from cloudapi.models.infrastructure import Pod, Zone
from cloudapi.services.pod import pod as pods
from cloudapi.views.pod.pod import PodView


class ListPods(ListCommand):
    """Lists pods."""

    lasting = True
    roles, response = INFRASTRUCTURE_ADMINS, PodView

    id = Entity(Pod, column="id", minus_one=True, help="the pod with this ID")
    name = Text(column="name", help="the pod of this name")
    zoneid = Entity(Zone, column="zone_id", minus_one=True, help="pods of this zone")
    allocationstate = Text(column="allocation_state", help="pods in this state: Enabled or Disabled")
    showcapacities = Flag(default=False, help="add the capacities of each pod")
    storageaccessgroup = Text(since="4.21.0", help="pods with this storage access group")

    def filter(self, context: Context, query: Query) -> None:
        filter_access_group(query, "Pod", self.storageaccessgroup)


class CreatePod(Command):
    """Creates a pod."""

    roles, event, response = ROOT, "POD.CREATE", PodView

    name = Text(required=True, help="its name, unique in the zone")
    zoneid = Entity(Zone, access=ANY, required=True, help="the zone")
    gateway = Text(help="the gateway of its management network")
    netmask = Text(help="the netmask of its management network")
    startip = Text(help="the first management address")
    endip = Text(help="the last management address; that of the subnet where it is not given")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed in it")
    storageaccessgroups = TextList(since="4.21.0", help="the storage access groups of its hosts")

    def run(self, context: Context) -> Any:
        return pods.create(context, self.zoneid, self.name, gateway=self.gateway, netmask=self.netmask,
                           start_ip=self.startip, end_ip=self.endip, allocation_state=self.allocationstate,
                           storage_access_groups=self.storageaccessgroups)


class UpdatePod(Command):
    """Changes a pod."""

    roles, event, response = ROOT, "POD.EDIT", PodView

    id = Entity(Pod, access=ANY, required=True, help="the pod")
    name = NewName(help="a new name")
    gateway = Text(help="another gateway")
    netmask = Text(help="another netmask")
    startip = Text(help="another first management address")
    endip = Text(help="another last management address")
    allocationstate = Text(choices=ALLOCATION_STATES, help="whether Instances may be placed in it")

    def run(self, context: Context) -> Any:
        return pods.update(context, self.id, {name: getattr(self, name) for name in self.given - {"id"}})


class DeletePod(Command):
    """Deletes a pod that nothing is left in."""

    roles, event = ROOT, "POD.DELETE"

    id = Entity(Pod, access=ANY, required=True, help="the pod")

    def run(self, context: Context) -> None:
        pods.delete(context, self.id)
