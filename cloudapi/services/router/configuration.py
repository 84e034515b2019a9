"""The desired state of a router, made from the records: what agents know as `RouterConfig`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from cloudapi.context import Context
from cloudapi.models.database import rows
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine, Router
from cloudapi.models.network import IpAddress, IpRange, Network, Nic
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.rule import FirewallRule, PortForwardingRule
from cloudapi.services import detail
from cloudapi.services.network.network import has_service, router_serves
from cloudapi.services.nic import segment
from cloudapi.services.zone.zone import SEARCH_ORDER

# The first router of a redundant pair leads until it fails.
PRIORITIES = (100, 99)
GROUPS = 255


@dataclass(frozen=True, slots=True)
class Guest:
    """An Instance with its address in the network, as far as a router knows it: a network may have thousands."""

    ip: str
    mac: str
    is_default: bool
    options: str | None
    uuid: str
    name: str
    machine_id: int
    account_id: int
    host_id: int | None
    offering_id: int
    user_data: str | None
    password: str | None


GUESTS = """
SELECT n.ip4, n.mac_address, n.is_default, n.extra_dhcp_options, m.uuid, m.name, m.id, m.account_id, m.host_id,
    m.service_offering_id, m.user_data, m.password
FROM nic n JOIN machine m ON m.id = n.vm_id
WHERE n.network_id = ? AND n.removed IS NULL AND n.ip4 IS NOT NULL AND m.kind = 'User' AND m.removed IS NULL
ORDER BY n.id
"""


def of(context: Context, network: Network, machine: Machine) -> dict[str, Any]:
    """Return what a router of a network shall be."""
    zone = Zone.get_by_id(network.zone_id)
    router = Router.get_by_id(machine.id)
    nics = list(Nic.alive(Nic.vm_id == machine.id).order_by(Nic.device_id))
    guests = _guests(network)
    public = list(IpAddress.alive(IpAddress.network_id == network.id, IpAddress.state == "Allocated",
                                  IpAddress.source_network_id != network.id).order_by(IpAddress.id))
    servers = dns_servers(zone, network)
    config: dict[str, Any] = {
        "hostname": machine.name, "domain": network.network_domain or "", "dns_servers": servers,
        "search_domains": [name for name in (detail.get(zone).get(SEARCH_ORDER) or "").split(",") if name],
        "interfaces": [_interface(nic, public, machine) for nic in nics if nic.ip4],
        "firewall": _firewall(network, public), "egress_default": {}}
    if router_serves(network, "Dns"):
        config["dns"] = [{"name": _name(guest, network), "ip": guest.ip} for guest in guests]
    if router_serves(network, "Dhcp"):
        resolvers = servers if context.settings.get("use.external.dns", zone=zone.id) else [_guest_ip(network, router)]
        config["dhcp"] = [_lease(guest, resolvers, network) for guest in guests]
    if router_serves(network, "UserData"):
        config["metadata"] = _metadata(context, network, zone, guests, public)
    if has_service(network, "SourceNat"):
        config["source_nat"] = [{"network": network.uuid, "cidr": network.network_cidr or network.cidr,
                                 "public_ip": address.ip} for address in public if address.is_source_nat]
    if has_service(network, "Firewall"):
        config["egress_default"] = {network.uuid: "allow" if network.offering.egress_default_policy else "deny"}
    config["static_nat"] = [{"public_ip": address.ip, "private_ip": address.vm_ip} for address in public
                            if address.is_static_nat and address.vm_ip]
    config["port_forwarding"] = _forwardings(network)
    if router.is_redundant:
        config["redundancy"] = _redundancy(network, machine)
    return config


def dns_servers(zone: Zone, network: Network) -> list[str]:
    """Return the network's own DNS servers, or the zone's."""
    own = [server for server in (network.dns1, network.dns2) if server]
    return own or [server for server in (zone.dns1, zone.dns2) if server]


def _guest_ip(network: Network, router: Router) -> str:
    """Return the address at which guests find their router: in a redundant pair the gateway's, which both share."""
    return str(network.gateway if router.is_redundant else router.guest_ip)


def _guests(network: Network) -> list[Guest]:
    """Return the Instances with an address in the network, once for each NIC; also those that do not run."""
    return [Guest(*row) for row in rows(GUESTS, (network.id,))]


def _interface(nic: Nic, public: list[IpAddress], machine: Machine) -> dict[str, Any]:
    further: list[str] = []
    if nic.traffic_type == "Public":
        further = [address.ip for address in public if address.ip_range_id == nic.ip_range_id and address.ip != nic.ip4]
    return {"nic": nic.uuid, "network": segment.segment_id(nic), "traffic": nic.traffic_type, "mac": nic.mac_address,
            "ip": nic.ip4, "netmask": nic.netmask, "addresses": further,
            "gateway": nic.gateway if nic.traffic_type == "Public" else None}


def _name(guest: Guest, network: Network) -> str:
    return f"{guest.name}.{network.network_domain}" if network.network_domain else guest.name


def _lease(guest: Guest, resolvers: list[str], network: Network) -> dict[str, Any]:
    options = orjson.loads(guest.options) if guest.options else None
    return {"mac": guest.mac, "ip": guest.ip, "hostname": guest.name, "network": network.uuid,
            "default_gateway": bool(guest.is_default), "dns": resolvers,
            "options": {str(name): str(value) for name, value in (options or {}).items()}}


