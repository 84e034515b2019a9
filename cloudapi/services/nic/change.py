"""NICs of Instances that exist: added, removed, made the default one, given other addresses; live where they run."""

from __future__ import annotations

import functools
from collections.abc import Callable

from cloudapi.context import Context
from cloudapi.errors import InvalidParameter, UnsupportedAction
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, Network, Nic, NicSecondaryIp
from cloudapi.models.rule import PortForwardingRule
from cloudapi.services.firewall import removal
from cloudapi.services.host import agent
from cloudapi.services.network import address, permission
from cloudapi.services.network import network as networks
from cloudapi.services.nic import nic as nics
from cloudapi.services.nic import segment


def add(context: Context, machine: Machine, network: Network, *, ip: str | None, mac: str | None,
        dhcp_options: dict[str, str] | None) -> Nic:
    """Give an Instance a further NIC, plugged in at once where it runs.

    :raises PermissionDenied: the Instance's account may not use the network.
    :raises InvalidParameter: the network is of another zone or the system, or the Instance is in it already.
    :raises UnsupportedAction: its hypervisor cannot add NICs to running Instances.
    """
    from cloudapi.services.router import router

    host = nics.running_host(machine)
    _check_pluggable(host)
    if network.zone_id != machine.zone_id:
        raise InvalidParameter(f"Network {network.uuid} (networkid) is not in the zone of Instance {machine.uuid}")
    if network.traffic_type != "Guest" or network.guest_type is None:
        raise InvalidParameter(f"Network {network.uuid} (networkid) is not for Instances")
    permission.check_use(context, Account.get_by_id(machine.account_id), network)

    def make() -> int:
        if Nic.alive(Nic.vm_id == machine.id, Nic.network == network.id).exists():
            raise InvalidParameter(f"A NIC already exists for VM:{machine.instance_name} in network: {network.uuid}")
        first = not Nic.alive(Nic.vm_id == machine.id).exists()
        made = nics.allocate(context, machine, network, ip4=ip, mac=mac, default=first, dhcp_options=dhcp_options)
        networks.changed(network)
        return int(made.id)

    nic_id = context.steps.run("allocate NIC", make, undo=lambda made: nics.remove(context, Nic.get_by_id(made)))
    if host is not None:
        networks.implement(context, network)
        context.steps.run("reserve NIC", lambda: nics.reserve(context, machine, host))
        router.apply(context, network)
        nic = Nic.get_by_id(nic_id)
        bridge = segment.spec(nic, host)
        context.steps.remote("network on host", lambda request_id: agent.call(
            context, host, "network.ensure", {"network": bridge}, request_id=request_id))
        context.steps.remote("plug NIC", lambda request_id: agent.call(
            context, host, "instance.plug_nic", {"instance": machine.uuid, "nic": nics.spec(nic)},
            request_id=request_id))
    return Nic.get_by_id(nic_id)


def _check_pluggable(host: Host | None) -> None:
    if host is not None and not nics.pluggable(host):
        raise UnsupportedAction(f"The hypervisor {host.hypervisor_type} cannot change the NICs of a running Instance")


def check_owner(nic: Nic, machine: Machine) -> None:
    """:raises InvalidParameter: the NIC is another machine's."""
    if nic.vm_id != machine.id:
        raise InvalidParameter(f"NIC {nic.uuid} (nicid) is not a NIC of Instance {machine.uuid}")


def remove(context: Context, machine: Machine, nic: Nic) -> None:
    """Take a NIC away from an Instance, at once where it runs.

    :raises InvalidParameter: it is the default one, or rules lead to it.
    """
    check_owner(nic, machine)
    if nic.is_default:
        raise InvalidParameter(f"Unable to remove NIC {nic.uuid} from VM {machine.uuid}: NIC is default.")
    if _has_rules(nic):
        raise InvalidParameter(f"Unable to remove NIC {nic.uuid} from VM {machine.uuid}: NIC has associated port "
                               "forwarding or static NAT rules.")
    host = nics.running_host(machine)
    _check_pluggable(host)
    if host is not None:
        context.steps.remote("unplug NIC", lambda request_id: agent.call(
            context, host, "instance.unplug_nic", {"instance": machine.uuid, "nic": nic.uuid}, request_id=request_id))
    nics.remove(context, nic)


def _has_rules(nic: Nic, ips: list[str] | None = None) -> bool:
    """Whether rules lead to a NIC, or to these addresses of it."""
    rules = PortForwardingRule.alive(PortForwardingRule.vm_id == nic.vm_id,
                                     PortForwardingRule.network == nic.network_id)
    static = IpAddress.alive(IpAddress.vm_id == nic.vm_id, IpAddress.network_id == nic.network_id,
                             IpAddress.is_static_nat == True)  # noqa: E712
    if ips is not None:
        rules, static = rules.where(PortForwardingRule.vm_ip.in_(ips)), static.where(IpAddress.vm_ip.in_(ips))
    return bool(rules.exists() or static.exists())


def _on_host(context: Context, machine: Machine, nic_ids: list[int], name: str) -> None:
    """Let the host of a running Instance know how NICs are now."""
    host = nics.running_host(machine)
    if host is None:
        return
    for nic_id in nic_ids:
        nic = Nic.get_by_id(nic_id)
        context.steps.remote(f"{name} {nic.uuid}", functools.partial(
            agent.call, context, host, "instance.update_nic", {"instance": machine.uuid, "nic": nics.spec(nic)}))


