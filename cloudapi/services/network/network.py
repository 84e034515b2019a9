"""The life of guest networks: found or made for a deployment, implemented on first use, shut down, deleted."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from cloudapi import events
from cloudapi.context import SYSTEM_ACCOUNT, Context
from cloudapi.errors import InvalidParameter, ResourceInUse
from cloudapi.jobs import locks
from cloudapi.models.base import now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account
from cloudapi.models.infrastructure import Zone
from cloudapi.models.machine import Machine
from cloudapi.models.network import IpAddress, IpRange, Network, NetworkPermission, Nic, PhysicalNetwork
from cloudapi.models.offering import NetworkOffering
from cloudapi.services import detail
from cloudapi.services.account import limit
from cloudapi.services.physical_network import vlan
from cloudapi.services.public_ip import public_ip
from cloudapi.states.base import transition
from cloudapi.states.network import NETWORK  # noqa: F401 - declares the table for `transition`

READY = ("Implemented", "Setup")
# By isolation method, CloudStack's names. GRE is the virtual switch's, which makes the tunnels.
BROADCASTS = {"VXLAN": ("Vxlan", "vxlan"), "GRE": ("Vswitch", "vs")}
# An Instance in one of these states needs its networks no more.
IDLE_STATES = ("Stopped", "Destroyed", "Expunging", "Error")


def has_service(network: Network, *services: str) -> bool:
    """Whether the network's offering has all of these services."""
    return set(services) <= set(network.offering.services or {})


def router_serves(network: Network, *services: str) -> bool:
    """Whether virtual routers provide any of these services (any at all, where none is named) in the network."""
    offered = network.offering.services or {}
    return any("VirtualRouter" in providers for name, providers in offered.items() if not services or name in services)


def holder(context: Context) -> str:
    """Return in whose name a call or job takes locks."""
    return context.steps.name if context.job_id is not None else context.request_id


@contextlib.contextmanager
def locked(context: Context, network: Network) -> Iterator[None]:
    """Hold the network while its devices change."""
    timeout = float(context.settings.get("network.lock.timeout"))
    with locks.hold([locks.key(network)], holder(context), timeout):
        yield


@contextlib.contextmanager
def part(context: Context, name: str) -> Iterator[Context]:
    """Give a context whose steps are undone where they fail themselves, and kept where the job fails later."""
    with context.steps.part(name) as steps:
        yield dataclasses.replace(context, steps=steps)


def changed(network: Network) -> None:
    """Count a change of what the network's routers shall have. Within the transaction of the change."""
    Network.update(generation=Network.generation + 1).where(Network.id == network.id).execute()


@contextlib.contextmanager
def in_order(network: Network) -> Iterator[None]:
    """Note that an implemented network wants a restart where bringing it in order fails."""
    try:
        yield
    except Exception:
        transact(lambda: Network.update(restart_required=True).where(
            Network.id == network.id, Network.state.in_(READY)).execute())
        raise


def default_networks(context: Context, account: Account, zone: Zone) -> list[Network]:
    """Return the network for an Instance that names none, making an isolated one on first use. Within a transaction.

    :raises InvalidParameter: the account has several, or no offering is there to make one.
    """
    if zone.network_type == "Basic" or zone.security_groups:
        shared = (Network.alive(Network.zone == zone.id, Network.guest_type == "Shared",
                                Network.traffic_type == "Guest")
                  .order_by(Network.id).first())
        if shared is None:
            raise InvalidParameter(f"Zone {zone.name} has no network for Instances")
        return [shared]
    offering = (NetworkOffering.alive(NetworkOffering.availability == "Required",
                                      NetworkOffering.traffic_type == "Guest",
                                      NetworkOffering.system_only == False)  # noqa: E712
                .order_by(NetworkOffering.id).first())
    if offering is None:
        raise InvalidParameter("Unable to find network offering with availability=Required to automatically create the "
                               "network as a part of vm creation")
    if offering.state != "Enabled":
        raise InvalidParameter(f"Required network offering {offering.name} is not in Enabled state")
    # The row's lock: of two first deployments at once the second finds the network of the first.
    Account.update(account_name=Account.account_name).where(Account.id == account.id).execute()
    own = list(Network.alive(Network.zone == zone.id, Network.account_id == account.id,
                             Network.guest_type == "Isolated",
                             Network.traffic_type == "Guest", Network.vpc_id.is_null(),
                             Network.state != "Destroy").order_by(Network.id).limit(2))
    if len(own) > 1:
        raise InvalidParameter(f"More than 1 default Isolated networks are found for Account {account.account_name}; "
                               "please specify networkIds")
    if own:
        return own
    from cloudapi.services.network import creation

    name = f"{account.account_name}-network"
    return [creation.insert(context, creation.Wanted(name=name, display_text=name, offering=offering, zone=zone,
                                                     owner=account))]


