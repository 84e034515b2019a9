"""NICs: made with their addresses, prepared for a start, released by a stop, removed.

The address of a guest NIC is its own from the beginning; those of the control, management and storage networks
are taken at the start, as they depend on the pod.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ApiError, InvalidParameter, ResourceUnavailable
from cloudapi.models.base import now
from cloudapi.models.database import in_transaction
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Host, Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, IpRange, Network, Nic, NicSecondaryIp
from cloudapi.models.offering import ServiceOffering
from cloudapi.services import detail
from cloudapi.services.host import agent
from cloudapi.services.network import address
from cloudapi.services.network import network as networks
from cloudapi.services.nic import reservation, segment
from cloudapi.services.public_ip import public_ip
from cloudapi.states.base import transition
from cloudapi.states.network import NIC  # noqa: F401 - declares the table for `transition`

log = logging.getLogger(__name__)

ROUTER = "DomainRouter"


def allocate(context: Context, machine: Machine, network: Network, *, ip4: str | None = None, ip6: str | None = None,
             mac: str | None = None, default: bool = False, device_id: int | None = None,
             dhcp_options: dict[str, str] | None = None) -> Nic:
    """Give a machine a NIC in a network, with its addresses. In the caller's transaction.

    :param ip4: exactly this address; a router may ask for its network's gateway.
    :param device_id: its place; the next one where it is not given.
    :raises InvalidParameter: an address or the MAC is not to be had.
    :raises InsufficientCapacity: the network has no address left.
    """
    if ip4 is not None:
        ip4 = address.parse_ip4(ip4, "ipaddress")
    values: dict[str, Any] = {
        "vm_id": machine.id, "is_default": default, "state": "Allocated", "traffic_type": network.traffic_type,
        "device_id": next_device(machine) if device_id is None else device_id, "mode": network.mode,
        "broadcast_uri": network.broadcast_uri, "isolation_uri": network.broadcast_uri,
        "extra_dhcp_options": dhcp_options or None}
    values |= _addresses(context, machine, network, ip4)
    identifier = int(context.settings.get("mac.identifier", zone=network.zone_id)) or network.zone_id % 256
    nic = address.insert_nic(values, network.id, address.parse_mac(mac) if mac else None, identifier)
    if network.ip6_cidr and network.traffic_type == "Guest":
        nic.ip6 = address.take_ip6(network, ip6, nic.mac_address)
        nic.ip6_gateway, nic.ip6_cidr = network.ip6_gateway, network.ip6_cidr
        nic.save(only=[Nic.ip6, Nic.ip6_gateway, Nic.ip6_cidr])
    elif ip6 is not None:
        raise InvalidParameter(f"Network {network.uuid} has no IPv6 addresses")
    if nic.ip4 and network.traffic_type == "Guest":
        address.assign(network, nic.ip4, nic)
    return nic


def _addresses(context: Context, machine: Machine, network: Network, ip4: str | None) -> dict[str, Any]:
    """Return the IPv4 columns of a new NIC, taking its address."""
    if network.traffic_type == "Public":
        return _public_address(context, machine, network, ip4)
    if network.traffic_type != "Guest":
        return {}
    if not network.cidr and not IpRange.alive(IpRange.network == network.id, IpRange.start_ip.is_null(False)).exists():
        if ip4 is not None:
            raise InvalidParameter(f"Network {network.uuid} has no IPv4 addresses: ipaddress cannot be given")
        return {}
    taken = address.take(network, ip4, router=machine.kind == ROUTER)
    netmask, gateway = address.netmask_of(network, taken)
    return {"ip4": taken, "netmask": netmask, "gateway": gateway}


def _public_address(context: Context, machine: Machine, network: Network, ip4: str | None) -> dict[str, Any]:
    """A router's public NIC bears an address that its network has already; system VMs take one of their own."""
    if ip4 is not None:
        found = IpAddress.alive(IpAddress.zone == network.zone_id, IpAddress.ip == ip4, IpAddress.state != "Free").get()
    else:
        found = public_ip.acquire(context, Account.get_by_id(machine.account_id), Zone.get_by_id(network.zone_id),
                                  system=True)
        IpAddress.update(vm_id=machine.id).where(IpAddress.id == found.id).execute()
    ip_range = IpRange.get_by_id(found.ip_range_id)
    return {"ip4": found.ip, "netmask": ip_range.netmask, "gateway": ip_range.gateway, "broadcast_uri": ip_range.vlan,
            "isolation_uri": ip_range.vlan, "ip_range_id": ip_range.id}


