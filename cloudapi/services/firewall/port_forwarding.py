"""Port forwarding: ports of a public address that lead to an Instance."""

from __future__ import annotations

from collections.abc import Sequence

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network, Nic, NicSecondaryIp
from cloudapi.models.rule import PortForwardingRule
from cloudapi.services.firewall import conserve
from cloudapi.services.firewall import rule as rules
from cloudapi.services.network import network as networks


def target(machine: Machine, network: Network, wanted: str | None) -> tuple[Nic, str]:
    """Return an Instance's NIC in a network, and its address that rules are to lead to.

    :raises InvalidParameter: it has none there, or not the wanted address.
    """
    if machine.kind != "User" or machine.state in ("Destroyed", "Expunging"):
        raise InvalidParameter(f"Invalid user vm: {machine.uuid} (virtualmachineid) is in state {machine.state}")
    nic = Nic.alive(Nic.vm_id == machine.id, Nic.network == network.id, Nic.ip4.is_null(False)).first()
    if nic is None:
        raise InvalidParameter(f"Vm {machine.uuid} doesn't belong to network {network.uuid} associated with ipAddress")
    if wanted is None or wanted == nic.ip4:
        return nic, str(nic.ip4)
    if not NicSecondaryIp.alive(NicSecondaryIp.nic == nic.id, NicSecondaryIp.ip4 == wanted).exists():
        raise InvalidParameter(f"IP Address {wanted[:64]} (vmguestip) is not in the VM nic's network")
    return nic, wanted


def create(context: Context, address: IpAddress, machine: Machine, *, protocol: str, public: tuple[int, int | None],
           private: tuple[int, int | None], guest_ip: str | None, cidrs: Sequence[str] | None, open_firewall: bool,
           network: Network | None, display: bool = True) -> PortForwardingRule:
    """Write a rule; `router.apply` brings it into force. In a transaction.

    :param open_firewall: let everybody in to the public ports as well.
    :raises InvalidParameter: its parts do not fit together.
    :raises NetworkRuleConflict: the ports are in use.
    """
    found = rules.of_address(address)
    if network is not None and network.id != found.id:
        raise InvalidParameter(f"IP address {address.uuid} is not associated with network {network.uuid} (networkid)")
    if address.is_static_nat:
        raise InvalidParameter(f"Unable to create port forwarding rule; ip {address.uuid} has static nat enabled")
    if not networks.has_service(found, "PortForwarding"):
        raise InvalidParameter(f"Network {found.uuid} does not have the service PortForwarding")
    conserve.check(address, found, "PortForwarding")
    protocol = rules.parse_protocol(protocol, ("tcp", "udp"))
    start, end = rules.check_ports(*public)
    private_start, private_end = rules.check_ports(*private)
    assert start is not None and end is not None and private_start is not None and private_end is not None
    _check_ranges(start, end, private_start, private_end)
    _, vm_ip = target(machine, found, guest_ip)
    rule = PortForwardingRule(
        ip_address=address.id, network=found.id, vm_id=machine.id, vm_ip=vm_ip, protocol=protocol, start_port=start,
        end_port=end, private_start_port=private_start, private_end_port=private_end, state="Add", display=display,
        source_cidrs=rules.parse_cidrs(cidrs, "cidrlist"), account_id=address.account_id, domain_id=address.domain_id)
    rules.check_ports_free(rule)
    rule.save(force_insert=True)
    IpAddress.update(has_rules=True).where(IpAddress.id == address.id).execute()
    if open_firewall and networks.has_service(found, "Firewall"):
        rules.open_for(context, address, rule)
    networks.changed(found)
    return rule


def _check_ranges(start: int, end: int, private_start: int, private_end: int) -> None:
    if end - start != private_end - private_start:
        raise InvalidParameter("Source port and destination port ranges should be of equal sizes.")
    if start != end and start != private_start:
        raise InvalidParameter("Private port start should be equal to public port start")


def update(context: Context, rule: PortForwardingRule, *, private: tuple[int | None, int | None],
           machine: Machine | None, guest_ip: str | None, cidrs: Sequence[str] | None, custom_id: str | None,
           display: bool | None) -> PortForwardingRule:
    """Lead the ports elsewhere. In steps.

    :raises InvalidParameter: the new ports do not fit the public ones, or the Instance not the network.
    """
    from cloudapi.services.router import router

    network = Network.get_by_id(rule.network_id)

    def change() -> None:
        start, end = private
        if start is not None:
            first, last = rules.check_ports(start, end if end is not None else start + rule.end_port - rule.start_port)
            assert first is not None and last is not None
            _check_ranges(rule.start_port, rule.end_port, first, last)
            rule.private_start_port, rule.private_end_port = first, last
        elif end is not None:
            raise InvalidParameter("privateendport is given without privateport")
        if machine is not None or guest_ip is not None:
            chosen = machine or Machine.get_by_id(rule.vm_id)
            _, rule.vm_ip = target(chosen, network, guest_ip)
            rule.vm_id = chosen.id
        rule.save()
        if cidrs is not None:
            PortForwardingRule.update(source_cidrs=rules.parse_cidrs(cidrs, "cidrlist")).where(
                PortForwardingRule.id == rule.id).execute()
        rules.update(rule, custom_id=custom_id, display=display)
        networks.changed(network)

    context.steps.run(f"change rule {rule.uuid}", change)
    router.apply(context, network)
    return PortForwardingRule.get_by_id(rule.id)