def implement(context: Context, network: Network) -> Network:
    """Make a network ready for a running Instance: its VLAN, VXLAN or GRE id, source NAT address and routers.

    Idempotent; of several that come at once one does the work. What is made stays when the job fails later.

    :raises InsufficientCapacity: no id, no public address, or no place for a router.
    """
    from cloudapi.services.router import router

    current: Network = Network.get_by_id(network.id)
    if current.state in READY and router.running(current):
        return current
    with locked(context, current):
        current = Network.get_by_id(network.id)
        with part(context, f"network {current.uuid}") as inner:
            if current.state not in READY:
                inner.steps.run("implement", lambda: _begin(inner, network.id), undo=lambda _: _give_up(network.id))
            with in_order(current):
                router.ensure(inner, Network.get_by_id(network.id))
            if current.state not in READY:
                inner.steps.run("implemented", lambda: _finish(network.id))
    return Network.get_by_id(network.id)


def _begin(context: Context, network_id: int) -> None:
    network = Network.get_by_id(network_id)
    if network.state == "Shutdown":
        transition(network, "OperationSucceeded")
    if network.state != "Implementing":
        transition(network, "ImplementNetwork", idle_since=None)
    if network.broadcast_uri is None and network.physical_network_id is not None:
        physical: PhysicalNetwork = network.physical_network
        tag = vlan.take_vlan(context, physical, Account.get_by_id(network.account_id), network=network)
        kind, scheme = broadcast(physical)
        uri = f"{scheme}://{tag}"
        Network.update(vlan=str(tag), broadcast_domain_type=kind, broadcast_uri=uri).where(
            Network.id == network_id).execute()
        Nic.update(broadcast_uri=uri, isolation_uri=uri).where(
            Nic.network == network_id, Nic.removed.is_null()).execute()
    if has_service(network, "SourceNat"):
        public_ip.ensure_source_nat(context, network)


def _give_up(network_id: int) -> None:
    network = Network.get_by_id(network_id)
    if network.state == "Implementing":
        transition(network, "OperationFailed")
    if network.state == "Shutdown":
        _free_tag(network)
        transition(network, "OperationSucceeded")


def _finish(network_id: int) -> None:
    network = Network.get_by_id(network_id)
    if network.state == "Implementing":
        transition(network, "OperationSucceeded", restart_required=False)


def broadcast(physical: PhysicalNetwork) -> tuple[str, str]:
    """Return the broadcast domain type of a physical network's guest networks, and the scheme of their URIs."""
    methods = {str(method).upper() for method in physical.isolation_methods or ()}
    return next((BROADCASTS[method] for method in BROADCASTS if method in methods), ("Vlan", "vlan"))


def _free_tag(network: Network) -> None:
    """Give back the id that the network took by itself; one that was asked for stays with it."""
    if network.broadcast_uri is None or network.offering.specify_vlan or network.physical_network_id is None:
        return
    if network.vlan is not None and network.vlan.isdecimal():
        vlan.give_back_vlan(network.physical_network_id, int(network.vlan))
    Network.update(vlan=None, broadcast_uri=None).where(Network.id == network.id).execute()
    Nic.update(broadcast_uri=None, isolation_uri=None).where(Nic.network == network.id, Nic.removed.is_null()).execute()


