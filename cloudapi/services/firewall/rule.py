"""Firewall rules: what may come in at a public address, and what may (or may not) leave a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, NetworkRuleConflict
from cloudapi.models.network import IpAddress, Network
from cloudapi.models.rule import FirewallRule, IpForwardingRule, PortForwardingRule
from cloudapi.services.firewall import conserve, removal
from cloudapi.services.network import network as networks
from cloudapi.services.network import protocol as protocols

INGRESS, EGRESS = "Ingress", "Egress"
ANYWHERE = "0.0.0.0/0"
PROTOCOLS = ("tcp", "udp", "icmp", "all")


def parse_protocol(value: str, allowed: Sequence[str] = PROTOCOLS) -> str:
    """Return a protocol by its lower-case name; numbers of those that have a name are understood.

    :raises InvalidParameter: it is none of those.
    """
    text = value.strip().lower()
    if text.isdecimal() and int(text) in protocols.PROTOCOLS:
        text = protocols.PROTOCOLS[int(text)][0].lower()
    if text not in allowed:
        raise InvalidParameter(f"Protocol {value[:32]} is not supported: protocol is one of {', '.join(allowed)}")
    return text


def check_ports(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """Return a range of ports; the end is the start where it is not given.

    :raises InvalidParameter: no ports, or the end before the start.
    """
    for value, name in ((start, "startport"), (end, "endport")):
        if value is not None and not 1 <= value <= 65535:
            raise InvalidParameter(f"publicPort is an invalid value: {value} ({name} is between 1 and 65535)")
    if start is None and end is not None:
        raise InvalidParameter("endport is given without startport")
    if start is not None and end is None:
        end = start
    if start is not None and end is not None and start > end:
        raise InvalidParameter("Start port can't be bigger than end port")
    return start, end


def parse_cidrs(values: Sequence[str] | None, name: str) -> list[str]:
    """Return CIDRs in their plain form.

    :raises InvalidParameter: one is none.
    """
    found = []
    for value in values or ():
        try:
            if "/" not in value:
                raise ValueError(value)
            found.append(str(ipaddress.ip_network(value.strip(), strict=False)))
        except ValueError:
            raise InvalidParameter(f"{name} is formatted incorrectly: {value[:64]} is no CIDR") from None
    return found


def check_icmp(protocol: str, icmp_type: int | None, icmp_code: int | None, ports: bool) -> tuple[int | None,
                                                                                                  int | None]:
    """Return type and code of an ICMP rule, -1 for any; nulls for other protocols.

    :raises InvalidParameter: ports for ICMP, ICMP's parameters for others, no such type or code.
    """
    if protocol != "icmp":
        if icmp_type is not None or icmp_code is not None:
            raise InvalidParameter("Can specify icmptype and icmpcode for ICMP protocol only")
        if protocol == "all" and ports:
            raise InvalidParameter("Can specify startport and endport only for the protocols tcp and udp")
        return None, None
    if ports:
        raise InvalidParameter("Can't specify start/end port when protocol is ICMP")
    icmp_type = -1 if icmp_type is None else icmp_type
    icmp_code = -1 if icmp_code is None else icmp_code
    if icmp_type == -1 and icmp_code != -1:
        raise InvalidParameter(f"Invalid icmp code: {icmp_code} is given for any icmptype")
    if not protocols.is_icmp(icmp_type, icmp_code):
        raise InvalidParameter(f"Invalid icmp type or code: icmptype {icmp_type}, icmpcode {icmp_code}")
    return icmp_type, icmp_code


def of_address(address: IpAddress) -> Network:
    """Return the network that uses a public address.

    :raises InvalidParameter: none does.
    """
    if address.network_id is None or address.state != "Allocated":
        raise InvalidParameter(f"Unable to create a rule for the IP address {address.uuid} (ipaddressid): it is not "
                               "associated with any network")
    return Network.get_by_id(address.network_id)


def create_ingress(context: Context, address: IpAddress, *, protocol: str, start: int | None, end: int | None,
                   cidrs: Sequence[str] | None, icmp_type: int | None, icmp_code: int | None, display: bool = True,
                   opened_with: Any = None) -> FirewallRule:
    """Write a rule that lets traffic to a public address in; `router.apply` brings it into force. In a transaction.

    :param opened_with: the rule of another kind with which it is opened and closed.
    :raises InvalidParameter: its parts do not fit together.
    :raises NetworkRuleConflict: there is such a rule.
    """
    network = of_address(address)
    _check_service(network)
    conserve.check(address, network, "Firewall")
    protocol = parse_protocol(protocol, ("tcp", "udp", "icmp"))
    start, end = check_ports(start, end)
    icmp_type, icmp_code = check_icmp(protocol, icmp_type, icmp_code, start is not None)
    opened = {} if opened_with is None else {removal.OPENED_WITH[type(opened_with)].name: opened_with.id}
    return _write(context, network, traffic_type=INGRESS, ip_address=address.id, protocol=protocol, start_port=start,
                  end_port=end, icmp_type=icmp_type, icmp_code=icmp_code, display=display,
                  source_cidrs=parse_cidrs(cidrs, "cidrlist") or [ANYWHERE], account_id=address.account_id,
                  domain_id=address.domain_id, **opened)


def create_egress(context: Context, network: Network, *, protocol: str, start: int | None, end: int | None,
                  cidrs: Sequence[str] | None, destinations: Sequence[str] | None, icmp_type: int | None,
                  icmp_code: int | None, display: bool = True) -> FirewallRule:
    """Write a rule about traffic that leaves a network: allowed, or forbidden where all else is. In a transaction.

    :raises InvalidParameter: its parts do not fit together, or a source is not in the network.
    :raises NetworkRuleConflict: there is such a rule.
    """
    if network.guest_type != "Isolated":
        raise InvalidParameter(f"Egress firewall rules are not supported for network {network.uuid}: it is not "
                               "Isolated")
    _check_service(network)
    protocol = parse_protocol(protocol)
    start, end = check_ports(start, end)
    icmp_type, icmp_code = check_icmp(protocol, icmp_type, icmp_code, start is not None)
    sources = parse_cidrs(cidrs, "cidrlist")
    inside = ipaddress.ip_network(network.network_cidr or network.cidr)
    for source in sources:
        block = ipaddress.ip_network(source)
        if source != ANYWHERE and (block.version != inside.version or not block.subnet_of(inside)):  # type: ignore[arg-type]
            raise InvalidParameter(f"{source} is not within the guest cidr {inside} (cidrlist)")
    return _write(context, network, traffic_type=EGRESS, ip_address=None, protocol=protocol, start_port=start,
                  end_port=end, icmp_type=icmp_type, icmp_code=icmp_code, display=display,
                  source_cidrs=sources or [str(inside)], destination_cidrs=parse_cidrs(destinations, "destcidrlist"),
                  account_id=network.account_id, domain_id=network.domain_id)


def _check_service(network: Network) -> None:
    if not networks.has_service(network, "Firewall"):
        raise InvalidParameter(f"Network {network.uuid} does not have the service Firewall")


def _write(context: Context, network: Network, **values: Any) -> FirewallRule:
    rule = FirewallRule(network=network.id, state="Add", **values)
    _check_conflict(rule)
    rule.save(force_insert=True)
    if rule.ip_address_id is not None:
        IpAddress.update(has_rules=True).where(IpAddress.id == rule.ip_address_id).execute()
    networks.changed(network)
    return rule


def _check_conflict(rule: FirewallRule) -> None:
    """:raises NetworkRuleConflict: another rule says the same, or overlaps in its ports for the same sources."""
    place = (FirewallRule.ip_address == rule.ip_address_id if rule.ip_address_id is not None
             else (FirewallRule.network == rule.network_id) & (FirewallRule.traffic_type == EGRESS))
    for other in FirewallRule.alive(place, FirewallRule.state != "Revoke", FirewallRule.protocol == rule.protocol):
        if not (_overlap(rule.source_cidrs, other.source_cidrs)
                and _overlap(rule.destination_cidrs, other.destination_cidrs)):
            continue
        if rule.protocol == "icmp":
            if (rule.icmp_type, rule.icmp_code) == (other.icmp_type, other.icmp_code):
                raise InvalidParameter(f"New rule conflicts with existing rule: {other.uuid}")
        elif rule.start_port is None and other.start_port is None:
            raise NetworkRuleConflict(f"There is already a firewall rule specified with protocol = {rule.protocol} and "
                                      "no ports")
        elif rule.start_port is not None and other.start_port is not None and (
                rule.start_port <= other.end_port and other.start_port <= rule.end_port):
            raise NetworkRuleConflict(f"The range specified, {rule.start_port}-{rule.end_port}, conflicts with rule "
                                      f"{other.uuid} which has {other.start_port}-{other.end_port}")


def _overlap(first: Sequence[str] | None, second: Sequence[str] | None) -> bool:
    """Whether two lists of CIDRs have an address in common; two empty ones do."""
    if not first or not second:
        return not first and not second
    blocks = [ipaddress.ip_network(cidr) for cidr in second]
    return any(block.version == other.version and block.overlaps(other)
               for block in map(ipaddress.ip_network, first) for other in blocks)


def open_for(context: Context, address: IpAddress, rule: Any) -> None:
    """Let everybody in to a rule's ports, unless a rule for exactly these is there already. In a transaction."""
    if FirewallRule.alive(FirewallRule.ip_address == address.id, FirewallRule.protocol == rule.protocol,
                          FirewallRule.start_port == rule.start_port, FirewallRule.end_port == rule.end_port,
                          FirewallRule.state != "Revoke").exists():
        return
    create_ingress(context, address, protocol=rule.protocol, start=rule.start_port, end=rule.end_port,
                   cidrs=[ANYWHERE], icmp_type=None, icmp_code=None, opened_with=rule)


