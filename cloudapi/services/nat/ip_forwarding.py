"""IP forwarding: the ports of a static NAT address that are in use, and open to everybody where that is wished."""

from __future__ import annotations

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, NetworkRuleConflict
from cloudapi.models.network import IpAddress
from cloudapi.models.rule import IpForwardingRule
from cloudapi.services.firewall import conserve
from cloudapi.services.firewall import rule as rules
from cloudapi.services.network import network as networks


def create(context: Context, address: IpAddress, *, protocol: str, start: int, end: int | None,
           open_firewall: bool) -> IpForwardingRule:
    """Write a rule; `rules.enforce` brings it into force. In a transaction.

    :param open_firewall: let everybody in to the ports as well.
    :raises InvalidParameter: there is no such protocol or range of ports, or no static NAT in the network.
    :raises NetworkRuleConflict: the address has no static NAT, or its ports are in use.
    """
    network = rules.of_address(address)
    if not networks.has_service(network, "StaticNat"):
        raise InvalidParameter(f"Network {network.uuid} does not have the service StaticNat")
    if address.is_source_nat or not address.is_static_nat or address.vm_id is None:
        raise NetworkRuleConflict(f"Can't do static nat on ip address: {address.ip} ({address.uuid}): it has no static "
                                  "NAT enabled")
    conserve.check(address, network, "StaticNat")
    first, last = rules.check_ports(start, end)
    rule = IpForwardingRule(
        ip_address=address.id, network=network.id, protocol=rules.parse_protocol(protocol, ("tcp", "udp")),
        start_port=first, end_port=last, account_id=address.account_id, domain_id=address.domain_id)
    rules.check_ports_free(rule)
    rule.save(force_insert=True)
    IpAddress.update(has_rules=True).where(IpAddress.id == address.id).execute()
    if open_firewall and networks.has_service(network, "Firewall"):
        rules.open_for(context, address, rule)
    return rule
