"""Networks that nobody uses are shut down after a while, and what accounts leave behind goes with them."""

from __future__ import annotations

import dataclasses
import logging
from functools import partial

from cloudapi import events
from cloudapi.context import Context
from cloudapi.errors import ApiError
from cloudapi.jobs.steps import Steps
from cloudapi.models.base import new_uuid, now
from cloudapi.models.database import transact
from cloudapi.models.identity import Account, Domain
from cloudapi.models.network import IpAddress, Network, NetworkPermission
from cloudapi.services.account import cleanup
from cloudapi.services.network import network as networks
from cloudapi.services.public_ip import association

log = logging.getLogger(__name__)


def apart(context: Context, name: str) -> Context:
    """Return a context for one piece of periodic work: with its own steps, and its own name for locks."""
    return dataclasses.replace(context, steps=Steps(name), request_id=new_uuid())


def collect(context: Context) -> None:
    """Shut down the isolated networks that have been unused for `network.gc.wait` seconds. Periodic; safe to repeat."""
    wait = int(context.settings.get("network.gc.wait")) * 1000
    for network in list(Network.alive(Network.state == "Implemented", Network.traffic_type == "Guest",
                                      Network.guest_type.in_(("Isolated", "L2"))).order_by(Network.id)):
        if network.offering.is_persistent:
            continue
        if networks.active_machines(network.id):
            if network.idle_since is not None:
                _note(network, None)
        elif network.idle_since is None:
            _note(network, now())
        elif network.idle_since + wait <= now():
            _shut(context, network)


def _note(network: Network, moment: int | None) -> None:
    transact(lambda: Network.update(idle_since=moment).where(Network.id == network.id).execute())


def _shut(context: Context, network: Network) -> None:
    own = apart(context, f"network gc {network.uuid}")
    try:
        networks.shutdown(own, network)
    except ApiError as error:
        own.steps.unwind()
        log.warning("network %s is not shut down: %s", network.uuid, error.text)


@cleanup.register(50, "public IP addresses")
def release_addresses(context: Context, account: Account) -> None:
    """Give back the addresses of an account, but those that go with their network."""
    for address in list(IpAddress.alive(IpAddress.account_id == account.id, IpAddress.is_source_nat == False,  # noqa: E712
                                        IpAddress.is_system == False, IpAddress.state != "Free")):  # noqa: E712
        if address.ip_range.kind == "VirtualNetwork":
            association.release(context, address)
            context.steps.run(f"event of the release of {address.uuid}", partial(
                events.completed, context, "NET.IPRELEASE", f"releasing IP address {address.ip} ({address.uuid})",
                address))


@cleanup.register(60, "networks")
def delete_networks(context: Context, account: Account) -> None:
    """Delete the networks of an account, and its permission to use others'."""
    for network in list(Network.alive(Network.account_id == account.id, Network.traffic_type == "Guest")):
        networks.delete(context, network, forced=True)
    transact(lambda: NetworkPermission.delete().where(NetworkPermission.account_id == account.id).execute())


def _of_domain(domain: Domain) -> list[Network]:
    return list(Network.alive(Network.domain_id == domain.id, Network.acl_type == "Domain",
                              Network.traffic_type == "Guest"))


@cleanup.register_domain(60, "networks", lambda domain: len(_of_domain(domain)))
def delete_domain_networks(context: Context, domain: Domain) -> None:
    """Delete the networks that a whole domain shares."""
    for network in _of_domain(domain):
        networks.delete(context, network, forced=True)
