"""Networks whose offering is not in conserve mode: a public address serves one end alone there.

Firewall rules go with whatever an address serves and count as no end of their own.
"""

from __future__ import annotations

from cloudapi.errors import InvalidParameter
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.offering import NetworkOffering
from cloudapi.models.rule import FirewallRule, PortForwardingRule

# The kinds of rules that make an address serve something; static NAT and source NAT are the address's own.
RULES = {"PortForwarding": PortForwardingRule}


def services_of(address: IpAddress) -> list[str]:
    """Return the services that a public address is used for, the firewall aside."""
    own = [name for name, used in (("SourceNat", address.is_source_nat), ("StaticNat", address.is_static_nat)) if used]
    return own + [name for name, kind in RULES.items()
                  if kind.alive(kind.ip_address == address.id, kind.state != "Revoke").exists()]


def check(address: IpAddress, network: Network, service: str) -> None:
    """Refuse a further use of a public address where the network's offering allows one only.

    :raises InvalidParameter: it is used for something else.
    """
    if network.guest_type != "Isolated" or network.offering.conserve_mode:
        return
    used = services_of(address)
    _check_single(address, used)
    if used and service not in ("Firewall", used[0]):
        raise InvalidParameter(f"The IP {address.ip} is already used as {used[0]} rather than {service}: the offering "
                               f"of network {network.uuid} is not in conserve mode")


def _check_single(address: IpAddress, used: list[str]) -> None:
    if len(used) > 1:
        raise InvalidParameter(f"There are multiple services used IP {address.ip}: {', '.join(used)}")


def check_offering(network: Network, offering: NetworkOffering) -> None:
    """Refuse another offering for a network whose addresses serve more than it allows.

    :raises InvalidParameter: one serves several ends, which it does not share, or would have several providers.
    """
    stricter = network.offering.conserve_mode and not offering.conserve_mode
    provided: dict[str, list[str]] = offering.services or {}
    for address in IpAddress.alive(IpAddress.network_id == network.id, IpAddress.source_network_id != network.id):
        used = services_of(address)
        if stricter:
            _check_single(address, used)
        if FirewallRule.alive(FirewallRule.ip_address == address.id, FirewallRule.state != "Revoke").exists():
            used.append("Firewall")
        if len({provided[name][0] for name in used if provided.get(name)}) > 1:
            raise InvalidParameter(f"There would be multiple providers for IP {address.ip} with the new network "
                                   f"offering {offering.uuid} (networkofferingid)")
