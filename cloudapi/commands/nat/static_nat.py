"""Static NAT."""

from __future__ import annotations

from cloudapi.api.access import OPERATE
from cloudapi.api.command import EVERYONE, AsyncCommand, Command
from cloudapi.api.parameters import Entity, Text
from cloudapi.context import Context
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network
from cloudapi.services.nat import static_nat


class EnableStaticNat(Command):
    """Leads a public address to one Instance alone."""

    roles, atomic = EVERYONE, False

    ipaddressid = Entity(IpAddress, access=OPERATE, required=True, help="the public address")
    virtualmachineid = Entity(Machine, access=OPERATE, required=True, help="the Instance")
    networkid = Entity(Network, access=OPERATE, help="the network of the Instance")
    vmguestip = Text(help="a secondary address of the Instance")

    def run(self, context: Context) -> None:
        static_nat.enable(context, self.ipaddressid, self.virtualmachineid, self.networkid, self.vmguestip)


class DisableStaticNat(AsyncCommand):
    """Ends the static NAT of a public address."""

    roles, event, subject = EVERYONE, "STATICNAT.DISABLE", "ipaddressid"

    ipaddressid = Entity(IpAddress, access=OPERATE, required=True, lock=True, help="the public address")

    def run(self, context: Context) -> None:
        static_nat.disable(context, self.ipaddressid)