def next_device(machine: Machine) -> int:
    used = {row[0] for row in Nic.select(Nic.device_id).where(Nic.vm_id == machine.id, Nic.removed.is_null()).tuples()}
    return next(number for number in range(len(used) + 1) if number not in used)


def of_machine(machine: Machine) -> list[Nic]:
    """Return the machine's NICs in the order of their devices."""
    return list(Nic.alive(Nic.vm_id == machine.id).order_by(Nic.device_id, Nic.id))


def spec(nic: Nic, details: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the agents' `NicSpec` of a prepared NIC.

    :param details: those of its machine, where the caller has read them already.
    """
    if details is None:
        details = detail.get(Machine.get_by_id(nic.vm_id))
    further = NicSecondaryIp.alive(NicSecondaryIp.nic == nic.id).order_by(NicSecondaryIp.id)
    secondary = [row.ip4 or row.ip6 for row in further]
    return {"id": nic.uuid, "network": segment.segment_id(nic), "mac": nic.mac_address, "device": nic.device_id,
            "ip": nic.ip4, "netmask": nic.netmask, "gateway": nic.gateway if nic.is_default else None, "ip6": nic.ip6,
            "secondary_ips": secondary, "traffic": nic.traffic_type,
            "model": details.get("nicAdapter") or "",
            "rate_mbps": nic.rate_mbps, "enabled": bool(nic.enabled), "default": bool(nic.is_default)}


def rate(context: Context, nic: Nic, machine: Machine) -> int:
    """Return the rate of a NIC in Mbit/s, 0 for none: of an Instance's default NIC that of its service offering."""
    zone_id = machine.zone_id
    if machine.kind == "User" and nic.is_default:
        found = ServiceOffering.get_by_id(machine.service_offering_id).network_rate
        found = context.settings.get("vm.network.throttling.rate", zone=zone_id) if found is None else found
    else:
        found = nic.network.offering.network_rate
        found = context.settings.get("network.throttling.rate", zone=zone_id) if found is None else found
    return max(int(found), 0)


def prepare(context: Context, machine: Machine, host: Host) -> None:
    """Make the networks of a machine ready on the host where it is to start.

    Networks are implemented, their routers know the machine, and the host has the bridges.
    """
    from cloudapi.services.router import router

    if machine.kind != ROUTER:
        for nic in of_machine(machine):
            if nic.traffic_type == "Guest":
                networks.implement(context, nic.network)
    context.steps.run(f"reserve NICs of {machine.uuid}", lambda: reserve(context, machine, host),
                      undo=lambda _: _release(context, machine))
    nics = prepare_host(context, machine, host)
    if machine.kind == "User":
        for network in {nic.network_id: nic.network for nic in nics}.values():
            router.apply(context, network)


def prepare_host(context: Context, machine: Machine, host: Host) -> list[Nic]:
    """Make the bridges of a machine's NICs on a host (that it starts on, or migrates to). Returns the NICs."""
    nics = of_machine(machine)
    for nic in nics:
        wanted = segment.spec(nic, host)
        context.steps.remote(f"network {wanted['id']} on {host.uuid}",
                             functools.partial(agent.call, context, host, "network.ensure", {"network": wanted}))
    return nics


def reserve(context: Context, machine: Machine, host: Host) -> None:
    """Take what NICs have only while their machine runs. Within a transaction; safe to repeat."""
    for nic in of_machine(machine):
        values: dict[str, Any] = {"rate_mbps": rate(context, nic, machine)}
        if nic.traffic_type in reservation.RESERVED_AT_START and nic.ip4 is None:
            values |= reservation.take(context, nic, host)
        elif nic.traffic_type == "Guest":
            values |= {"broadcast_uri": nic.network.broadcast_uri, "isolation_uri": nic.network.broadcast_uri}
            networks.changed(nic.network)
        Nic.update(**values).where(Nic.id == nic.id).execute()
        if nic.state == "Allocated":
            transition(nic, "ReservationRequested")
        if nic.state == "Reserving":
            transition(nic, "OperationCompleted")
    _note_private_address(machine)


def _note_private_address(machine: Machine) -> None:
    """The address by which hosts reach a system VM or router is shown with the machine."""
    if machine.kind == "User":
        return
    wanted = "Control" if machine.kind == ROUTER else "Management"
    found = next((nic for nic in of_machine(machine) if nic.traffic_type == wanted), None)
    if found is not None:
        machine.private_ip, machine.private_mac = found.ip4, found.mac_address
        Machine.update(private_ip=found.ip4, private_mac=found.mac_address).where(Machine.id == machine.id).execute()


def release(context: Context, machine: Machine) -> None:
    """Give up what NICs have only while their machine runs. In the caller's transaction or as a step; repeatable."""
    if in_transaction():
        _release(context, machine)
    else:
        context.steps.run(f"release NICs of {machine.uuid}", lambda: _release(context, machine))


def _release(context: Context, machine: Machine) -> None:
    given_up = context.settings.get("systemvm.release.control.ip.on.stop")
    for nic in of_machine(machine):
        if nic.state == "Reserved":
            transition(nic, "ReleaseRequested")
        if nic.state == "Releasing":
            transition(nic, "OperationCompleted")
        if nic.state == "Reserving":
            transition(nic, "OperationFailed")
        kept = nic.traffic_type == reservation.CONTROL and not given_up
        if nic.traffic_type in reservation.RESERVED_AT_START and not kept:
            reservation.give_back(nic)


def remove(context: Context, nic: Nic) -> None:
    """Remove a NIC with all its addresses and the rules that lead to them, here and on its network's routers.

    In the caller's transaction, with the routers told after it; or as a step. Safe to repeat.
    """
    tell = functools.partial(_tell_routers, context, nic.network)
    if in_transaction():
        _remove(context, nic.id)
        context.after.append(tell)
    else:
        context.steps.run(f"remove NIC {nic.uuid}", lambda: _remove(context, nic.id))
        tell()


def _tell_routers(context: Context, network: Network) -> None:
    """Bring routers up to date; one that cannot be told now learns it with the next change."""
    from cloudapi.services.router import router

    if network.traffic_type != "Guest":
        return
    try:
        router.apply(context, network)
    except ApiError as error:
        log.warning("network %s: a router does not know yet that a NIC is gone: %s", network.uuid, error.text)


def _remove(context: Context, nic_id: int) -> None:
    from cloudapi.services.firewall import removal

    nic = Nic.get_by_id(nic_id)
    if nic.removed is not None:
        return
    network: Network = nic.network
    removal.drop_machine_rules(context, nic)
    for secondary in NicSecondaryIp.alive(NicSecondaryIp.nic == nic.id):
        address.give_back(network.id, secondary.ip4 or secondary.ip6)
        NicSecondaryIp.update(removed=now()).where(NicSecondaryIp.id == secondary.id).execute()
    if nic.traffic_type == "Guest":
        address.give_back(network.id, nic.ip4)
        address.give_back(network.id, nic.ip6)
        networks.changed(network)
    elif nic.traffic_type == "Public":
        for found in IpAddress.alive(IpAddress.zone == network.zone_id, IpAddress.ip == nic.ip4,
                                     IpAddress.is_system == True, IpAddress.vm_id == nic.vm_id):  # noqa: E712
            public_ip.set_free(context, found)
    else:
        reservation.give_back(nic)
    Nic.update(removed=now(), mac_key=None, state="Allocated").where(Nic.id == nic.id).execute()


def router_refresh(context: Context, network: Network) -> None:
    """Make the routers of a network what they shall be by now; where none runs there is nothing to do.

    :raises ResourceUnavailable: a router did not take it.
    """
    from cloudapi.services.router import router

    context.steps.run(f"change of network {network.uuid}", lambda: networks.changed(network))
    router.apply(context, network)


def pluggable(host: Host) -> bool:
    """Whether NICs can be added to, and taken from, machines that run on the host."""
    capabilities: Any = host.capabilities or {}
    return bool(capabilities.get("hot_plug_nic"))


def running_host(machine: Machine) -> Host | None:
    """Return the host of a running machine.

    :raises ResourceUnavailable: it is on its way between states.
    """
    if machine.state == "Running" and machine.host_id is not None:
        return Host.get_by_id(machine.host_id)
    if machine.state in ("Stopped", "Destroyed"):
        return None
    raise ResourceUnavailable(f"Instance {machine.uuid} is in state {machine.state}; it has to be Running or Stopped")
