"""Devices of the network that are driven from outside of hosts."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Map, Text
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.infrastructure import Host
from cloudapi.services.physical_network import network_device as devices
from cloudapi.views.physical_network.network_device import NetworkDeviceView


class AddNetworkDevice(Command):
    """Adds a network device of a type for which there is a driver."""

    roles, response = ROOT, NetworkDeviceView

    networkdevicetype = Text(help="the kind of device")
    networkdeviceparameterlist = Map(help="what its driver needs to know")

    def run(self, context: Context) -> Host:
        return devices.add(context, self.networkdevicetype, self.networkdeviceparameterlist or {})


class DeleteNetworkDevice(Command):
    """Deletes a network device."""

    roles = ROOT

    id = Entity(Host, access=ANY, required=True, help="the device")

    def run(self, context: Context) -> None:
        devices.delete(context, self.id)


class ListNetworkDevice(ListCommand):
    """Lists the network devices."""

    roles, response = ROOT, NetworkDeviceView

    networkdevicetype = Text(help="those of this kind")
    networkdeviceparameterlist = Map(help="those with these values, as zoneid or podid")

    def filter(self, context: Context, query: Query) -> None:
        kind = devices.kind(self.networkdevicetype)
        query.among("kind", devices.KINDS if kind is None else (kind,))
        for name, value in (self.networkdeviceparameterlist or {}).items():
            table = {"zoneid": "zone", "podid": "pod"}.get(name.lower())
            if table is not None:
                query.where(f"t.{table}_id IN (SELECT p.id FROM {table} p WHERE p.uuid = ?)", value)
