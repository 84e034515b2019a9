"""Rules that go with what they are for: an address, a NIC, a network. Within the caller's transaction."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.models.base import now
from cloudapi.models.common import ResourceTag
from cloudapi.models.network import IpAddress, Network, Nic, NicSecondaryIp
from cloudapi.models.rule import FirewallRule, IpForwardingRule, PortForwardingRule

# CloudStack's name of each kind, as tags write it.
TAG_KINDS = {FirewallRule: "FirewallRule", PortForwardingRule: "PortForwardingRule"}
# By kind of rule: the column of the firewall rules that were opened with one.
OPENED_WITH = {PortForwardingRule: FirewallRule.forwarding_id, IpForwardingRule: FirewallRule.ip_forwarding_id}


def drop(kind: Any, *where: Any) -> int:
    """Remove the rules of a kind that fit, with their tags. Returns how many."""
    ids = [row.id for row in kind.alive(*where)]
    if not ids:
        return 0
    kind.update(removed=now(), state="Revoke").where(kind.id.in_(ids)).execute()
    if kind in TAG_KINDS:
        ResourceTag.delete().where(ResourceTag.resource_type == TAG_KINDS[kind],
                                   ResourceTag.resource_id.in_(ids)).execute()
    return len(ids)


def end_static_nat(*where: Any) -> None:
    """End the static NAT of the public addresses that fit, with all their rules."""
    for address in IpAddress.alive(IpAddress.is_static_nat == True, *where):  # noqa: E712
        drop_address_rules(address)


def drop_address_rules(address: IpAddress) -> None:
    """Remove all rules of a public address and end its static NAT."""
    drop(FirewallRule, FirewallRule.ip_address == address.id)
    drop(PortForwardingRule, PortForwardingRule.ip_address == address.id)
    drop(IpForwardingRule, IpForwardingRule.ip_address == address.id)
    IpAddress.update(is_static_nat=False, vm_id=None, vm_ip=None, nic_id=None, has_rules=False).where(
        IpAddress.id == address.id, IpAddress.is_system == False).execute()  # noqa: E712


def drop_network_rules(network: Network) -> None:
    drop(FirewallRule, FirewallRule.network == network.id)
    drop(PortForwardingRule, PortForwardingRule.network == network.id)
    drop(IpForwardingRule, IpForwardingRule.network == network.id)


def drop_machine_rules(context: Context, nic: Nic) -> None:
    """Remove the port forwarding, with the firewall rules opened for it, and the static NAT that lead to a NIC."""
    ips = [nic.ip4, *(row.ip4 for row in NicSecondaryIp.alive(NicSecondaryIp.nic == nic.id))]
    drop_target_rules(nic, [ip for ip in ips if ip])


def drop_target_rules(nic: Nic, ips: list[str]) -> None:
    """Remove the rules that lead to these addresses of a NIC."""
    if not ips:
        return
    leading = [rule.id for rule in PortForwardingRule.alive(
        PortForwardingRule.network == nic.network_id, PortForwardingRule.vm_id == nic.vm_id,
        PortForwardingRule.vm_ip.in_(ips))]
    if leading:
        drop(FirewallRule, FirewallRule.forwarding_id.in_(leading))
        drop(PortForwardingRule, PortForwardingRule.id.in_(leading))
    end_static_nat(IpAddress.network_id == nic.network_id, IpAddress.vm_id == nic.vm_id, IpAddress.vm_ip.in_(ips))
