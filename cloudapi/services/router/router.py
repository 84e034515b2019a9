"""Virtual routers: made for a network, started and stopped as machines, and told what they shall be.

The desired state goes to a router whole, under a generation that only grows. A change counts the generation of its
network in its own transaction (`network.changed`); `apply` then brings the routers up to date. Of many changes at
once the first to come sends them all, and the others find theirs done.
"""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from typing import Any

from cloudapi.context import Context
from cloudapi.errors import ResourceUnavailable
from cloudapi.jobs import locks
from cloudapi.models.database import in_transaction, rows, transact
from cloudapi.models.infrastructure import Host
from cloudapi.models.machine import Machine, Router
from cloudapi.models.network import Network
from cloudapi.services.host import agent
from cloudapi.services.network import network as networks
from cloudapi.services.router import configuration, creation, public_nic

log = logging.getLogger(__name__)

# Seconds for which changes of one network are gathered before a message, where many come at once.
LONGEST_GATHERING = 0.1


def of_network(network: Network) -> list[Machine]:
    """Return the routers of a network, the first one first."""
    return list(Machine.alive(Machine.kind == "DomainRouter").join(Router, on=(Router.machine_id == Machine.id))
                .where(Router.network == network.id).order_by(Machine.id))


def wanted(network: Network) -> int:
    """Return how many routers the network is to have."""
    if not networks.router_serves(network):
        return 0
    return 2 if network.redundant_router else 1


def running(network: Network) -> bool:
    """Whether all routers that the network is to have run."""
    number = wanted(network)
    return number == 0 or sum(machine.state == "Running" for machine in of_network(network)) >= number


def ensure(context: Context, network: Network) -> None:
    """Make and start the routers that a network is to have. The caller holds the network."""
    number = wanted(network)
    known = of_network(network)
    for index in range(len(known), number):
        machine_id = context.steps.run(
            f"make router {index + 1} of network {network.uuid}",
            lambda: creation.create(context, network).id, undo=lambda made: _undo_create(context, made))
        known.append(Machine.get_by_id(machine_id))
    for machine in known[:number]:
        if machine.state != "Running":
            with _held(context, machine):
                start(context, machine)


def _held(context: Context, machine: Machine) -> AbstractContextManager[bool]:
    """Hold a router, which an admin may be working on."""
    return locks.hold([locks.key(machine)], networks.holder(context),
                      float(context.settings.get("network.lock.timeout")))


def _undo_create(context: Context, machine_id: int) -> None:
    from cloudapi.services.virtual_machine import life

    machine = Machine.get_by_id(machine_id)
    if machine.removed is None:
        life.expunge(context, machine)


def start(context: Context, machine: Machine) -> Machine:
    """Start a router and tell it what to be.

    :raises InsufficientCapacity: there is no place for it.
    """
    from cloudapi.services.virtual_machine import life

    machine = Machine.get_by_id(machine.id)
    if machine.state != "Running":
        context.steps.run(f"start router {machine.uuid}", lambda: _forget(machine.id))
        life.start(context, machine)
    network = network_of(machine)
    if network is not None:
        apply(context, network)
        look(context, machine)
    return Machine.get_by_id(machine.id)


def stop(context: Context, machine: Machine, forced: bool = False) -> Machine:
    """Stop a router; its network stays implemented, and starts it again when an Instance needs it."""
    from cloudapi.services.virtual_machine import life

    life.stop(context, machine, forced)
    context.steps.run(f"stopped router {machine.uuid}", lambda: _forget(machine.id))
    return Machine.get_by_id(machine.id)


def reboot(context: Context, machine: Machine, forced: bool = False) -> Machine:
    """Restart a router and tell it again what to be.

    :raises InvalidParameter: it does not run.
    """
    from cloudapi.services.virtual_machine import life

    life.reboot(context, machine, forced)
    context.steps.run(f"rebooted router {machine.uuid}", lambda: _forget(machine.id))
    return start(context, machine)


def destroy(context: Context, machine: Machine) -> None:
    """Remove a router for good; its network makes another one when it needs one."""
    from cloudapi.services.virtual_machine import life

    life.expunge(context, machine)
    context.steps.run(f"destroyed router {machine.uuid}",
                      lambda: Router.delete().where(Router.machine_id == machine.id).execute())


def destroy_all(context: Context, network: Network, *, forced: bool = False) -> None:
    """Remove all routers of a network.

    :param forced: also where a host does not answer: the router counts as stopped then.
    """
    from cloudapi.services.virtual_machine import life

    for machine in of_network(network):
        with _held(context, machine):
            if forced and machine.state == "Running":
                life.stop(context, machine, True)
            destroy(context, machine)


