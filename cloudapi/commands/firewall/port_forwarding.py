"""Port forwarding rules."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, Flag, Integer, Text, TextList, Uuid
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.rule import PortForwardingRule
from cloudapi.services.firewall import port_forwarding
from cloudapi.services.firewall import rule as rules
from cloudapi.views.firewall.rule import FirewallRuleView


class CreatePortForwardingRule(AsyncCreateCommand):
    """Creates a port forwarding rule."""

    roles, event, response = EVERYONE, "NET.RULEADD", FirewallRuleView
    creates = PortForwardingRule

    ipaddressid = Entity(IpAddress, access=OPERATE, required=True, help="the public address")
    privateport = Integer(required=True, help="first port of the Instance")
    protocol = Text(required=True, help="tcp or udp, or its number")
    privateendport = Integer(help="last port of the Instance")
    publicport = Integer(required=True, help="first public port")
    publicendport = Integer(help="last public port")
    virtualmachineid = Entity(Machine, access=OPERATE, required=True, help="the Instance")
    cidrlist = TextList(help="CIDRs from which it may be used; all where it is not given")
    openfirewall = Flag(default=True, help="let everybody in to the public ports as well")
    networkid = Entity(Network, access=OPERATE, help="the network of the Instance")
    vmguestip = Text(help="a secondary address of the Instance")
    fordisplay = Flag(since="4.4", roles=ROOT, default=True, help="whether users see it")

    def create(self, context: Context) -> Any:
        return port_forwarding.create(
            context, self.ipaddressid, self.virtualmachineid, protocol=self.protocol,
            public=(self.publicport, self.publicendport), private=(self.privateport, self.privateendport),
            guest_ip=self.vmguestip, cidrs=self.cidrlist, open_firewall=self.openfirewall, network=self.networkid,
            display=self.fordisplay)

    def run(self, context: Context) -> Any:
        return rules.enforce(context, self.created)


class ListPortForwardingRules(TagParameters, OwnedListCommand):
    """Lists port forwarding rules."""

    roles, response = EVERYONE, FirewallRuleView
    tag_type, keywords = "PortForwardingRule", ("uuid", "protocol", "vm_ip")

    id = Entity(PortForwardingRule, access=OPERATE, column="id", help="the rule with this ID")
    ipaddressid = Entity(IpAddress, access=OPERATE, column="ip_address_id", help="rules of this public address")
    networkid = Entity(Network, access=OPERATE, column="network_id", since="4.3", help="rules of this network")
    fordisplay = Flag(column="display", since="4.4", roles=ROOT, help="those that users see, or the others")

    def filter(self, context: Context, query: Query) -> None:
        if not context.caller.is_root_admin:
            query.equals("display", True)
        self.filter_tags(query)


class DeletePortForwardingRule(AsyncCommand):
    """Deletes a port forwarding rule."""

    roles, event = EVERYONE, "NET.RULEDELETE"

    id = Entity(PortForwardingRule, access=OPERATE, required=True, lock=True, help="the rule")

    def run(self, context: Context) -> None:
        rules.delete(context, self.id)


class UpdatePortForwardingRule(AsyncCommand):
    """Changes where a port forwarding rule leads."""

    action = "updating a port forwarding rule"
    roles, event, response = EVERYONE, "NET.RULEMODIFY", FirewallRuleView

    customid = Uuid(since="4.4", roles=ROOT, help="a new ID")
    id = Entity(PortForwardingRule, access=OPERATE, required=True, lock=True, since="4.4", help="the rule")
    privateport = Integer(help="first port of the Instance")
    privateendport = Integer(help="last port of the Instance")
    virtualmachineid = Entity(Machine, access=OPERATE, help="the Instance")
    vmguestip = Text(since="4.5", help="an address of the Instance")
    fordisplay = Flag(since="4.4", roles=ROOT, help="whether users see it")
    cidrlist = TextList(help="CIDRs from which it may be used")

    def run(self, context: Context) -> Any:
        return port_forwarding.update(
            context, self.id, private=(self.privateport, self.privateendport), machine=self.virtualmachineid,
            guest_ip=self.vmguestip, cidrs=self.cidrlist, custom_id=self.customid, display=self.fordisplay)
