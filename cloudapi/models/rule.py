"""Rules on public addresses and guest networks: firewall, port forwarding, IP forwarding."""

from __future__ import annotations

import peewee

from cloudapi.models.base import Json, Link, Owned
from cloudapi.models.network import IpAddress, Network


class FirewallRule(Owned):
    """A rule of the firewall: traffic to a public address (`traffic_type` Ingress) or out of a network (Egress).

    Ports are null where the protocol has none; `icmp_type` and `icmp_code` -1 mean any. `forwarding_id` is the
    port forwarding rule with which it was opened and is closed, `ip_forwarding_id` the IP forwarding rule.
    """

    traffic_type = peewee.CharField(16, default="Ingress")
    ip_address = Link(IpAddress, null=True)
    network = Link(Network)
    protocol = peewee.CharField(16)
    start_port = peewee.IntegerField(null=True)
    end_port = peewee.IntegerField(null=True)
    icmp_type = peewee.IntegerField(null=True)
    icmp_code = peewee.IntegerField(null=True)
    source_cidrs = Json(default=list)
    destination_cidrs = Json(default=list)
    state = peewee.CharField(16, default="Add")
    is_system = peewee.BooleanField(default=False)
    display = peewee.BooleanField(default=True)
    forwarding_id = peewee.BigIntegerField(null=True, index=True)
    ip_forwarding_id = peewee.BigIntegerField(null=True, index=True)


class PortForwardingRule(Owned):
    """Ports of a public address that lead to an Instance; `vm_ip` is the primary or a secondary address of its NIC."""

    ip_address = Link(IpAddress)
    network = Link(Network)
    vm_id = peewee.BigIntegerField(index=True)
    vm_ip = peewee.CharField(64)
    protocol = peewee.CharField(16)
    start_port = peewee.IntegerField()
    end_port = peewee.IntegerField()
    private_start_port = peewee.IntegerField()
    private_end_port = peewee.IntegerField()
    source_cidrs = Json(default=list)
    state = peewee.CharField(16, default="Add")
    display = peewee.BooleanField(default=True)


class IpForwardingRule(Owned):
    """Ports of a public address with static NAT that are in use; the Instance is the one to which the address leads."""

    ip_address = Link(IpAddress)
    network = Link(Network)
    protocol = peewee.CharField(16)
    start_port = peewee.IntegerField()
    end_port = peewee.IntegerField()
    state = peewee.CharField(16, default="Add")