def _forget(machine_id: int) -> None:
    """Note that the router has no configuration (any more)."""
    Router.update(generation=0, redundant_state="UNKNOWN").where(Router.machine_id == machine_id).execute()


def network_of(machine: Machine) -> Network | None:
    row = Router.get_or_none(Router.machine_id == machine.id)
    return Network.get_or_none(Network.id == row.network_id) if row is not None else None


def apply(context: Context, network: Network) -> None:
    """Bring the running routers of a network up to date with the records; returns when they are.

    :raises HostUnreachable: a router's host did not answer.
    :raises HostRefused: it did not take the configuration.
    """
    if not networks.router_serves(network):
        return
    assert not in_transaction(), "routers are told after the transaction"
    target = max(rows("SELECT generation FROM network WHERE id = ?", (network.id,))[0][0], 1)
    if not _behind(network, target):
        return
    timeout = float(context.settings.get("network.lock.timeout"))
    begin = time.monotonic()
    with locks.hold([f"Router:{network.id}"], networks.holder(context), timeout,
                    unless=lambda: not _behind(network, target)) as held:
        if not held:
            return
        # Who had to wait is one of many: those behind him may come along, as a message of thousands of guests is long.
        time.sleep(min(time.monotonic() - begin, LONGEST_GATHERING))
        with networks.in_order(network):
            _bring_up_to_date(context, network, target)


def _bring_up_to_date(context: Context, network: Network, target: int) -> None:
    late = [Machine.get_by_id(machine_id) for machine_id in _behind(network, target)]
    current = Network.get_by_id(network.id)
    for machine in late:
        public_nic.ensure(context, current, machine)
    generation = transact(lambda: _next_generation(network.id))
    current = Network.get_by_id(network.id)
    for machine in late:
        _send(context, current, machine, generation)
    if current.restart_required and running(current):
        # What a restart would have to do is done.
        transact(lambda: Network.update(restart_required=False).where(Network.id == network.id).execute())


def _behind(network: Network, target: int) -> list[int]:
    """Return the running routers that do not have the network's generation `target` yet, who leads a pair last."""
    return [row[0] for row in rows(
        "SELECT m.id FROM router r JOIN machine m ON m.id = r.machine_id WHERE r.network_id = ? AND r.generation < ?"
        " AND m.state = 'Running' AND m.host_id IS NOT NULL AND m.removed IS NULL"
        " ORDER BY r.redundant_state = 'PRIMARY', m.id",
        (network.id, target))]


def _next_generation(network_id: int) -> int:
    Network.update(generation=Network.generation + 1).where(Network.id == network_id).execute()
    return int(rows("SELECT generation FROM network WHERE id = ?", (network_id,))[0][0])


def _send(context: Context, network: Network, machine: Machine, generation: int) -> None:
    config = configuration.of(context, network, machine)
    agent.call(context, Host.get_by_id(machine.host_id), "router.apply",
               {"router": machine.uuid, "generation": generation, "config": config})
    transact(lambda: Router.update(generation=generation).where(
        Router.machine_id == machine.id, Router.generation < generation).execute())


def look(context: Context, machine: Machine) -> None:
    """Read the router's version and its part in a redundant pair."""
    report = describe(context, machine)
    if report is not None:
        context.steps.run(f"version of router {machine.uuid}", lambda: _note(machine.id, report))


def describe(context: Context, machine: Machine) -> dict[str, Any] | None:
    """Return what the router says of itself (`RouterReport`); None where it does not run."""
    machine = Machine.get_by_id(machine.id)
    if machine.state != "Running" or machine.host_id is None:
        return None
    return agent.call(context, Host.get_by_id(machine.host_id), "router.describe", {"router": machine.uuid})


def _note(machine_id: int, report: dict[str, Any]) -> None:
    version = report["version"]
    redundant = Router.get_by_id(machine_id).is_redundant
    Router.update(template_version=version, software_version=version, scripts_version=version,
                  redundant_state=report["redundancy_state"] if redundant else "UNKNOWN").where(
        Router.machine_id == machine_id).execute()


def left_behind(context: Context) -> None:
    """Bring routers up to date that missed a change while they could not be reached. Periodic; safe to repeat."""
    behind = (Network.select(Network.id).join(Router, on=(Router.network == Network.id))
              .join(Machine, on=(Machine.id == Router.machine_id))
              .where(Machine.state == "Running", Machine.removed.is_null(), Router.generation < Network.generation,
                     Network.removed.is_null()).distinct())
    for row in list(behind):
        network = Network.get_by_id(row.id)
        try:
            apply(context, network)
        except ResourceUnavailable as error:
            log.warning("network %s: a router is not up to date: %s", network.uuid, error.text)