def check_ports_free(rule: Any) -> None:
    """Refuse ports of a public address that another rule of the same kind has.

    :raises NetworkRuleConflict: one has them.
    """
    kind = type(rule)
    for other in kind.alive(kind.ip_address == rule.ip_address_id, kind.protocol == rule.protocol,
                            kind.state != "Revoke", kind.start_port <= rule.end_port,
                            kind.end_port >= rule.start_port):
        if other.id != rule.id:
            raise NetworkRuleConflict(f"The range specified, {rule.start_port}-{rule.end_port}, conflicts with rule "
                                      f"{other.uuid} which has {other.start_port}-{other.end_port}")


def enforce(context: Context, rule: Any) -> Any:
    """Bring a new rule, and what was opened with it, into force on the routers; one that they refuse is taken back.

    Returns the rule.
    """
    from cloudapi.services.router import router

    kind = type(rule)
    network = Network.get_by_id(rule.network_id)

    def activate() -> None:
        kind.update(state="Active").where(kind.id == rule.id, kind.removed.is_null()).execute()
        if kind in removal.OPENED_WITH:
            FirewallRule.update(state="Active").where(removal.OPENED_WITH[kind] == rule.id,
                                                      FirewallRule.removed.is_null()).execute()

    context.steps.run(f"rule {rule.uuid}", lambda: networks.changed(network), undo=lambda _: revoke(rule))
    router.apply(context, network)
    context.steps.run(f"rule {rule.uuid} is active", activate)
    return kind.get_by_id(rule.id)


