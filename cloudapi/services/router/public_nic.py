"""A router's public NICs: one for each range from which its network has addresses, as each may be another VLAN."""

from __future__ import annotations

import functools

from cloudapi.context import Context
from cloudapi.errors import UnsupportedAction
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, IpRange, Network, Nic
from cloudapi.services.host import agent
from cloudapi.services.network import network as networks
from cloudapi.services.network import system
from cloudapi.services.nic import segment
from cloudapi.services.router import configuration


def ensure(context: Context, network: Network, machine: Machine) -> None:
    """Plug the NICs that a running router lacks, and unplug those whose ranges its network uses no more."""
    from cloudapi.services.nic import nic as nics

    if not networks.has_service(network, "SourceNat"):
        return
    ranges = {item.id: item for item in configuration.ranges_of(network)}
    present = {nic.ip_range_id: nic for nic in Nic.alive(Nic.vm_id == machine.id, Nic.traffic_type == "Public")}
    host = Host.get_by_id(machine.host_id)
    for key, item in ranges.items():
        if key not in present:
            nic_id = context.steps.run(f"public NIC of {machine.uuid} for {item.uuid}",
                                       functools.partial(_allocate, context, network, machine, item))
            _plug(context, host, machine, Nic.get_by_id(nic_id))
    for key, nic in present.items():
        if key not in ranges and not nic.is_default:
            agent.call(context, host, "instance.unplug_nic", {"instance": machine.uuid, "nic": nic.uuid})
            nics.remove(context, nic)


def _allocate(context: Context, network: Network, machine: Machine, item: IpRange) -> int:
    from cloudapi.services.nic import nic as nics

    address = IpAddress.alive(IpAddress.network_id == network.id, IpAddress.ip_range == item.id,
                              IpAddress.state == "Allocated").order_by(IpAddress.id).first()
    public = system.of(context, network.zone_id, system.PUBLIC)
    return int(nics.allocate(context, machine, public, ip4=address.ip).id)


def _plug(context: Context, host: Host, machine: Machine, nic: Nic) -> None:
    from cloudapi.services.nic import nic as nics

    if not nics.pluggable(host):
        raise UnsupportedAction("The router's hypervisor cannot add a NIC for another public range while it runs; "
                                "restart the network")
    agent.call(context, host, "network.ensure", {"network": segment.spec(nic, host)})
    agent.call(context, host, "instance.plug_nic", {"instance": machine.uuid, "nic": nics.spec(nic)})
