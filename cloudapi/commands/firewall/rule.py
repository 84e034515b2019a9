"""Firewall rules of public addresses and of networks."""

from __future__ import annotations

from typing import Any, ClassVar

from cloudapi.api.access import OPERATE
from cloudapi.api.command import EVERYONE, ROOT, AsyncCommand, AsyncCreateCommand
from cloudapi.api.listing import OwnedListCommand, TagParameters
from cloudapi.api.parameters import Entity, Flag, Integer, Text, TextList, Uuid
from cloudapi.api.query import Query
from cloudapi.context import Context
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.rule import FirewallRule
from cloudapi.services.firewall import rule as rules
from cloudapi.views.firewall.rule import FirewallView

KINDS = ("User", "System")


class _CreateRule(AsyncCreateCommand):
    creates = FirewallRule
    response = FirewallView

    def run(self, context: Context) -> Any:
        return rules.enforce(context, self.created)


class CreateFirewallRule(_CreateRule):
    """Creates a firewall rule for a public address."""

    roles, event = EVERYONE, "FIREWALL.OPEN"

    ipaddressid = Entity(IpAddress, access=OPERATE, required=True, help="the public address")
    protocol = Text(required=True, help="tcp, udp or icmp, or its number")
    startport = Integer(help="first port")
    endport = Integer(help="last port; the first where it is not given")
    cidrlist = TextList(help="CIDRs from which traffic may come; all where it is not given")
    icmptype = Integer(help="ICMP type; -1 for any")
    icmpcode = Integer(help="ICMP code; -1 for any")
    type = Text(choices=KINDS, help="User; System is for the cloud's own rules")
    fordisplay = Flag(since="4.4", roles=ROOT, default=True, help="whether users see it")

    def create(self, context: Context) -> Any:
        return rules.create_ingress(context, self.ipaddressid, protocol=self.protocol, start=self.startport,
                                    end=self.endport, cidrs=self.cidrlist, icmp_type=self.icmptype,
                                    icmp_code=self.icmpcode, display=self.fordisplay)


class CreateEgressFirewallRule(_CreateRule):
    """Creates a firewall rule for traffic that leaves a network."""

    action = "creating an egress firewall rule of a network"
    roles, event = EVERYONE, "FIREWALL.EGRESS.OPEN"

    networkid = Entity(Network, access=OPERATE, required=True, help="the network")
    protocol = Text(required=True, help="tcp, udp, icmp or all, or its number")
    startport = Integer(help="first port")
    endport = Integer(help="last port; the first where it is not given")
    cidrlist = TextList(help="CIDRs within the network from which traffic comes; the whole where it is not given")
    destcidrlist = TextList(help="CIDRs to which traffic goes; all where it is not given")
    icmptype = Integer(help="ICMP type; -1 for any")
    icmpcode = Integer(help="ICMP code; -1 for any")
    type = Text(choices=KINDS, help="User; System is for the cloud's own rules")
    fordisplay = Flag(since="4.4", roles=ROOT, default=True, help="whether users see it")

    def create(self, context: Context) -> Any:
        return rules.create_egress(context, self.networkid, protocol=self.protocol, start=self.startport,
                                   end=self.endport, cidrs=self.cidrlist, destinations=self.destcidrlist,
                                   icmp_type=self.icmptype, icmp_code=self.icmpcode, display=self.fordisplay)


class _ListRules(TagParameters, OwnedListCommand):
    response = FirewallView
    tag_type = "FirewallRule"
    keywords: ClassVar[tuple[str, ...]] = ("uuid", "protocol")
    traffic_type: ClassVar[str] = rules.INGRESS

    def filter(self, context: Context, query: Query) -> None:
        query.equals("traffic_type", self.traffic_type)
        if not context.caller.is_root_admin:
            query.equals("display", True)
        self.filter_tags(query)


class ListFirewallRules(_ListRules):
    """Lists the firewall rules of public addresses."""

    roles = EVERYONE

    id = Entity(FirewallRule, access=OPERATE, column="id", help="the rule with this ID")
    ipaddressid = Entity(IpAddress, access=OPERATE, column="ip_address_id", help="rules of this public address")
    networkid = Entity(Network, access=OPERATE, column="network_id", since="4.3", help="rules of this network")
    fordisplay = Flag(column="display", since="4.4", roles=ROOT, help="those that users see, or the others")


class ListEgressFirewallRules(_ListRules):
    """Lists the firewall rules for traffic that leaves networks."""

    roles, traffic_type = EVERYONE, rules.EGRESS

    id = Entity(FirewallRule, access=OPERATE, column="id", help="the rule with this ID")
    networkid = Entity(Network, access=OPERATE, column="network_id", help="rules of this network")
    ipaddressid = Entity(IpAddress, access=OPERATE, column="ip_address_id", help="rules of this public address")
    fordisplay = Flag(column="display", since="4.4", roles=ROOT, help="those that users see, or the others")


class DeleteFirewallRule(AsyncCommand):
    """Deletes a firewall rule of a public address."""

    roles, event = EVERYONE, "FIREWALL.CLOSE"

    id = Entity(FirewallRule, access=OPERATE, required=True, lock=True, help="the rule")

    def run(self, context: Context) -> None:
        rules.delete(context, self.id)


class DeleteEgressFirewallRule(AsyncCommand):
    """Deletes a firewall rule for traffic that leaves a network."""

    action = "revoking an egress firewall rule"
    roles, event = EVERYONE, "FIREWALL.EGRESS.CLOSE"

    id = Entity(FirewallRule, access=OPERATE, required=True, lock=True, help="the rule")

    def run(self, context: Context) -> None:
        rules.delete(context, self.id)


class _UpdateRule(AsyncCommand):
    response = FirewallView

    customid = Uuid(since="4.4", roles=ROOT, help="a new ID")
    id = Entity(FirewallRule, access=OPERATE, required=True, lock=True, help="the rule")
    fordisplay = Flag(since="4.4", roles=ROOT, help="whether users see it")

    def run(self, context: Context) -> Any:
        context.steps.run("update", lambda: rules.update(self.id, custom_id=self.customid, display=self.fordisplay).id)
        return self.id


class UpdateFirewallRule(_UpdateRule):
    """Changes what is shown of a firewall rule of a public address."""

    action = "updating a firewall rule"
    roles, event, since = EVERYONE, "FIREWALL.UPDATE", "4.4"


class UpdateEgressFirewallRule(_UpdateRule):
    """Changes what is shown of a firewall rule for traffic that leaves a network."""

    action = "updating an egress firewall rule"
    roles, event, since = EVERYONE, "FIREWALL.EGRESS.UPDATE", "4.4"
