"""Ranges of addresses of storage networks and of pods' management networks."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, AsyncCommand
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Integer, Text
from cloudapi.context import Context
from cloudapi.models.infrastructure import Pod, Zone
from cloudapi.models.network import StorageIpRange
from cloudapi.services.physical_network import management_range as management_ranges
from cloudapi.services.physical_network import storage_range as storage_ranges
from cloudapi.views.physical_network.physical_network import StorageNetworkIpRangeView
from cloudapi.views.pod.pod import PodView


class CreateStorageNetworkIpRange(AsyncCommand):
    """Adds a range of addresses to a pod's storage network."""

    roles, event, response, since = ROOT, "STORAGE.IP.RANGE.CREATE", StorageNetworkIpRangeView, "3.0.0"
    subject = "podid"

    podid = Entity(Pod, access=ANY, required=True, lock=True, help="the pod")
    startip = Text(required=True, help="the first address")
    endip = Text(help="the last address; the first one by default")
    vlan = Integer(help="the VLAN of the range")
    netmask = Text(required=True, help="the netmask")
    gateway = Text(required=True, help="the gateway")

    def run(self, context: Context) -> int:
        return context.steps.run("create", lambda: int(storage_ranges.create(
            context, self.podid, start_ip=self.startip, end_ip=self.endip, netmask=self.netmask, gateway=self.gateway,
            vlan=self.vlan).id))


class UpdateStorageNetworkIpRange(AsyncCommand):
    """Changes a range of addresses of a storage network, of which none is in use."""

    roles, event, response, since = ROOT, "STORAGE.IP.RANGE.UPDATE", StorageNetworkIpRangeView, "3.0.0"

    id = Entity(StorageIpRange, access=ANY, required=True, lock=True, help="the range")
    startip = Text(help="the first address")
    endip = Text(help="the last address")
    vlan = Integer(help="the VLAN of the range")
    netmask = Text(help="the netmask")

    def run(self, context: Context) -> int:
        return context.steps.run("update", lambda: int(storage_ranges.update(
            context, self.id, start_ip=self.startip, end_ip=self.endip, netmask=self.netmask, vlan=self.vlan).id))


class DeleteStorageNetworkIpRange(AsyncCommand):
    """Deletes a range of addresses of a storage network."""

    roles, event, since = ROOT, "STORAGE.IP.RANGE.DELETE", "3.0.0"

    id = Entity(StorageIpRange, access=ANY, required=True, lock=True, help="the range")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: storage_ranges.delete(context, self.id))


class ListStorageNetworkIpRange(ListCommand):
    """Lists the ranges of addresses of storage networks."""

    roles, response, since = ROOT, StorageNetworkIpRangeView, "3.0.0"
    keywords = ("start_ip", "end_ip")

    id = Entity(StorageIpRange, column="id", minus_one=True, help="the range with this ID")
    podid = Entity(Pod, column="pod_id", help="those of this pod")
    zoneid = Entity(Zone, column="zone_id", help="those of this zone")


class CreateManagementNetworkIpRange(AsyncCommand):
    """Adds a range of addresses to a pod's management network."""

    roles, event, response, since = ROOT, "MANAGEMENT.IP.RANGE.CREATE", PodView, "4.11.0.0"
    subject = "podid"

    podid = Entity(Pod, access=ANY, required=True, lock=True, help="the pod")
    gateway = Text(required=True, help="the pod's gateway")
    netmask = Text(required=True, help="the pod's netmask")
    startip = Text(required=True, help="the first address")
    endip = Text(help="the last address; the first one by default")
    forsystemvms = Flag(default=False, help="system VMs alone have it")
    vlan = Text(help="the VLAN of the range; untagged by default")

    def run(self, context: Context) -> int:
        return context.steps.run("create", lambda: int(management_ranges.create(
            context, self.podid, gateway=self.gateway, netmask=self.netmask, start_ip=self.startip, end_ip=self.endip,
            vlan=self.vlan, for_system_vms=bool(self.forsystemvms)).id))


class UpdatePodManagementNetworkIpRange(AsyncCommand):
    """Changes the ends of a range of a pod's management network."""

    roles, event, since = ROOT, "MANAGEMENT.IP.RANGE.UPDATE", "4.16.0.0"
    subject = "podid"

    podid = Entity(Pod, access=ANY, required=True, lock=True, help="the pod")
    currentstartip = Text(required=True, help="the first address of the range now")
    currentendip = Text(required=True, help="the last address of the range now")
    newstartip = Text(help="the first address that it shall have")
    newendip = Text(help="the last address that it shall have")

    def run(self, context: Context) -> None:
        context.steps.run("update", lambda: management_ranges.update(
            context, self.podid, start_ip=self.currentstartip, end_ip=self.currentendip,
            new_start_ip=self.newstartip, new_end_ip=self.newendip))


class DeleteManagementNetworkIpRange(AsyncCommand):
    """Takes a range of addresses from a pod's management network."""

    roles, event, since = ROOT, "MANAGEMENT.IP.RANGE.DELETE", "4.11.0.0"
    subject = "podid"

    podid = Entity(Pod, access=ANY, required=True, lock=True, help="the pod")
    startip = Text(required=True, help="the first address")
    endip = Text(required=True, help="the last address")
    vlan = Text(required=True, help="the VLAN of the range")

    def run(self, context: Context) -> None:
        context.steps.run("delete", lambda: management_ranges.delete(
            context, self.podid, start_ip=self.startip, end_ip=self.endip, vlan=self.vlan))
