"""What the API shows of IP forwarding rules.

The catalogue knows them as port forwarding rules, clients read `startport` and `endport`: both are there, as static
NAT leads each port of the address to the same port of the Instance.
"""

from __future__ import annotations

from cloudapi.api.view import Column, Computed, Given, View
from cloudapi.models.machine import Machine
from cloudapi.models.rule import IpForwardingRule


class IpForwardingRuleView(View):
    record, name = IpForwardingRule, "ipforwardingrule"
    links = {"ip_address.vm": ("vm_id", Machine)}

    id = Column("uuid", "ID of the rule")
    protocol = Column("protocol", "tcp or udp")
    startport = Column("start_port", "first port")
    endport = Column("end_port", "last port")
    publicport = Column("start_port", "first public port", convert=str, type="string")
    publicendport = Column("end_port", "last public port", convert=str, type="string")
    privateport = Column("start_port", "first port of the Instance", convert=str, type="string")
    privateendport = Column("end_port", "last port of the Instance", convert=str, type="string")
    virtualmachineid = Column("ip_address.vm.uuid", "ID of the Instance")
    virtualmachinename = Column("ip_address.vm.name", "name of the Instance")
    virtualmachinedisplayname = Computed(lambda display, name: display or name, "ip_address.vm.display_name",
                                         "ip_address.vm.name", type="string", help="display name of the Instance")
    vmguestip = Column("ip_address.vm_ip", "address of the Instance that it leads to")
    ipaddressid = Column("ip_address.uuid", "ID of the public address")
    ipaddress = Column("ip_address.ip", "the public address")
    networkid = Column("network.uuid", "ID of the network")
    networkname = Column("network.name", "name of the network")
    state = Column("state", "Staged, Add, Active or Deleting")
    cidrlist = Given("from where it may be used: firewall rules say it", type="string")
    tags = Given("tags of the rule: it takes none", type="list")
    fordisplay = Given("whether users see it: all do", type="boolean", since="4.4", admin=True)
