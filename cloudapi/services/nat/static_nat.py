"""Static NAT: a public address that leads to one Instance alone."""

from __future__ import annotations

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, NetworkRuleConflict
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.rule import PortForwardingRule
from cloudapi.services.firewall import conserve, port_forwarding, removal
from cloudapi.services.firewall import rule as rules
from cloudapi.services.network import network as networks


def enable(context: Context, address: IpAddress, machine: Machine, network: Network | None,
           guest_ip: str | None) -> None:
    """Lead a public address to an Instance, and tell the routers.

    :raises InvalidParameter: the address or the Instance is not of the network, or serves already.
    :raises NetworkRuleConflict: the address has rules of another kind.
    """
    from cloudapi.services.router import router

    found = rules.of_address(address)
    if network is not None and network.id != found.id:
        raise InvalidParameter(f"Invalid network {network.uuid} (networkid): the IP address is associated with "
                               "another one")
    if not networks.has_service(found, "StaticNat"):
        raise InvalidParameter("Unable to create static nat rule; StaticNat service is not supported in network "
                               f"{found.uuid}")

    def write() -> None:
        current = IpAddress.get_by_id(address.id)
        nic, ip = port_forwarding.target(machine, found, guest_ip)
        _check(current, machine, ip)
        conserve.check(current, found, "StaticNat")
        IpAddress.update(is_static_nat=True, vm_id=machine.id, vm_ip=ip, nic_id=nic.id).where(
            IpAddress.id == address.id).execute()
        networks.changed(found)
        events.completed(context, "STATICNAT.ENABLE", f"enabling static NAT of {address.ip} for {machine.uuid}",
                         address)

    def take_back() -> None:
        IpAddress.update(is_static_nat=False, vm_id=None, vm_ip=None, nic_id=None).where(
            IpAddress.id == address.id).execute()
        networks.changed(found)

    context.steps.run(f"static NAT of {address.uuid}", write, undo=lambda _: take_back())
    router.apply(context, found)


def _check(address: IpAddress, machine: Machine, ip: str) -> None:
    if address.is_source_nat:
        raise InvalidParameter(f"Can't enable static, ip address {address.uuid} is a sourceNat ip address")
    if address.is_static_nat and address.vm_id != machine.id:
        raise NetworkRuleConflict(f"Failed to enable static for the ip address {address.uuid} and vm {machine.uuid} "
                                  "as it's already assigned to another vm")
    if not address.is_static_nat and PortForwardingRule.alive(PortForwardingRule.ip_address == address.id).exists():
        raise NetworkRuleConflict(f"Failed to enable static nat for the ip address {address.uuid} as it already has "
                                  "PortForwarding rules assigned")
    other = IpAddress.alive(IpAddress.vm_id == machine.id, IpAddress.vm_ip == ip, IpAddress.is_static_nat == True,  # noqa: E712
                            IpAddress.id != address.id).first()
    if other is not None:
        raise InvalidParameter(f"Failed to enable static nat on the ip {address.ip} as the vm {machine.uuid} is "
                               "already "
                               f"associated with another public ip {other.ip}")


def disable(context: Context, address: IpAddress) -> None:
    """End static NAT, with the firewall and IP forwarding rules of the address, and tell the routers.

    :raises InvalidParameter: there is none.
    """
    from cloudapi.services.router import router

    if not address.is_static_nat:
        raise InvalidParameter(f"Specified IP address {address.uuid} is not associated with any vm Id")
    if address.is_system:
        raise InvalidParameter(f"Can't disable static nat for system IP address {address.uuid}")
    network = Network.get_by_id(address.network_id)

    def write() -> None:
        removal.drop_address_rules(address)
        networks.changed(network)

    context.steps.run(f"end static NAT of {address.uuid}", write)
    router.apply(context, network)
