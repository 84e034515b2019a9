"""Networks that change: what is shown of them, their DNS, reservations of addresses, their offering."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import InternalError, InvalidParameter
from cloudapi.models.machine import Machine, Router
from cloudapi.models.network import GuestIp, IpAddress, Network, Nic
from cloudapi.models.offering import NetworkOffering
from cloudapi.models.rule import FirewallRule, PortForwardingRule
from cloudapi.services import detail
from cloudapi.services.firewall import conserve, removal
from cloudapi.services.network import check, restart
from cloudapi.services.network import network as networks
from cloudapi.services.network.address import parse_cidr, parse_ip4
from cloudapi.services.network.creation import HIDE_USAGE
from cloudapi.services.vlan import subnet

SHOWN = {"name": "name", "displaytext": "display_text", "displaynetwork": "display", "publicmtu": "public_mtu",
         "privatemtu": "private_mtu", "dns1": "dns1", "dns2": "dns2", "ip6dns1": "ip6_dns1", "ip6dns2": "ip6_dns2",
         "networkdomain": "network_domain", "keepmacaddressonpublicnic": "keep_mac_on_public_nic"}
# What the routers have to learn.
TOLD = ("dns1", "dns2", "ip6dns1", "ip6dns2", "networkdomain", "publicmtu", "privatemtu", "sourcenatipaddress")


def update(context: Context, network: Network, given: Mapping[str, Any]) -> Network:
    """Change a network by the parameters of updateNetwork that were given; routers follow at once.

    :raises InvalidParameter: a value does not fit the network.
    """
    if network.state == "Destroy" or network.removed is not None:
        raise InvalidParameter("Don't allow to update network in state Destroy")
    if network.offering.system_only or network.traffic_type != "Guest":
        raise InvalidParameter("Can't update system networks")
    offering = given.get("networkofferingid")
    if offering is not None and offering.id == network.offering_id:
        offering = None
    if offering is not None:
        _check_offering(network, offering, bool(given.get("forced")))
    if given.get("guestvmcidr") and offering is not None:
        raise InvalidParameter("Cannot specify this network offering change and guestVmCidr at same time. Specify "
                               "only one.")
    in_sequence = bool(given.get("updateinsequence"))
    if in_sequence:
        _check_sequence(network, offering, given)
    if given.get("changecidr"):
        _check_stopped(network)
    context.steps.run("update network", lambda: _write(context, network, given, offering))
    fresh = Network.get_by_id(network.id)
    if fresh.state in networks.READY:
        with networks.locked(context, fresh):
            if offering is not None or given.get("changecidr"):
                restart.rebuild(context, fresh, in_sequence=in_sequence)
            elif any(given.get(name) is not None for name in TOLD) and networks.router_serves(fresh):
                restart.refresh(context, fresh, start=False)
    return Network.get_by_id(network.id)


def _write(context: Context, network: Network, given: Mapping[str, Any], offering: NetworkOffering | None) -> None:
    values = {column: given[name] for name, column in SHOWN.items() if given.get(name) is not None}
    _check(context, network, given)
    if given.get("customid") is not None:
        if Network.select().where(Network.uuid == given["customid"], Network.id != network.id).exists():
            raise InvalidParameter(f"customid {given['customid']} is already in use")
        values["uuid"] = given["customid"]
    if given.get("guestvmcidr") is not None:
        values |= _reservation(network, given["guestvmcidr"])
    elif given.get("changecidr") and network.network_cidr:
        values |= {"cidr": network.network_cidr, "network_cidr": None}
    if offering is not None:
        dropped = set(network.offering.services or {}) - set(offering.services or {})
        _drop_rules(network, dropped)
        values |= {"offering": offering.id, "redundant_router": offering.redundant_router}
    if given.get("sourcenatipaddress") is not None:
        _move_source_nat(network, given["sourcenatipaddress"])
    if given.get("hideipaddressusage") is not None:
        detail.put(network, {HIDE_USAGE: str(given["hideipaddressusage"]).lower()}, display=False)
    if values:
        Network.update(**values).where(Network.id == network.id).execute()
    networks.changed(network)


def _check(context: Context, network: Network, given: Mapping[str, Any]) -> None:
    if given.get("name") is not None and not given["name"].strip():
        raise InvalidParameter("Invalid name: a network's name is not empty")
    if given.get("networkdomain"):
        if network.guest_type == "L2" or not networks.has_service(network, "Dns"):
            raise InvalidParameter("Domain name change is not supported by the network offering of network "
                                   f"{network.uuid} (networkdomain)")
        check.domain_name(given["networkdomain"])
    servers = [name for name in ("dns1", "dns2", "ip6dns1", "ip6dns2") if given.get(name)]
    if servers and (network.guest_type == "L2" or not networks.has_service(network, "Dns")):
        raise InvalidParameter(f"{servers[0]} cannot be given: network {network.uuid} does not have the service Dns")
    for name in servers:
        (subnet.ip6 if name.startswith("ip6") else parse_ip4)(given[name], name)
    check.mtu(context, network.zone_id, given.get("publicmtu"), "vr.public.interface.max.mtu", "publicmtu")
    check.mtu(context, network.zone_id, given.get("privatemtu"), "vr.private.interface.max.mtu", "privatemtu")
    if given.get("keepmacaddressonpublicnic") is not None and network.guest_type != "Isolated":
        raise InvalidParameter("keepmacaddressonpublicnic is only for Isolated networks")


def _check_offering(network: Network, offering: NetworkOffering, forced: bool) -> None:
    if network.guest_type != "Isolated":
        raise InvalidParameter("NetworkOffering update can be performed for Isolated networks only.")
    if offering.state != "Enabled" or offering.system_only:
        raise InvalidParameter(f"Network offering {offering.uuid} (networkofferingid) is not in Enabled state, can't "
                               "upgrade to it")
    if offering.guest_type != network.guest_type or offering.traffic_type != "Guest" or offering.for_vpc:
        raise InvalidParameter(f"Can't upgrade from network offering {network.offering.uuid} to {offering.uuid}: it "
                               "is for other networks")
    if bool(offering.specify_vlan) != bool(network.offering.specify_vlan) or (offering.tags or "") != (
            network.offering.tags or ""):
        raise InvalidParameter(f"Can't upgrade from network offering {network.offering.uuid} to {offering.uuid}: "
                               "they differ in specifyvlan or in tags")
    if "ROUTED" in (offering.network_mode, network.offering.network_mode) and (
            offering.network_mode != network.offering.network_mode):
        raise InvalidParameter(f"Can't upgrade from network offering {network.offering.uuid} to {offering.uuid}: they "
                               "differ in networkmode")
    if offering.internet_protocol != "IPv4" and network.offering.internet_protocol == "IPv4":
        raise InternalError(f"Failed to upgrade network offering to '{offering.display_text}' as unable to allocate "
                            "IPv6 network: the zone has no IPv6 prefix for guest networks")
    lost = sorted(set(network.offering.services or {}) - set(offering.services or {}))
    if lost and not forced:
        raise InvalidParameter(f"The new offering {offering.name} will remove the services {', '.join(lost)} along "
                               "with all the related configuration currently in use; set forced to true for forcing "
                               "the update")
    if network.physical_network_id is not None:
        check.providers(offering, network.physical_network)
    conserve.check_offering(network, offering)


def _check_sequence(network: Network, offering: NetworkOffering | None, given: Mapping[str, Any]) -> None:
    """Check that a pair of routers can be updated one after the other, so that one of them always serves.

    :raises InvalidParameter: there is no pair, before or after.
    :raises InternalError: others than routers serve too, or nobody knows which router leads.
    """
    if not network.redundant_router or (offering is not None and not offering.redundant_router):
        raise InvalidParameter("updateinsequence is only for networks with redundant routers, also by the new offering")
    if offering is None and not given.get("changecidr") and not any(given.get(name) is not None for name in TOLD):
        return
    if any(name != "VirtualRouter" for names in (network.offering.services or {}).values() for name in names):
        raise InternalError("Cannot update the network resources in sequence when providers other than virtualrouter "
                            "are used (updateinsequence)")
    unknown = (Machine.alive().join(Router, on=(Router.machine_id == Machine.id))
               .where(Router.network == network.id, Router.redundant_state == "UNKNOWN").first())
    if unknown is not None and not given.get("forced"):
        raise InternalError(f"Domain router: {unknown.name} is in unknown state, Cannot update network. set parameter "
                            "forced to true for forcing an update")


def _check_stopped(network: Network) -> None:
    running = Nic.select().join(Machine, on=(Machine.id == Nic.vm_id)).where(
        Nic.network == network.id, Nic.removed.is_null(), Machine.kind == "User", Machine.removed.is_null(),
        Machine.state.not_in(networks.IDLE_STATES)).exists()
    if running:
        raise InvalidParameter(f"All user vm of network {network.uuid} should be stopped before changing CIDR "
                               "(changecidr)")


def _drop_rules(network: Network, services: set[str]) -> None:
    """Remove the rules of services that a network has no more."""
    if "Firewall" in services:
        removal.drop(FirewallRule, FirewallRule.network == network.id)
    if "PortForwarding" in services:
        removal.drop(PortForwardingRule, PortForwardingRule.network == network.id)
    if "StaticNat" in services:
        removal.end_static_nat(IpAddress.network_id == network.id)


def _reservation(network: Network, text: str) -> dict[str, Any]:
    """Return the columns of a network whose Instances get addresses from a part of it alone."""
    if network.guest_type != "Isolated":
        raise InvalidParameter("Can only allow IP Reservation in networks with guest type Isolated (guestvmcidr)")
    if network.state not in ("Implemented", "Allocated"):
        raise InvalidParameter("The network must be in Implemented or Allocated state. IP Reservation cannot be "
                               "applied in "
                               f"{network.state} state")
    inner = parse_cidr(text, "guestvmcidr")
    outer = ipaddress.IPv4Network(network.network_cidr or network.cidr)
    if not inner.subnet_of(outer):
        raise InvalidParameter("Invalid value of Guest VM CIDR. For IP Reservation, Guest VM CIDR should be a "
                               "subset of "
                               f"network CIDR : {outer}")
    for row in GuestIp.select().where(GuestIp.network == network.id):
        if ipaddress.ip_address(row.ip) not in inner and row.ip != network.gateway:
            raise InvalidParameter(f"Active IPs like {row.ip} exist outside the Guest VM CIDR. Cannot apply "
                                   "reservation")
    return {"cidr": str(inner), "network_cidr": None if inner == outer else str(outer)}


def _move_source_nat(network: Network, text: str) -> None:
    """Let the Instances appear behind another address that the network has."""
    ip = parse_ip4(text, "sourcenatipaddress")
    found = IpAddress.alive(IpAddress.network_id == network.id, IpAddress.ip == ip,
                            IpAddress.state == "Allocated").first()
    if found is None:
        raise InvalidParameter(f"Source NAT IP {ip} (sourcenatipaddress) is not associated with network {network.uuid}")
    if found.is_static_nat:
        raise InvalidParameter(f"IP address {ip} (sourcenatipaddress) has static NAT enabled")
    conserve.check(found, network, "SourceNat")
    IpAddress.update(is_source_nat=False).where(IpAddress.network_id == network.id).execute()
    IpAddress.update(is_source_nat=True).where(IpAddress.id == found.id).execute()
    networks.changed(network)
