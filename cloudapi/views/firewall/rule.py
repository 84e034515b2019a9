"""What the API shows of firewall and port forwarding rules."""

from __future__ import annotations

from cloudapi.api.view import Column, Computed, Given, View
from cloudapi.models.machine import Machine
from cloudapi.models.rule import FirewallRule, PortForwardingRule
from cloudapi.views.common import Tags


def comma(values: list[str] | None) -> str:
    return ",".join(values or [])


class FirewallView(View):
    record, name = FirewallRule, "firewallrule"

    id = Column("uuid", "ID of the rule")
    protocol = Column("protocol", "tcp, udp, icmp or all")
    startport = Column("start_port", "first port")
    endport = Column("end_port", "last port")
    ipaddressid = Column("ip_address.uuid", "ID of the public address")
    networkid = Column("network.uuid", "ID of the network")
    vpcid = Given("ID of the VPC", type="string")
    ipaddress = Column("ip_address.ip", "the public address")
    state = Column("state", "Staged, Add, Active or Deleting")
    cidrlist = Computed(comma, "source_cidrs", type="string", help="where the traffic comes from")
    icmptype = Column("icmp_type", "ICMP type; -1 for any")
    icmpcode = Column("icmp_code", "ICMP code; -1 for any")
    tags = Tags("FirewallRule")
    fordisplay = Column("display", "whether users see it", since="4.4", admin=True)
    destcidrlist = Computed(comma, "destination_cidrs", type="string", help="where the traffic goes to")
    traffictype = Column("traffic_type", "Ingress or Egress", since="4.17.0")


class FirewallRuleView(View):
    record, name = PortForwardingRule, "portforwardingrule"
    links = {"vm": ("vm_id", Machine)}

    id = Column("uuid", "ID of the rule")
    privateport = Column("private_start_port", "first port of the Instance", convert=str, type="string")
    privateendport = Column("private_end_port", "last port of the Instance", convert=str, type="string")
    protocol = Column("protocol", "tcp or udp")
    publicport = Column("start_port", "first public port", convert=str, type="string")
    publicendport = Column("end_port", "last public port", convert=str, type="string")
    virtualmachineid = Column("vm.uuid", "ID of the Instance")
    virtualmachinename = Column("vm.name", "name of the Instance")
    virtualmachinedisplayname = Computed(lambda display, name: display or name, "vm.display_name", "vm.name",
                                         type="string", help="display name of the Instance")
    ipaddressid = Column("ip_address.uuid", "ID of the public address")
    ipaddress = Column("ip_address.ip", "the public address")
    state = Column("state", "Staged, Add, Active or Deleting")
    cidrlist = Computed(comma, "source_cidrs", type="string", help="from where it may be used")
    tags = Tags("PortForwardingRule")
    vmguestip = Column("vm_ip", "address of the Instance that it leads to")
    networkid = Column("network.uuid", "ID of the network")
    networkname = Column("network.name", "name of the network")
    fordisplay = Column("display", "whether users see it", since="4.4", admin=True)
