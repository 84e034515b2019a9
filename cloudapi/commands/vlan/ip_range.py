"""Ranges of addresses of public and shared networks."""

from __future__ import annotations

from cloudapi.api.access import ANY
from cloudapi.api.command import ROOT, Command
from cloudapi.api.listing import ListCommand
from cloudapi.api.parameters import Entity, Flag, Text
from cloudapi.api.query import Query
from cloudapi.commands.physical_network.guest_vlan import named_account
from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.identity import Domain, Project
from cloudapi.models.infrastructure import Pod, Zone
from cloudapi.models.network import IpRange, Network, PhysicalNetwork
from cloudapi.services.vlan import change, request, tag
from cloudapi.services.vlan import ip_range as ip_ranges
from cloudapi.views.vlan.ip_range import VlanIpRangeView


class CreateVlanIpRange(Command):
    """Adds a range of addresses to a public or a shared network."""

    roles, event, response = ROOT, "VLAN.IP.RANGE.CREATE", VlanIpRangeView

    account = Text(help="the account that alone shall have it; goes with domainid")
    projectid = Entity(Project, access=ANY, help="the project that alone shall have it")
    domainid = Entity(Domain, access=ANY, help="the account's domain, or the domain that alone shall have it")
    endip = Text(help="the last address; the first one by default")
    forvirtualnetwork = Flag(default=True, help="the addresses are public ones of isolated networks")
    gateway = Text(help="the gateway")
    netmask = Text(help="the netmask")
    podid = Entity(Pod, access=ANY, help="the pod, in a Basic zone")
    startip = Text(help="the first address")
    vlan = Text(help="the VLAN as an id, as vlan://id or untagged")
    zoneid = Entity(Zone, access=ANY, help="the zone")
    networkid = Entity(Network, access=ANY, help="the network; the zone's public one by default")
    physicalnetworkid = Entity(PhysicalNetwork, access=ANY, help="the physical network")
    startipv6 = Text(help="the first IPv6 address")
    endipv6 = Text(help="the last IPv6 address")
    ip6gateway = Text(help="the IPv6 gateway")
    ip6cidr = Text(help="the IPv6 subnet, of at least 64 bits for hosts")
    forsystemvms = Flag(default=False, help="system VMs alone have it")
    provider = Text(since="4.21.0", help="the external provider of the range")

    def run(self, context: Context) -> IpRange:
        if self.forsystemvms and self.account:
            raise InvalidParameter("Account name (account) should not be provided when ForSystemVMs is enabled")
        if self.provider:
            raise InvalidParameter(f"Cannot add public IP range as the zone does not support provider: "
                                   f"{self.provider[:64]} (provider)")
        account = named_account(self.account, self.domainid, self.projectid)
        if account is not None and account.id == SYSTEM_ACCOUNT:
            account = None
        place = request.find_place(context, zone=self.zoneid, network=self.networkid,
                                   physical_network=self.physicalnetworkid, virtual=bool(self.forvirtualnetwork))
        addresses = request.complete(place.network, {
            "start_ip": self.startip, "end_ip": self.endip, "gateway": self.gateway, "netmask": self.netmask,
            "vlan": self.vlan, "start_ip6": self.startipv6, "end_ip6": self.endipv6, "ip6_gateway": self.ip6gateway,
            "ip6_cidr": self.ip6cidr})
        return ip_ranges.create(
            context, zone=place.zone, network=place.network, physical_network=place.physical_network, pod=self.podid,
            account=account, domain=self.domainid if not self.account else None,
            for_virtual_network=bool(self.forvirtualnetwork), for_system_vms=bool(self.forsystemvms), **addresses)


class UpdateVlanIpRange(Command):
    """Changes a range of addresses."""

    roles, event, response, since = ROOT, "VLAN.IP.RANGE.UPDATE", VlanIpRangeView, "4.16.0"

    id = Entity(IpRange, access=ANY, required=True, help="the range")
    gateway = Text(help="the gateway")
    netmask = Text(help="the netmask")
    startip = Text(help="the first address")
    endip = Text(help="the last address")
    startipv6 = Text(help="the first IPv6 address")
    endipv6 = Text(help="the last IPv6 address")
    ip6gateway = Text(help="the IPv6 gateway")
    ip6cidr = Text(help="the IPv6 subnet")
    forsystemvms = Flag(help="system VMs alone have it")

    def run(self, context: Context) -> IpRange:
        return change.update(context, self.id, {
            "gateway": self.gateway, "netmask": self.netmask, "start_ip": self.startip, "end_ip": self.endip,
            "start_ip6": self.startipv6, "end_ip6": self.endipv6, "ip6_gateway": self.ip6gateway,
            "ip6_cidr": self.ip6cidr, "for_system_vms": self.forsystemvms})


class DeleteVlanIpRange(Command):
    """Deletes a range of addresses."""

    roles, event = ROOT, "VLAN.IP.RANGE.DELETE"

    id = Entity(IpRange, access=ANY, required=True, help="the range")

    def run(self, context: Context) -> None:
        ip_ranges.delete(context, self.id)


class DedicatePublicIpRange(Command):
    """Keeps a range of public addresses for an account or a domain."""

    roles, event, response = ROOT, "VLAN.IP.RANGE.DEDICATE", VlanIpRangeView

    id = Entity(IpRange, access=ANY, required=True, help="the range")
    account = Text(help="the account; the whole domain without it")
    projectid = Entity(Project, access=ANY, help="the project")
    domainid = Entity(Domain, access=ANY, required=True, help="the domain")

    def run(self, context: Context) -> IpRange:
        account = named_account(self.account, self.domainid, self.projectid)
        return ip_ranges.dedicate(context, self.id, account, self.domainid)


class ReleasePublicIpRange(Command):
    """Ends the dedication of a range of public addresses."""

    roles, event = ROOT, "VLAN.IP.RANGE.RELEASE"

    id = Entity(IpRange, access=ANY, required=True, help="the range")

    def run(self, context: Context) -> None:
        ip_ranges.release(context, self.id)


class ListVlanIpRanges(ListCommand):
    """Lists ranges of addresses."""

    roles, response, wrapper = ROOT, VlanIpRangeView, "vlaniprange"
    keywords = ("vlan", "start_ip", "end_ip")

    id = Entity(IpRange, column="id", minus_one=True, help="the range with this ID")
    account = Text(help="those of this account; goes with domainid")
    projectid = Entity(Project, help="those of this project")
    domainid = Entity(Domain, help="those of this domain")
    podid = Entity(Pod, column="pod_id", help="those of this pod")
    vlan = Text(help="those of this VLAN")
    zoneid = Entity(Zone, column="zone_id", help="those of this zone")
    networkid = Entity(Network, column="network_id", help="those of this network")
    forvirtualnetwork = Flag(column="for_virtual_network", help="those for public addresses of isolated networks, "
                                                                "or not")
    physicalnetworkid = Entity(PhysicalNetwork, column="physical_network_id", help="those of this physical network")

    def filter(self, context: Context, query: Query) -> None:
        account = named_account(self.account, self.domainid, self.projectid)
        if account is not None:
            query.equals("account_id", account.id)
        elif self.domainid is not None:
            query.equals("domain_id", self.domainid.id)
        if self.vlan:
            query.equals("vlan", tag.uri(self.vlan))
