"""IP forwarding rules."""

from __future__ import annotations

from typing import Any

from cloudapi.api.access import OPERATE
from cloudapi.api.command import EVERYONE, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import OwnedListCommand
from cloudapi.api.parameters import Entity, Flag, Integer, Text, TextList
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress
from cloudapi.models.rule import IpForwardingRule
from cloudapi.services.firewall import rule as rules
from cloudapi.services.nat import ip_forwarding
from cloudapi.views.nat.ip_forwarding import IpForwardingRuleView


def refuse_cidrs(value: object) -> None:
    raise InvalidParameter("Parameter cidrlist is deprecated here: createFirewallRule says from where a port is open")


class CreateIpForwardingRule(AsyncCreateCommand):
    """Creates an IP forwarding rule: ports of an address with static NAT."""

    roles, event, response = EVERYONE, "NET.RULEADD", IpForwardingRuleView
    creates = IpForwardingRule

    ipaddressid = Entity(IpAddress, access=OPERATE, required=True, help="the public address, which has static NAT")
    startport = Integer(required=True, help="first port")
    endport = Integer(help="last port; the first where it is not given")
    protocol = Text(required=True, help="tcp or udp, or its number")
    openfirewall = Flag(default=True, help="let everybody in to the ports as well")
    cidrlist = TextList(check=refuse_cidrs, help="refused: createFirewallRule says from where a port is open")

    def create(self, context: Context) -> Any:
        return ip_forwarding.create(context, self.ipaddressid, protocol=self.protocol, start=self.startport,
                                    end=self.endport, open_firewall=self.openfirewall)

    def run(self, context: Context) -> Any:
        return rules.enforce(context, self.created)


class ListIpForwardingRules(OwnedListCommand):
    """Lists IP forwarding rules."""

    roles, response, keywords = EVERYONE, IpForwardingRuleView, ("uuid", "protocol")

    id = Entity(IpForwardingRule, access=OPERATE, column="id", help="the rule with this ID")
    ipaddressid = Entity(IpAddress, access=OPERATE, column="ip_address_id", help="rules of this public address")
    virtualmachineid = Entity(Machine, access=OPERATE, help="rules of addresses that lead to this Instance")

    def filter(self, context: Context, query: Query) -> None:
        if self.virtualmachineid is not None:
            query.where("t.ip_address_id IN (SELECT a.id FROM ip_address a WHERE a.vm_id = ?)",
                        self.virtualmachineid.id)


class DeleteIpForwardingRule(AsyncCommand):
    """Deletes an IP forwarding rule."""

    roles, event = EVERYONE, "NET.RULEDELETE"

    id = Entity(IpForwardingRule, access=OPERATE, required=True, lock=True, help="the rule")

    def run(self, context: Context) -> None:
        rules.delete(context, self.id)