def revoke(rule: Any) -> None:
    """Remove a rule, and what was opened for it, from the records. Within a transaction; safe to repeat."""
    kind = type(rule)
    if kind in removal.OPENED_WITH:
        removal.drop(FirewallRule, removal.OPENED_WITH[kind] == rule.id)
    removal.drop(kind, kind.id == rule.id)
    networks.changed(Network.get_by_id(rule.network_id))
    if rule.ip_address_id is not None:
        note_use(rule.ip_address_id)


def note_use(address_id: int) -> None:
    """Note whether rules use an address (still). Within a transaction."""
    used = any(kind.alive(kind.ip_address == address_id).exists()
               for kind in (FirewallRule, PortForwardingRule, IpForwardingRule))
    IpAddress.update(has_rules=used).where(IpAddress.id == address_id).execute()


def delete(context: Context, rule: Any) -> None:
    """Remove a rule from the records and from the routers."""
    from cloudapi.services.router import router

    context.steps.run(f"revoke rule {rule.uuid}", lambda: revoke(rule))
    router.apply(context, Network.get_by_id(rule.network_id))


def update(rule: Any, *, custom_id: str | None = None, display: bool | None = None) -> Any:
    """Change what is shown of a rule. Within a transaction.

    :raises InvalidParameter: the id is taken.
    """
    kind = type(rule)
    if custom_id is not None:
        if kind.select().where(kind.uuid == custom_id, kind.id != rule.id).exists():
            raise InvalidParameter(f"customid {custom_id} is already in use")
        rule.uuid = custom_id
    if display is not None:
        rule.display = display
    rule.save(only=[kind.uuid, kind.display])
    return rule