def _metadata(context: Context, network: Network, zone: Zone, guests: list[Guest],
              public: list[IpAddress]) -> list[dict[str, Any]]:
    """What the metadata server tells the Instances whose default NIC is in this network."""
    served = [guest for guest in guests if guest.is_default]
    keys: dict[int, list[str]] = {}
    for _, machine_id, key in rows(
            "SELECT DISTINCT k.id, k.machine_id, k.public_key FROM machine_key_pair k"
            " JOIN nic n ON n.vm_id = k.machine_id WHERE n.network_id = ? AND n.removed IS NULL ORDER BY k.id",
            (network.id,)):
        keys.setdefault(machine_id, []).append(key)
    wanted = {guest.offering_id for guest in served}
    offerings = {row.id: row.name for row in ServiceOffering.select(ServiceOffering.id, ServiceOffering.name).where(
        ServiceOffering.id.in_(list(wanted)))} if wanted else {}
    used = {guest.host_id for guest in served if guest.host_id and _may_show_host(context, guest)}
    hosts = {row.id: row.name for row in Host.select(Host.id, Host.name).where(
        Host.id.in_(list(used)))} if used else {}
    shared = next((address.ip for address in public if address.is_source_nat), "")
    own = {address.vm_ip: address.ip for address in public if address.is_static_nat}
    secrets = context.installation.secrets
    found = []
    for guest in served:
        address = own.get(guest.ip, shared)
        attributes = {
            "availability-zone": zone.name, "instance-id": guest.uuid, "vm-id": guest.uuid,
            "local-hostname": guest.name, "local-ipv4": guest.ip, "public-hostname": address, "public-ipv4": address,
            "service-offering": offerings.get(guest.offering_id, "")}
        if guest.host_id in hosts and _may_show_host(context, guest):
            attributes["hypervisor-host-name"] = hosts[guest.host_id]
        found.append({
            "ip": guest.ip, "instance": guest.uuid, "attributes": attributes, "user_data": guest.user_data,
            "ssh_public_keys": keys.get(guest.machine_id, []),
            "password": secrets.open(guest.password) if guest.password else None})
    return found


def _may_show_host(context: Context, guest: Guest) -> bool:
    return bool(context.settings.get("global.allow.expose.host.hostname")
                and context.settings.get("account.allow.expose.host.hostname", account=guest.account_id))


def _firewall(network: Network, public: list[IpAddress]) -> list[dict[str, Any]]:
    ips = {address.id: address.ip for address in public}
    allow_by_default = bool(network.offering.egress_default_policy)
    found = []
    for rule in FirewallRule.alive(FirewallRule.network == network.id, FirewallRule.state != "Revoke").order_by(
            FirewallRule.id):
        egress = rule.traffic_type == "Egress"
        if not egress and rule.ip_address_id not in ips:
            continue
        found.append({
            "id": rule.uuid, "direction": "egress" if egress else "ingress", "protocol": rule.protocol,
            "source_cidrs": rule.source_cidrs or [], "destination_cidrs": rule.destination_cidrs or [],
            "public_ip": None if egress else ips[rule.ip_address_id], "network": network.uuid if egress else None,
            "start_port": rule.start_port, "end_port": rule.end_port,
            "icmp_type": None if rule.icmp_type in (None, -1) else rule.icmp_type,
            "icmp_code": None if rule.icmp_code in (None, -1) else rule.icmp_code,
            "action": "deny" if egress and allow_by_default else "allow"})
    return found


def _forwardings(network: Network) -> list[dict[str, Any]]:
    rules = PortForwardingRule.alive(PortForwardingRule.network == network.id, PortForwardingRule.state != "Revoke")
    ips = {address.id: address.ip for address in IpAddress.select().where(
        IpAddress.id.in_(rules.select(PortForwardingRule.ip_address)))}
    return [{"id": rule.uuid, "public_ip": ips[rule.ip_address_id], "protocol": rule.protocol,
             "public_port": rule.start_port, "public_end_port": rule.end_port, "private_ip": rule.vm_ip,
             "private_port": rule.private_start_port, "private_end_port": rule.private_end_port,
             "source_cidrs": rule.source_cidrs or []} for rule in rules.order_by(PortForwardingRule.id)]


def _redundancy(network: Network, machine: Machine) -> dict[str, Any]:
    pair = [row.machine_id for row in Router.select(Router.machine_id).where(Router.network == network.id).order_by(
        Router.machine_id)]
    place = min(pair.index(machine.id), len(PRIORITIES) - 1)
    return {"group": network.id % GROUPS + 1, "priority": PRIORITIES[place], "guest_ip": network.gateway}


def ranges_of(network: Network) -> list[IpRange]:
    """Return the ranges from which the network has public addresses."""
    used = IpAddress.select(IpAddress.ip_range).where(
        IpAddress.network_id == network.id, IpAddress.state == "Allocated", IpAddress.removed.is_null(),
        IpAddress.source_network_id != network.id)
    return list(IpRange.alive(IpRange.id.in_(used)).order_by(IpRange.id))