def active_machines(network_id: int) -> int:
    """Return how many machines other than routers use the network now."""
    return int(Nic.select().join(Machine, on=(Machine.id == Nic.vm_id)).where(
        Nic.network == network_id, Nic.removed.is_null(), Machine.kind != "DomainRouter", Machine.removed.is_null(),
        Machine.state.not_in(IDLE_STATES)).count())


def shutdown(context: Context, network: Network) -> None:
    """Take an implemented network down: its routers are destroyed, its VLAN id is free again. It keeps its addresses.

    :raises ResourceInUse: a machine uses it.
    """
    from cloudapi.services.router import router

    with locked(context, network):
        current = Network.get_by_id(network.id)
        if current.state not in ("Implemented", "Shutdown"):
            return
        if active_machines(network.id):
            raise ResourceInUse(f"Network {network.uuid} is in use by running Instances")
        name = f"shut down network {network.uuid}"
        if current.state == "Implemented":
            context.steps.run(name, lambda: transition(Network.get_by_id(network.id), "DestroyNetwork"))
        router.destroy_all(context, network)
        context.steps.run(f"{name}: done", lambda: _shut(network.id))


def _shut(network_id: int) -> None:
    network = Network.get_by_id(network_id)
    if network.state == "Shutdown":
        _free_tag(network)
        transition(network, "OperationSucceeded", idle_since=None)


def delete(context: Context, network: Network, *, forced: bool = False) -> None:
    """Delete a network with its routers, rules and public addresses.

    :param forced: also where its routers do not answer.
    :raises InvalidParameter: Instances still have NICs in it.
    """
    from cloudapi.services.firewall import removal
    from cloudapi.services.router import router

    with locked(context, network):
        current = Network.get_by_id(network.id)
        if current.removed is not None:
            return
        check_deletable(current)
        if current.state == "Implemented":
            context.steps.run(f"delete network {network.uuid}",
                              lambda: transition(Network.get_by_id(network.id), "DestroyNetwork"))
        router.destroy_all(context, network, forced=forced)
        context.steps.run(f"delete network {network.uuid}: done", lambda: _remove(context, network.id, removal))


def check_deletable(network: Network) -> None:
    left = (Nic.select(Machine.uuid).join(Machine, on=(Machine.id == Nic.vm_id))
            .where(Nic.network == network.id, Nic.removed.is_null(), Machine.kind != "DomainRouter",
                   Machine.removed.is_null()).tuples().first())
    if left is not None:
        raise InvalidParameter(f"Can't delete the network {network.uuid}, not all user vms are expunged: Instance "
                               f"{left[0]} has a NIC in it")
    if network.guest_type is None:
        raise InvalidParameter(f"Network {network.uuid} is a system network of its zone and cannot be deleted")


def _remove(context: Context, network_id: int, removal: Any) -> None:
    network = Network.get_by_id(network_id)
    if network.removed is not None:
        return
    removal.drop_network_rules(network)
    for address in IpAddress.alive(IpAddress.network_id == network_id, IpAddress.source_network_id != network_id,
                                   IpAddress.state != "Free"):
        removal.drop_address_rules(address)
        public_ip.set_free(context, address)
        events.completed(context, "NET.IPRELEASE", f"releasing address {address.ip}", address)
    for ip_range in IpRange.alive(IpRange.network == network_id):
        IpAddress.delete().where(IpAddress.ip_range == ip_range.id).execute()
        IpRange.update(removed=now()).where(IpRange.id == ip_range.id).execute()
    if network.state == "Shutdown":
        transition(network, "OperationSucceeded")
    if network.physical_network_id is not None and (network.vlan or "").isdecimal():
        vlan.give_back_vlan(network.physical_network_id, int(network.vlan))
    transition(network, "DestroyNetwork", removed=now())
    NetworkPermission.delete().where(NetworkPermission.network == network_id).execute()
    detail.remove(network)
    if network.account_id != SYSTEM_ACCOUNT:
        limit.give_back(Account.get_by_id(network.account_id), "network", 1)
