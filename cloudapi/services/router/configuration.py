"""The desired state of a router, made from the records: what agents know as `RouterConfig`."""

from __future__ import annotations

from typing import Any

from cloudapi.context import Context
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine, MachineKeyPair, Router
from cloudapi.models.network import IpAddress, IpRange, Network, Nic
from cloudapi.models.offering import ServiceOffering
from cloudapi.models.rule import FirewallRule, PortForwardingRule
from cloudapi.services.network.network import has_service, router_serves
from cloudapi.services.nic import segment

# The first router of a redundant pair leads until it fails.
PRIORITIES = (100, 99)
GROUPS = 255


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
        "interfaces": [_interface(nic, public, machine) for nic in nics if nic.ip4],
        "firewall": _firewall(network, public), "egress_default": {}}
    if router_serves(network, "Dns"):
        config["dns"] = [{"name": _name(guest, network), "ip": nic.ip4} for nic, guest in guests]
    if router_serves(network, "Dhcp"):
        resolvers = servers if context.settings.get("use.external.dns", zone=zone.id) else [_guest_ip(network, router)]
        config["dhcp"] = [_lease(nic, guest, resolvers, network) for nic, guest in guests]
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


def _guests(network: Network) -> list[tuple[Nic, Machine]]:
    """Return the NICs with an address in the network, each with its Instance; also of Instances that do not run."""
    nics = list(Nic.alive(Nic.network == network.id, Nic.ip4.is_null(False)).order_by(Nic.id))
    machines = {machine.id: machine for machine in Machine.alive(
        Machine.id.in_([nic.vm_id for nic in nics]), Machine.kind == "User")} if nics else {}
    return [(nic, machines[nic.vm_id]) for nic in nics if nic.vm_id in machines]


def _interface(nic: Nic, public: list[IpAddress], machine: Machine) -> dict[str, Any]:
    further: list[str] = []
    if nic.traffic_type == "Public":
        further = [address.ip for address in public if address.ip_range_id == nic.ip_range_id and address.ip != nic.ip4]
    return {"nic": nic.uuid, "network": segment.segment_id(nic), "traffic": nic.traffic_type, "mac": nic.mac_address,
            "ip": nic.ip4, "netmask": nic.netmask, "addresses": further,
            "gateway": nic.gateway if nic.traffic_type == "Public" else None}


def _name(machine: Machine, network: Network) -> str:
    return f"{machine.name}.{network.network_domain}" if network.network_domain else str(machine.name)


def _lease(nic: Nic, machine: Machine, resolvers: list[str], network: Network) -> dict[str, Any]:
    options = {str(name): str(value) for name, value in (nic.extra_dhcp_options or {}).items()}
    return {"mac": nic.mac_address, "ip": nic.ip4, "hostname": machine.name, "network": network.uuid,
            "default_gateway": bool(nic.is_default), "dns": resolvers, "options": options}


def _metadata(context: Context, network: Network, zone: Zone, guests: list[tuple[Nic, Machine]],
              public: list[IpAddress]) -> list[dict[str, Any]]:
    """What the metadata server tells the Instances whose default NIC is in this network."""
    served = [(nic, machine) for nic, machine in guests if nic.is_default]
    keys: dict[int, list[str]] = {}
    ids = [machine.id for _, machine in served]
    for row in MachineKeyPair.select().where(MachineKeyPair.machine.in_(ids)) if ids else ():
        keys.setdefault(row.machine_id, []).append(row.public_key)
    wanted = {machine.service_offering_id for _, machine in served}
    offerings = {row.id: row.name for row in ServiceOffering.select(ServiceOffering.id, ServiceOffering.name).where(
        ServiceOffering.id.in_(list(wanted)))} if wanted else {}
    hosts = {row.id: row.name for row in Host.select(Host.id, Host.name).where(
        Host.id.in_([machine.host_id for _, machine in served if machine.host_id]))} if served else {}
    shared = next((address.ip for address in public if address.is_source_nat), "")
    own = {address.vm_ip: address.ip for address in public if address.is_static_nat}
    secrets = context.installation.secrets
    found = []
    for nic, machine in served:
        address = own.get(nic.ip4, shared)
        attributes = {
            "availability-zone": zone.name, "instance-id": machine.uuid, "vm-id": machine.uuid,
            "local-hostname": machine.name, "local-ipv4": nic.ip4, "public-hostname": address, "public-ipv4": address,
            "service-offering": offerings.get(machine.service_offering_id, "")}
        if machine.host_id in hosts and _may_show_host(context, machine):
            attributes["hypervisor-host-name"] = hosts[machine.host_id]
        found.append({
            "ip": nic.ip4, "instance": machine.uuid, "attributes": attributes, "user_data": machine.user_data,
            "ssh_public_keys": keys.get(machine.id, []),
            "password": secrets.open(machine.password) if machine.password else None})
    return found


def _may_show_host(context: Context, machine: Machine) -> bool:
    return bool(context.settings.get("global.allow.expose.host.hostname")
                and context.settings.get("account.allow.expose.host.hostname", account=machine.account_id))


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