def _change(context: Context, machine: Machine, nic_ids: list[int], name: str, change: Callable[[], object]) -> None:
    """Change records of NICs, then the routers of their networks and the Instance's host."""
    affected = {nic.network_id: nic.network for nic in Nic.select().where(Nic.id.in_(nic_ids))}

    def write() -> None:
        change()
        for network in affected.values():
            networks.changed(network)

    from cloudapi.services.router import router

    context.steps.run(name, write)
    for network in affected.values():
        router.apply(context, network)
    _on_host(context, machine, nic_ids, name)


def make_default(context: Context, machine: Machine, nic: Nic) -> None:
    """Let the default route of an Instance lead through another NIC.

    :raises InvalidParameter: it is the default one already, or another machine's.
    """
    check_owner(nic, machine)
    nics.running_host(machine)
    if nic.is_default:
        raise InvalidParameter("refusing to set default NIC because chosen NIC is already the default")
    before = Nic.alive(Nic.vm_id == machine.id, Nic.is_default == True).first()  # noqa: E712

    def swap() -> None:
        Nic.update(is_default=False).where(Nic.vm_id == machine.id, Nic.removed.is_null()).execute()
        Nic.update(is_default=True).where(Nic.id == nic.id).execute()

    _change(context, machine, [nic.id, *([before.id] if before is not None else [])], "default NIC", swap)


def switch(context: Context, machine: Machine, nic: Nic, enabled: bool) -> Nic:
    """Bring the link of a NIC up or down."""
    nics.running_host(machine)
    _change(context, machine, [nic.id], "link of NIC",
            lambda: Nic.update(enabled=enabled).where(Nic.id == nic.id).execute())
    return Nic.get_by_id(nic.id)


def change_ip(context: Context, machine: Machine, nic: Nic, ip: str | None) -> None:
    """Give a NIC of a stopped Instance another address: this one, or any.

    :raises InvalidParameter: the Instance is not stopped, rules lead to the old address, or the new one is not free.
    """
    network: Network = nic.network
    if machine.state != "Stopped":
        raise InvalidParameter(f"Instance {machine.uuid} is in state {machine.state}: it has to be Stopped to update "
                               "the IP of a NIC")
    if not nic.ip4:
        raise InvalidParameter(f"NIC {nic.uuid} (nicid) has no IPv4 address")
    if _has_rules(nic, [nic.ip4]):
        raise InvalidParameter(f"Unable to update the IP of NIC {nic.uuid}: port forwarding or static NAT rules lead "
                               "to it")
    wanted = address.parse_ip4(ip, "ipaddress") if ip else None
    if wanted == nic.ip4:
        return

    def swap() -> None:
        taken = address.take(network, wanted, nic_id=nic.id)
        netmask, gateway = address.netmask_of(network, taken)
        address.give_back(network.id, nic.ip4)
        Nic.update(ip4=taken, netmask=netmask, gateway=gateway).where(Nic.id == nic.id).execute()
        address.assign(network, taken, Nic.get_by_id(nic.id))

    _change(context, machine, [nic.id], "address of NIC", swap)


def add_secondary(context: Context, nic: Nic, ip: str | None, description: str | None) -> NicSecondaryIp:
    """Take a further address for a NIC; `finish_secondary` brings it to the host. Within a transaction.

    :raises InvalidParameter: the NIC has as many as it may, or the wanted one is not free.
    """
    machine = Machine.get_by_id(nic.vm_id)
    if machine.kind != "User":
        raise InvalidParameter(f"NIC {nic.uuid} (nicid) is not a NIC of an Instance")
    most = int(context.settings.get("vm.network.nic.max.secondary.ipaddresses"))
    if NicSecondaryIp.alive(NicSecondaryIp.nic == nic.id).count() >= most:
        raise InvalidParameter(f"Maximum Number of Ips per Nic has been crossed: {most}")
    made = address.take_secondary(nic, ip, machine.account_id, machine.domain_id, description)
    Nic.update(secondary=True).where(Nic.id == nic.id).execute()
    networks.changed(nic.network)
    return made


def finish_secondary(context: Context, made: NicSecondaryIp) -> NicSecondaryIp:
    machine = Machine.get_by_id(made.vm_id)
    context.steps.run("secondary address", lambda: None, undo=lambda _: _drop_secondary(made))
    if machine.state == "Running":
        _on_host(context, machine, [made.nic_id], "secondary address")
    return made


def _drop_secondary(record: NicSecondaryIp) -> None:
    from cloudapi.models.base import now

    if NicSecondaryIp.get_by_id(record.id).removed is not None:
        return
    address.give_back(record.network_id, record.ip4 or record.ip6)
    NicSecondaryIp.update(removed=now()).where(NicSecondaryIp.id == record.id).execute()
    left = NicSecondaryIp.alive(NicSecondaryIp.nic == record.nic_id).exists()
    Nic.update(secondary=left).where(Nic.id == record.nic_id).execute()


def remove_secondary(context: Context, record: NicSecondaryIp) -> None:
    """Give back a further address of a NIC.

    :raises InvalidParameter: rules lead to it.
    """
    nic = Nic.get_by_id(record.nic_id)
    if record.ip4 and _has_rules(nic, [record.ip4]):
        raise InvalidParameter(f"Can't remove the secondary ip {record.ip4}: it has port forwarding or static NAT "
                               "rules")

    def drop() -> None:
        removal.drop_target_rules(nic, [record.ip4] if record.ip4 else [])
        _drop_secondary(record)

    machine = Machine.get_by_id(nic.vm_id)
    context.steps.run("remove secondary address", drop)
    if machine.state == "Running":
        _on_host(context, machine, [nic.id], "without secondary address")
